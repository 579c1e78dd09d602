#include "runtime/model_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/file.h"
#include "base/json_reader.h"
#include "runtime/test_models.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = R"({"model": {"type": "phi3", "context_length": 131072,
  "vocab_size": 200064, "eos_token_id": [200020, 199999], "decoder": {"filename": "model.onnx",
  "head_size": 128, "hidden_size": 3072, "num_attention_heads": 24, "num_hidden_layers": 32,
  "num_key_value_heads": 8,
  "inputs": {"input_ids": "input_ids", "attention_mask": "attention_mask",
             "past_key_names": "past_key_values.%d.key", "past_value_names": "past_key_values.%d.value"},
  "outputs": {"logits": "logits", "present_key_names": "present.%d.key",
              "present_value_names": "present.%d.value"}}},
  "search": {"do_sample": false, "temperature": 1.0, "top_k": 1, "top_p": 1.0,
             "repetition_penalty": 1.0, "max_length": 131072}})";

TEST(ParseGenaiConfig, ReadsThePublishedLayout) {
  const auto config = parse_genai_config(kConfig, "genai_config.json");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->context_length, 131072);
  EXPECT_EQ(config->num_hidden_layers, 32);
  EXPECT_EQ(config->eos_token_ids, (std::vector<TokenId>{200020, 199999}));
  EXPECT_EQ(config->io.past_key, "past_key_values.%d.key");
  EXPECT_TRUE(config->io.position_ids.empty());
  EXPECT_EQ(config->search.top_k, 1);
  EXPECT_FALSE(config->search.do_sample);
}

/// The configuration with the value at a JSON pointer replaced, or removed when it is null.
std::string changed(const char* pointer, const Json& value) {
  Json json = Json::parse(kConfig);
  const Json::json_pointer place(pointer);
  if (value.is_null()) {
    json[place.parent_pointer()].erase(place.back());
  } else {
    json[place] = value;
  }
  return json.dump();
}

TEST(ParseGenaiConfig, EveryRequiredKeyIsMissedByName) {
  for (const char* pointer :
       {"/model/context_length", "/model/vocab_size", "/model/decoder/head_size",
        "/model/decoder/num_hidden_layers", "/model/decoder/inputs/input_ids",
        "/model/decoder/inputs/past_key_names", "/model/decoder/outputs/logits",
        "/model/decoder/outputs/present_value_names"}) {
    const auto config = parse_genai_config(changed(pointer, nullptr), "genai_config.json");
    ASSERT_FALSE(config) << pointer;
    const std::string key = std::string(pointer).substr(std::string(pointer).rfind('/') + 1);
    EXPECT_NE(config.error().message.find(key + " is missing"), std::string::npos)
        << config.error().message;
  }
}

TEST(ParseGenaiConfig, WrongValuesAreRefusedByName) {
  const std::pair<const char*, Json> cases[] = {
      {"/model/vocab_size", 0},
      {"/model/vocab_size", "many"},
      {"/model/context_length", -5},
      {"/model/eos_token_id", Json::array({1, 999999999})},
      {"/model/decoder/num_hidden_layers", 1e9},
      {"/model/decoder/filename", "../model.onnx"},
      {"/model/decoder/filename", "/etc/passwd"},
      {"/model/decoder/inputs/past_key_names", "past_key_values.key"},
      {"/model/decoder/inputs/past_key_names", "%d.%s"},
      {"/model/decoder/inputs/past_key_names", "%d.%d"},
      {"/search/temperature", "hot"},
      {"/search/top_p", 2},
      {"/model", Json::array()},
  };
  for (const auto& [pointer, value] : cases) {
    const auto config = parse_genai_config(changed(pointer, value), "genai_config.json");
    ASSERT_FALSE(config) << pointer << " " << value;
    EXPECT_EQ(config.error().message.rfind("genai_config.json", 0), 0u) << config.error().message;
  }
}

class OpenModelFolder : public ::testing::Test {
 protected:
  OpenModelFolder() : model_(make_model(folder_.path(), tiny_config(true))) {}

  std::string refusal() {
    const auto opened = open_model_folder(model_);
    EXPECT_FALSE(opened) << "the damaged folder was accepted";
    return opened ? "" : opened.error().message;
  }

  TemporaryFolder folder_;
  fs::path model_;
};

TEST_F(OpenModelFolder, DescribesTheModel) {
  const auto opened = open_model_folder(model_);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->graph.layers, 2);
  EXPECT_EQ(opened->graph.kv_heads, 2);
  EXPECT_EQ(opened->graph.head_dim, 64);
  EXPECT_EQ(opened->graph.vocab_size, 512);
  ASSERT_TRUE(opened->graph.long_rope);
  EXPECT_EQ(opened->graph.long_rope->threshold_tokens, 32);
  const Json config = Json::parse(*read_file(model_ / "genai_config.json"));
  EXPECT_EQ(opened->stop_ids, config["model"]["eos_token_id"].get<std::vector<TokenId>>());
  EXPECT_EQ(opened->stop_ids.size(), 2u);
  ASSERT_TRUE(opened->chat_template);
  EXPECT_TRUE(opened->tokenizer);
  EXPECT_EQ(opened->eos_token, "<|endoftext|>");
}

TEST_F(OpenModelFolder, MissingPiecesAreNamed) {
  for (const char* file :
       {"genai_config.json", "tokenizer.json", "model.onnx", "model.onnx.data"}) {
    fs::rename(model_ / file, model_ / "away");
    EXPECT_NE(refusal().find(file), std::string::npos) << file;
    fs::rename(model_ / "away", model_ / file);
  }
  EXPECT_TRUE(open_model_folder(model_));
  EXPECT_EQ(open_model_folder(model_ / "none").error().code, ErrorCode::kNotFound);
}

TEST_F(OpenModelFolder, TruncatedDataNamesExpectedAndFoundBytes) {
  const auto size = fs::file_size(model_ / "model.onnx.data");
  fs::resize_file(model_ / "model.onnx.data", size - 1);
  const std::string message = refusal();
  EXPECT_NE(message.find("model.onnx.data"), std::string::npos) << message;
  EXPECT_NE(message.find(with_thousands(size - 1)), std::string::npos) << message;
}

TEST_F(OpenModelFolder, TruncatedModelsNeverOpen) {
  const std::string whole = *read_file(model_ / "model.onnx");
  for (std::size_t size :
       {std::size_t{0}, std::size_t{1}, whole.size() / 3, whole.size() / 2, whole.size() - 1}) {
    std::ofstream(model_ / "model.onnx", std::ios::binary | std::ios::trunc)
        << whole.substr(0, size);
    EXPECT_NE(refusal().find("model.onnx"), std::string::npos) << size;
  }
}

TEST_F(OpenModelFolder, AConfigJsonOfAnotherModelIsRefused) {
  Json json = Json::parse(*read_file(model_ / "config.json"));
  json["num_hidden_layers"] = 32;
  std::ofstream(model_ / "config.json") << json.dump();
  EXPECT_NE(refusal().find("config.json: num_hidden_layers is 32"), std::string::npos);
  fs::remove(model_ / "config.json");
  EXPECT_TRUE(open_model_folder(model_)) << "the file is optional";
}

TEST_F(OpenModelFolder, AContextBeyondTheRotaryTableIsRefused) {
  const fs::path model = make_model(folder_.path() / "plain", tiny_config(false));
  Json json = Json::parse(*read_file(model / "genai_config.json"));
  json["model"]["context_length"] = 5000;
  std::ofstream(model / "genai_config.json") << json.dump();
  const auto opened = open_model_folder(model);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("context_length is 5000"), std::string::npos)
      << opened.error().message;
}

TEST_F(OpenModelFolder, ATokenizerOfAnotherModelIsRefused) {
  std::ofstream(model_ / "tokenizer.json") << letters_tokenizer_json();
  EXPECT_NE(refusal().find("do not belong together"), std::string::npos);
  std::ofstream(model_ / "tokenizer.json") << "{";
  EXPECT_NE(refusal().find("tokenizer.json"), std::string::npos);
}

TEST_F(OpenModelFolder, ABrokenTemplateIsRefused) {
  std::ofstream(model_ / "chat_template.jinja") << "{% for m in messages %}";
  EXPECT_NE(refusal().find("chat_template.jinja"), std::string::npos);
}

TEST_F(OpenModelFolder, APipeInTheFolderIsRefusedAtOnce) {
  fs::remove(model_ / "genai_config.json");
  ASSERT_EQ(::mkfifo((model_ / "genai_config.json").c_str(), 0600), 0);
  EXPECT_NE(refusal().find("genai_config.json"), std::string::npos);
}

TEST_F(OpenModelFolder, TemplatesOfAWrongTypeAreNoCrash) {
  Json json = Json::parse(*read_file(model_ / "tokenizer_config.json"));
  json["chat_template"] = Json::array({{{"name", 5}, {"template", "x"}},
                                       {{"name", "default"}, {"template", 7}},
                                       {{"name", "default"}, {"template", "{{ messages }}"}}});
  std::ofstream(model_ / "tokenizer_config.json") << json.dump();
  const auto opened = open_model_folder(model_);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->chat_template->source(), "{{ messages }}");
}

TEST_F(OpenModelFolder, FilesThatDoNotBelongTogetherAreRefused) {
  const std::string text = *read_file(model_ / "genai_config.json");
  for (const auto& [pointer, value] : {std::pair<const char*, int>{"/model/vocab_size", 600},
                                       {"/model/decoder/num_hidden_layers", 3},
                                       {"/model/decoder/hidden_size", 512},
                                       {"/model/decoder/num_key_value_heads", 4},
                                       {"/model/decoder/head_size", 128},
                                       {"/model/decoder/num_attention_heads", 8}}) {
    Json json = Json::parse(text);
    json[Json::json_pointer(pointer)] = value;
    std::ofstream(model_ / "genai_config.json") << json.dump();
    const std::string message = refusal();
    EXPECT_NE(message.find(std::to_string(value)), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace hearth::runtime

// The synthetic folder: its files against the published ones, its tokenizer, and how it comes and
// goes.
#include "onnx/synth.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>

#include "base/file.h"
#include "base/json_reader.h"
#include "onnx/decoder_graph.h"
#include "onnx/external_data.h"
#include "onnx/genai_config_writer.h"
#include "onnx/model_file.h"
#include "onnx/synth_tokenizer.h"
#include "onnx/test_models.h"

namespace hearth::onnx {
namespace {

namespace fs = std::filesystem;
using testing::write_text;

DecoderConfig synth_config() {
  DecoderConfig config = testing::small_config(3);
  config.vocab_size = 1000;
  return config;
}

SynthOptions tiny_options(const fs::path& out_dir) {
  SynthOptions options;
  options.config = synth_config();
  options.seed = 7;
  options.out_dir = out_dir;
  return options;
}

std::string content_of(const fs::path& path) {
  const auto content = read_file(path);
  EXPECT_TRUE(content) << content.error().message;
  return content.value_or("");
}

TEST(SynthFiles, GenaiConfigIsThePublishedOneByteForByte) {
  const std::string published =
      content_of(fs::path(HEARTH_SOURCE_DIR) / "src/onnx/testdata/genai_config.phi-4-mini.json");
  EXPECT_EQ(published.size(), 1520U);
  EXPECT_EQ(genai_config_json(phi_4_mini()), published);
}

TEST(SynthFiles, TokenizerFilesHaveThePublishedSizes) {
  const auto tokenizer = make_synth_tokenizer(200064);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(generation_config_json(phi_4_mini()).size(), 168U);
  EXPECT_EQ(added_tokens_json(*tokenizer).size(), 249U);
  EXPECT_EQ(special_tokens_map_json(*tokenizer).size(), 587U);
  // 2,932 bytes of the original and a line for "extra_special_tokens".
  EXPECT_EQ(tokenizer_config_json(*tokenizer, 131072).size(), 2932U + 30U);
}

TEST(SynthTokenizer, Phi4MiniHasItsIds) {
  const auto tokenizer = make_synth_tokenizer(200064);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->tokens.size(), 199998U);
  EXPECT_EQ(tokenizer->merges.size(), 199742U);
  std::unordered_map<std::string, AddedToken> added;
  for (const AddedToken& token : tokenizer->added) added[token.content] = token;
  EXPECT_EQ(added["<|endoftext|>"].id, 199999);
  EXPECT_EQ(added["<|endofprompt|>"].id, 200018);
  EXPECT_EQ(added["<|assistant|>"].id, 200019);
  EXPECT_EQ(added["<|end|>"].id, 200020);
  EXPECT_EQ(added["<|user|>"].id, 200021);
  EXPECT_EQ(added["<|system|>"].id, 200022);
  EXPECT_EQ(added["<|tool|>"].id, 200023);
  EXPECT_EQ(added["<|/tool|>"].id, 200024);
  EXPECT_EQ(added["<|tool_call|>"].id, 200025);
  EXPECT_EQ(added["<|/tool_call|>"].id, 200026);
  EXPECT_EQ(added["<|tool_response|>"].id, 200027);
  EXPECT_EQ(added["<|tag|>"].id, 200028);
  for (const AddedToken& token : tokenizer->added) {
    EXPECT_EQ(token.rstrip, token.id >= 200019) << token.content;
    EXPECT_EQ(token.special, token.id < 200023 || token.id > 200027) << token.content;
  }
}

TEST(SynthTokenizer, EveryMergeJoinsEarlierTokensIntoTheNextId) {
  for (const std::int64_t vocab_size : {384, 1000, 32064, 200064, 524288}) {
    const auto tokenizer = make_synth_tokenizer(vocab_size);
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    ASSERT_EQ(static_cast<std::int64_t>(tokenizer->tokens.size()), vocab_size - 66);
    ASSERT_EQ(tokenizer->merges.size(), tokenizer->tokens.size() - 256);
    std::unordered_map<std::string, std::size_t> ids;
    for (std::size_t id = 0; id < tokenizer->tokens.size(); ++id) {
      ASSERT_TRUE(ids.emplace(tokenizer->tokens[id], id).second) << tokenizer->tokens[id];
    }
    for (std::size_t i = 0; i < tokenizer->merges.size(); ++i) {
      const auto& [left, right] = tokenizer->merges[i];
      ASSERT_EQ(left + right, tokenizer->tokens[256 + i]);
      ASSERT_LT(ids.at(left), 256 + i);
      ASSERT_LT(ids.at(right), 256 + i);
    }
  }
  EXPECT_FALSE(make_synth_tokenizer(383));
  EXPECT_FALSE(make_synth_tokenizer(524289));
}

TEST(SynthTokenizer, TheFirst256TokensAreTheBytesInGpt2sOrder) {
  const auto tokenizer = make_synth_tokenizer(384);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->tokens[0], "!");
  EXPECT_EQ(tokenizer->tokens[93], "~");
  EXPECT_EQ(tokenizer->tokens[94], "¡");
  EXPECT_EQ(tokenizer->tokens[187], "ÿ");
  EXPECT_EQ(tokenizer->tokens[188], "Ā");
  EXPECT_EQ(tokenizer->tokens[220], "Ġ");
  EXPECT_EQ(tokenizer->tokens[255], "Ń");
}

TEST(SynthTokenizer, FilesAgreeWithEachOther) {
  const auto tokenizer = make_synth_tokenizer(1000);
  ASSERT_TRUE(tokenizer);
  const Json file = Json::parse(tokenizer_json(*tokenizer));
  const Json vocab = Json::parse(vocab_json(*tokenizer));
  EXPECT_EQ(file["model"]["vocab"], vocab);
  std::set<std::int64_t> ids;
  for (const auto& [token, id] : vocab.items()) ids.insert(id.get<std::int64_t>());
  EXPECT_EQ(ids.size(), 955U) << "as many ids as lie below the first token beyond the vocabulary";
  EXPECT_EQ(*ids.rbegin(), 954);
  EXPECT_EQ(vocab["<|endoftext|>"], 935);
  EXPECT_EQ(file["added_tokens"].size(), 12U);
  const std::string merges = merges_txt(*tokenizer);
  EXPECT_EQ(static_cast<std::size_t>(std::count(merges.begin(), merges.end(), '\n')),
            file["model"]["merges"].size() + 1);
  EXPECT_EQ(file["pre_tokenizer"]["pretokenizers"][0]["behavior"], "Removed");
  EXPECT_EQ(file["pre_tokenizer"]["pretokenizers"][0]["invert"], true);
  const Json config = Json::parse(tokenizer_config_json(*tokenizer, 256));
  EXPECT_EQ(config["added_tokens_decoder"]["964"]["content"], "<|tag|>");
  EXPECT_EQ(config["chat_template"].get<std::string>().size(), 423U);
}

TEST(Synth, MakesACompleteSoundFolder) {
  const TemporaryFolder folder;
  SynthOptions options = tiny_options(folder / "model/deep");
  options.layers = 2;
  std::uint64_t last = 0;
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_GT(done, last);
    EXPECT_LE(done, total);
    last = done;
    return true;
  };
  const auto outcome = synthesise(options);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(*outcome, SynthOutcome::kWritten);
  EXPECT_GT(last, 0U);
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(options.out_dir)) {
    names.insert(entry.path().filename().string());
  }
  EXPECT_EQ(names,
            (std::set<std::string>{"added_tokens.json", "config.json", "genai_config.json",
                                   "generation_config.json", "hearth_synth.json", "merges.txt",
                                   "model.onnx", "model.onnx.data", "special_tokens_map.json",
                                   "tokenizer.json", "tokenizer_config.json", "vocab.json"}));
  EXPECT_FALSE(fs::exists(folder / "model/deep.partial"));

  const auto model = read_model(options.out_dir / "model.onnx");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_TRUE(check_external_data(*model, options.out_dir));
  const auto view = GraphView::build(model->graph());
  ASSERT_TRUE(view);
  const auto info = read_decoder_graph(*view, {});
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->layers, 2);
  EXPECT_EQ(info->vocab_size, 1000);
  const auto config = load_decoder_config((options.out_dir / "config.json").string());
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->layers, 2);
  EXPECT_EQ(config->eos_token_ids, (std::vector<std::int64_t>{956, 935}));
}

TEST(Synth, ATruncatedDataFileIsFoundOut) {
  const TemporaryFolder folder;
  const SynthOptions options = tiny_options(folder / "model");
  ASSERT_TRUE(synthesise(options));
  const fs::path data = options.out_dir / "model.onnx.data";
  const std::uint64_t size = fs::file_size(data);
  const auto model = read_model(options.out_dir / "model.onnx");
  ASSERT_TRUE(model);
  for (const std::uint64_t cut : {std::uint64_t{0}, size / 2, size - 1}) {
    fs::resize_file(data, cut);
    const auto checked = check_external_data(*model, options.out_dir);
    ASSERT_FALSE(checked);
    EXPECT_NE(checked.error().message.find("has " + with_thousands(cut) + " bytes"),
              std::string::npos)
        << checked.error().message;
  }
}

TEST(Synth, TheSameOptionsGiveTheSameBytes) {
  const TemporaryFolder folder;
  SynthOptions one = tiny_options(folder / "one");
  SynthOptions two = tiny_options(folder / "two");
  SynthOptions other = tiny_options(folder / "other");
  one.threads = 1;
  two.threads = 5;
  other.seed = 8;
  ASSERT_TRUE(synthesise(one));
  ASSERT_TRUE(synthesise(two));
  ASSERT_TRUE(synthesise(other));
  for (const auto& entry : fs::directory_iterator(one.out_dir)) {
    const auto name = entry.path().filename();
    EXPECT_TRUE(content_of(one.out_dir / name) == content_of(two.out_dir / name)) << name;
  }
  EXPECT_FALSE(content_of(one.out_dir / "model.onnx.data") ==
               content_of(other.out_dir / "model.onnx.data"));
}

TEST(Synth, DoesNothingTwiceAndOverwritesNothing) {
  const TemporaryFolder folder;
  SynthOptions options = tiny_options(folder / "model");
  ASSERT_TRUE(synthesise(options));
  const auto again = synthesise(options);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, SynthOutcome::kAlreadyThere);
  options.seed = 9;
  const auto other = synthesise(options);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kInvalidArgument);
  options.seed = 7;
  fs::resize_file(options.out_dir / "model.onnx.data", 10);
  EXPECT_EQ(synthesise(options).error().code, ErrorCode::kCorrupt);

  fs::create_directory(folder / "mine");
  write_text(folder / "mine/letter.txt", "precious");
  EXPECT_FALSE(synthesise(tiny_options(folder / "mine")));
  EXPECT_EQ(content_of(folder / "mine/letter.txt"), "precious");
  write_text(folder / "file", "precious");
  EXPECT_FALSE(synthesise(tiny_options(folder / "file")));
  fs::create_directory(folder / "empty");
  EXPECT_TRUE(synthesise(tiny_options(folder / "empty")));
}

TEST(Synth, FailureLeavesNothingBehind) {
  const TemporaryFolder folder;
  SynthOptions options = tiny_options(folder / "model");
  options.progress = [](std::uint64_t, std::uint64_t) { return false; };
  const auto cancelled = synthesise(options);
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Synth, ClearsWhatAKilledProcessLeft) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "model.partial/sub");
  write_text(folder / "model.partial/model.onnx.data", "half");
  write_text(folder / "model.partial/leftover", "half");
  write_text(folder / "model.partial/.lock", "");
  const auto outcome = synthesise(tiny_options(folder / "model"));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_FALSE(fs::exists(folder / "model/leftover"));
  EXPECT_FALSE(fs::exists(folder / "model.partial"));
}

TEST(Synth, LeavesAFolderInItsWayAlone) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "model.partial");
  write_text(folder / "model.partial/thesis.txt", "mine");
  const auto outcome = synthesise(tiny_options(folder / "model"));
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message.find("model.partial"), std::string::npos);
  EXPECT_TRUE(fs::exists(folder / "model.partial/thesis.txt"));
}

TEST(Synth, ATooSmallDiskIsSeenBeforehand) {
  const TemporaryFolder folder;
  SynthOptions options = tiny_options(folder / "model");
  options.config.hidden_size = 65536;
  options.config.intermediate_size = 262144;
  options.config.layers = 512;
  const auto result = synthesise(options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted);
  EXPECT_NE(result.error().message.find("needs "), std::string::npos);
  EXPECT_NE(result.error().message.find(" free;"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Synth, RefusesOptionsOutOfRange) {
  const TemporaryFolder folder;
  SynthOptions options = tiny_options(folder / "model");
  options.layers = 0;
  EXPECT_FALSE(synthesise(options));
  options = tiny_options(folder / "model");
  options.threads = 0;
  EXPECT_FALSE(synthesise(options));
  options = tiny_options("");
  EXPECT_FALSE(synthesise(options));
  options = tiny_options(folder / "model");
  options.config.vocab_size = 300;
  EXPECT_FALSE(synthesise(options));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace hearth::onnx

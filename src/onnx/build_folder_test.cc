// Building folders from safetensors: which tensor goes where, what is refused and by what name, and
// that nothing is left behind.
#include "onnx/build_folder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json_reader.h"
#include "onnx/safetensors_weights.h"
#include "onnx/test_safetensors.h"

namespace hearth::onnx {
namespace {

namespace fs = std::filesystem;
using testing::SafetensorsMaker;
using testing::write_text;

#define EXPECT_SAID(text, words) EXPECT_NE((text).find(words), std::string::npos) << (text)

/// A published model of three kinds of projections, small enough to write out: each value says
/// which tensor and element it is.
class Published {
 public:
  Published(const std::string& model_type, bool fused) : fused_(fused) {
    const std::map<std::string, std::string> architectures = {{"phi3", "Phi3ForCausalLM"},
                                                              {"llama", "LlamaForCausalLM"},
                                                              {"qwen2", "Qwen2ForCausalLM"},
                                                              {"qwen3", "Qwen3ForCausalLM"}};
    config = {{"model_type", model_type},
              {"architectures", {architectures.at(model_type)}},
              {"hidden_size", 32},
              {"intermediate_size", 48},
              {"num_hidden_layers", 2},
              {"num_attention_heads", 2},
              {"num_key_value_heads", 1},
              {"head_dim", 16},
              {"vocab_size", 64},
              {"max_position_embeddings", 128},
              {"tie_word_embeddings", true},
              {"eos_token_id", 7}};
    add("model.embed_tokens.weight", {64, 32});
    add("model.norm.weight", {32});
    for (const std::string layer : {"model.layers.0.", "model.layers.1."}) {
      add(layer + "input_layernorm.weight", {32});
      add(layer + "post_attention_layernorm.weight", {32});
      add(layer + "self_attn.o_proj.weight", {32, 32});
      add(layer + "mlp.down_proj.weight", {32, 48});
      if (fused_) {
        add(layer + "self_attn.qkv_proj.weight", {64, 32});
        add(layer + "mlp.gate_up_proj.weight", {96, 32});
      } else {
        add(layer + "self_attn.q_proj.weight", {32, 32});
        add(layer + "self_attn.k_proj.weight", {16, 32});
        add(layer + "self_attn.v_proj.weight", {16, 32});
        add(layer + "mlp.gate_proj.weight", {48, 32});
        add(layer + "mlp.up_proj.weight", {48, 32});
      }
    }
  }

  void add(const std::string& name, const std::vector<std::int64_t>& shape) {
    shapes[name] = shape;
  }

  /// Value of element `index`: never the same for two places.
  static float value(const std::string& name, std::size_t index) {
    std::size_t hash = 7;
    for (const char c : name) hash = (hash * 31 + static_cast<unsigned char>(c)) % 997;
    return static_cast<float>(hash) + static_cast<float>(index) / 8192.0F;
  }

  void write(const fs::path& folder) const {
    fs::create_directories(folder);
    SafetensorsMaker maker;
    for (const auto& [name, shape] : shapes) {
      std::size_t count = 1;
      for (const std::int64_t dim : shape) count *= static_cast<std::size_t>(dim);
      std::vector<float> values(count);
      for (std::size_t i = 0; i < count; ++i) values[i] = value(name, i);
      if (const auto spoilt = spoil.find(name); spoilt != spoil.end()) values[5] = spoilt->second;
      maker.add_f32(name, shape, values);
    }
    maker.write(folder / "model.safetensors");
    write_text(folder / "config.json", config.dump());
    write_text(folder / "tokenizer.json", "{}");
  }

  nlohmann::ordered_json config;
  std::map<std::string, std::vector<std::int64_t>> shapes;
  std::map<std::string, float> spoil;  ///< element 5 of these tensors

 private:
  bool fused_;
};

BuildOptions options_of(const TemporaryFolder& folder, Precision precision = Precision::kFp32) {
  BuildOptions options;
  options.from = folder / "published";
  options.out_dir = folder / "built";
  options.precision = precision;
  return options;
}

std::string content_of(const fs::path& path) {
  const auto content = read_file(path);
  EXPECT_TRUE(content) << content.error().message;
  return content.value_or("");
}

/// What building says; "built" when it succeeds. On failure nothing may be left.
std::string said_by_build(const Published& published, Precision precision = Precision::kFp32) {
  const TemporaryFolder folder;
  published.write(folder / "published");
  const auto built = build_folder(options_of(folder, precision));
  if (built) return "built";
  EXPECT_FALSE(fs::exists(folder / "built"));
  EXPECT_FALSE(fs::exists(folder / "built.partial"));
  return built.error().message;
}

TEST(SafetensorsWeights, EveryRoleIsReadFromItsRows) {
  for (const bool fused : {true, false}) {
    const Published published(fused ? "phi3" : "llama", fused);
    const TemporaryFolder folder;
    published.write(folder / "m");
    const auto config = load_decoder_config((folder / "m/config.json").string());
    ASSERT_TRUE(config) << config.error().message;
    const auto plan = DecoderPlan::make(*config, Precision::kFp32);
    ASSERT_TRUE(plan);
    const auto source = SafetensorsFolder::open(folder / "m");
    ASSERT_TRUE(source) << source.error().message;
    auto weights = SafetensorsWeights::find(*source, *plan);
    ASSERT_TRUE(weights) << weights.error().message;
    const auto first = [&](WeightRole role, std::int64_t layer, std::int64_t rows,
                           std::int64_t columns, std::int64_t row) {
      std::vector<float> out(static_cast<std::size_t>(columns));
      EXPECT_TRUE(weights->read_rows({role, layer, rows, columns}, row, 1, out));
      return out[1];
    };
    const auto at = [&](const char* own, const char* joined, std::size_t rows_before,
                        std::size_t row) {
      const std::string name = std::string("model.layers.1.") + (fused ? joined : own);
      return Published::value(name, ((fused ? rows_before : 0) + row) * 32 + 1);
    };
    const char* qkv = "self_attn.qkv_proj.weight";
    const char* gate_up = "mlp.gate_up_proj.weight";
    EXPECT_EQ(first(WeightRole::kQuery, 1, 32, 32, 3), at("self_attn.q_proj.weight", qkv, 0, 3));
    EXPECT_EQ(first(WeightRole::kKey, 1, 16, 32, 3), at("self_attn.k_proj.weight", qkv, 32, 3));
    EXPECT_EQ(first(WeightRole::kValue, 1, 16, 32, 3), at("self_attn.v_proj.weight", qkv, 48, 3));
    EXPECT_EQ(first(WeightRole::kGate, 1, 48, 32, 9), at("mlp.gate_proj.weight", gate_up, 0, 9));
    EXPECT_EQ(first(WeightRole::kUp, 1, 48, 32, 9), at("mlp.up_proj.weight", gate_up, 48, 9));
    EXPECT_EQ(first(WeightRole::kFinalNorm, -1, 1, 32, 0),
              Published::value("model.norm.weight", 1));
    EXPECT_EQ(first(WeightRole::kEmbedding, -1, 64, 32, 63),
              Published::value("model.embed_tokens.weight", 63 * 32 + 1));
  }
}

TEST(BuildFolder, AnswersAreChosenAsThePublisherSays) {
  const auto search_of = [](const char* generation) {
    const TemporaryFolder folder;
    Published("phi3", true).write(folder / "published");
    write_text(folder / "published/generation_config.json", generation);
    const auto report = build_folder(options_of(folder, Precision::kInt4));
    EXPECT_TRUE(report) << report.error().message;
    return Json::parse(content_of(folder / "built/genai_config.json"))["search"];
  };
  const Json sampled = search_of(
      R"({"eos_token_id": 9, "do_sample": true, "temperature": 0.7, "top_p": 0.8, "top_k": 20,
          "repetition_penalty": 1.05})");
  EXPECT_EQ(sampled["do_sample"], true);
  EXPECT_EQ(sampled["temperature"], 0.7);
  EXPECT_EQ(sampled["top_p"], 0.8);
  EXPECT_EQ(sampled["top_k"], 20);
  EXPECT_EQ(sampled["repetition_penalty"], 1.05);
  EXPECT_EQ(search_of(R"({"eos_token_id": 9, "do_sample": true, "top_k": null})")["top_k"], 50);
  const Json greedy = search_of(R"({"eos_token_id": 9, "temperature": 0.6, "top_p": null})");
  EXPECT_EQ(greedy["do_sample"], false);
  EXPECT_EQ(greedy["temperature"], 1.0) << "nothing to do with greedy choice";
  EXPECT_EQ(greedy["top_k"], 1);
}

TEST(BuildFolder, MakesTheFolderAndItsRecord) {
  Published published("phi3", true);
  published.config["sliding_window"] = 4096;
  const TemporaryFolder folder;
  published.write(folder / "published");
  write_text(folder / "published/LICENSE.txt", "ours");
  write_text(folder / "published/chat_template.jinja", "{{ x }}");
  write_text(folder / "published/generation_config.json", R"({"eos_token_id": [9, 7]})");
  write_text(folder / "published/pytorch_model.bin", "not for us");
  const auto report = build_folder(options_of(folder, Precision::kInt4));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->notes.size(), 1U);
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder / "built")) {
    names.insert(entry.path().filename().string());
  }
  EXPECT_EQ(names, (std::set<std::string>{"LICENSE.txt", "chat_template.jinja", "config.json",
                                          "generation_config.json", "genai_config.json",
                                          "hearth_build.json", "model.onnx", "model.onnx.data",
                                          "tokenizer.json"}));
  const auto record = Json::parse(content_of(folder / "built/hearth_build.json"));
  EXPECT_EQ(record["precision"], "int4");
  EXPECT_EQ(record["source"][0]["bytes"], fs::file_size(folder / "published/model.safetensors"));
  EXPECT_EQ(record["source"][0]["tensors"]["F32"], published.shapes.size());
  const auto genai = Json::parse(content_of(folder / "built/genai_config.json"));
  EXPECT_EQ(genai["model"]["eos_token_id"], Json({9, 7})) << "generation_config.json overrules";
  const auto again = build_folder(options_of(folder, Precision::kInt4));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kInvalidArgument);
  EXPECT_SAID(again.error().message, "built is not empty");
}

TEST(BuildFolder, ShardsGiveTheSameBytesAsOneFile) {
  const Published published("llama", false);
  const TemporaryFolder folder;
  published.write(folder / "published");
  fs::create_directories(folder / "shards");
  SafetensorsMaker one;
  SafetensorsMaker two;
  nlohmann::ordered_json index;
  bool odd = false;
  for (const auto& [name, shape] : published.shapes) {
    std::size_t count = 1;
    for (const std::int64_t dim : shape) count *= static_cast<std::size_t>(dim);
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = Published::value(name, i);
    odd = !odd;
    (odd ? one : two).add_f32(name, shape, values);
    index["weight_map"][name] = odd ? "a.safetensors" : "b.safetensors";
  }
  one.write(folder / "shards/a.safetensors");
  two.write(folder / "shards/b.safetensors");
  const fs::path index_path = folder / "shards/model.safetensors.index.json";
  write_text(index_path, index.dump());
  write_text(folder / "shards/config.json", published.config.dump());
  write_text(folder / "shards/tokenizer.json", "{}");
  ASSERT_TRUE(build_folder(options_of(folder)));
  BuildOptions sharded = options_of(folder);
  sharded.from = folder / "shards";
  sharded.out_dir = folder / "from-shards";
  const auto built = build_folder(sharded);
  ASSERT_TRUE(built) << built.error().message;
  EXPECT_TRUE(content_of(folder / "built/model.onnx.data") ==
              content_of(folder / "from-shards/model.onnx.data"));

  sharded.out_dir = folder / "again";
  const auto refusal = [&](const std::function<void(nlohmann::ordered_json&)>& change) {
    nlohmann::ordered_json changed = index;
    change(changed);
    write_text(index_path, changed.dump());
    const auto result = build_folder(sharded);
    return result ? "built" : result.error().message;
  };
  EXPECT_SAID(refusal([](auto& json) { json["weight_map"].erase("model.norm.weight"); }),
              "'model.norm.weight' is not in model.safetensors.index.json");
  EXPECT_SAID(refusal([](auto& json) { json["weight_map"]["model.x"] = "a.safetensors"; }),
              "says that 'model.x' is in a.safetensors, which does not hold it");
  EXPECT_SAID(refusal([](auto& json) { json["weight_map"]["model.x"] = "../a.safetensors"; }),
              "name of a file in the same folder");
  EXPECT_SAID(refusal([](auto& json) { json["weight_map"]["model.x"] = "c.safetensors"; }),
              "c.safetensors");
  EXPECT_SAID(refusal([](auto& json) { json["weight_map"] = nlohmann::json::object(); }),
              "names no tensor");
}

TEST(BuildFolder, MissingTensorsAreNamed) {
  Published fused("phi3", true);
  fused.shapes.erase("model.layers.1.self_attn.qkv_proj.weight");
  EXPECT_SAID(said_by_build(fused), "lack 'model.layers.1.self_attn.qkv_proj.weight', which");
  Published separate("llama", false);
  separate.shapes.erase("model.layers.0.self_attn.k_proj.weight");
  separate.shapes.erase("model.norm.weight");
  EXPECT_SAID(said_by_build(separate), "'model.layers.0.self_attn.k_proj.weight', 'model.norm");
  Published untied("llama", false);
  untied.config["tie_word_embeddings"] = false;
  EXPECT_SAID(said_by_build(untied), "lm_head.weight");
  Published biased("qwen2", false);
  EXPECT_SAID(said_by_build(biased), "model.layers.0.self_attn.q_proj.bias");
  Published normed("qwen3", false);
  EXPECT_SAID(said_by_build(normed), "model.layers.0.self_attn.q_norm.weight");
}

TEST(BuildFolder, TensorsWithoutAUseAreRefused) {
  Published published("llama", false);
  published.add("model.layers.0.self_attn.o_proj.bias", {32});
  EXPECT_SAID(said_by_build(published), "no use for: 'model.layers.0.self_attn.o_proj.bias'");
  Published longer("llama", false);
  longer.config["num_hidden_layers"] = 1;
  EXPECT_SAID(said_by_build(longer), "with 1 layers has no use for: 'model.layers.1.");
  Published harmless("llama", false);
  harmless.add("model.layers.0.self_attn.rotary_emb.inv_freq", {8});
  harmless.add("lm_head.weight", {64, 32});
  EXPECT_EQ(said_by_build(harmless), "built");
}

TEST(BuildFolder, ShapesAndTypesAreCheckedBeforeAnythingIsWritten) {
  Published published("llama", false);
  published.shapes["model.layers.1.mlp.up_proj.weight"] = {32, 48};
  EXPECT_SAID(said_by_build(published), "'model.layers.1.mlp.up_proj.weight' is F32[32, 48]");
  EXPECT_SAID(said_by_build(published), "must be [48, 32]");
  Published fused("phi3", true);
  fused.shapes["model.layers.0.self_attn.qkv_proj.weight"] = {63, 32};
  EXPECT_SAID(said_by_build(fused), "F32[63, 32]; by config.json it must be [64, 32]");
  Published flat("llama", false);
  flat.shapes["model.norm.weight"] = {1, 32};
  EXPECT_SAID(said_by_build(flat), "'model.norm.weight' is F32[1, 32]");
}

TEST(BuildFolder, WhatIsNoNumberIsRefusedInEveryPrecision) {
  Published published("llama", false);
  published.spoil["model.layers.1.mlp.up_proj.weight"] = std::numeric_limits<float>::quiet_NaN();
  for (const Precision precision :
       {Precision::kInt4, Precision::kInt8, Precision::kFp16, Precision::kFp32}) {
    const std::string said = said_by_build(published, precision);
    EXPECT_SAID(said,
                "model.safetensors: 'model.layers.1.mlp.up_proj.weight' holds a NaN at [0, 5]");
  }
  published.spoil = {{"model.layers.1.mlp.up_proj.weight", 65520.0F}};
  EXPECT_SAID(said_by_build(published, Precision::kFp16), "which float16 cannot hold");
  EXPECT_SAID(said_by_build(published, Precision::kFp16), "layer 1 up");
  EXPECT_EQ(said_by_build(published, Precision::kFp32), "built");
  published.spoil = {{"model.layers.1.mlp.up_proj.weight", 65519.0F}};
  EXPECT_EQ(said_by_build(published, Precision::kFp16), "built");
}

TEST(BuildFolder, FoldersThatAreIncompleteAreRefused) {
  const TemporaryFolder folder;
  const Published published("llama", false);
  const auto said_without = [&](const std::string& name, const std::string& instead) {
    fs::remove_all(folder / "published");
    published.write(folder / "published");
    fs::remove(folder / "published" / name);
    if (!instead.empty()) write_text(folder / "published" / name, instead);
    const auto built = build_folder(options_of(folder));
    EXPECT_FALSE(fs::exists(folder / "built"));
    return built ? "built" : built.error().message;
  };
  EXPECT_SAID(said_without("config.json", ""), "config.json");
  EXPECT_SAID(said_without("tokenizer.json", ""), "tokenizer.json");
  EXPECT_SAID(said_without("model.safetensors", ""), "neither model.safetensors nor");
  EXPECT_SAID(said_without("model.safetensors", "cut"), "model.safetensors: has fewer than the 8");
  EXPECT_SAID(said_without("config.json", "{}"), "hidden_size");
  EXPECT_SAID(said_without("generation_config.json", "[1]"), "generation_config.json must be");
  EXPECT_SAID(said_without("generation_config.json", R"({"eos_token_id": 64})"), "eos_token_id");
  auto endless = published.config;
  endless.erase("eos_token_id");
  EXPECT_SAID(said_without("config.json", endless.dump()), "names no eos_token_id");
  auto unknown = published.config;
  unknown["model_type"] = "gemma2";
  EXPECT_SAID(said_without("config.json", unknown.dump()), "models of the types phi3");
  fs::remove_all(folder / "published");
  EXPECT_SAID(build_folder(options_of(folder)).error().message, "published");
}

TEST(BuildFolder, ATokenizerThatCannotBeReadIsRefusedBeforeAnythingIsWritten) {
  const TemporaryFolder folder;
  Published("llama", false).write(folder / "published");
  write_text(folder / "published/tokenizer.json", "its text");
  BuildOptions options = options_of(folder);
  std::string seen;
  std::int64_t tokens = 0;
  options.check_tokenizer = [&](std::string_view text, std::string_view source,
                                std::int64_t vocab_size) -> Result<void> {
    seen = text;
    tokens = vocab_size;
    return fail(ErrorCode::kUnsupported, std::string(source) + ": no such model");
  };
  options.progress = [](std::uint64_t, std::uint64_t) {
    ADD_FAILURE() << "nothing may be written";
    return true;
  };
  const auto built = build_folder(options);
  ASSERT_FALSE(built);
  EXPECT_EQ(seen, "its text");
  EXPECT_EQ(tokens, Published("llama", false).config["vocab_size"].get<std::int64_t>());
  EXPECT_EQ(built.error().code, ErrorCode::kUnsupported);
  EXPECT_SAID(built.error().message, "published/tokenizer.json: no such model");
}

TEST(BuildFolder, WhatIsWrongInItsFilesIsTheModelsFault) {
  const TemporaryFolder folder;
  const auto code_of = [&](const std::string& key, const Json& value) {
    Published published("llama", false);
    published.config[key] = value;
    published.write(folder / "published");
    const auto built = build_folder(options_of(folder));
    return built ? ErrorCode::kInternal : built.error().code;
  };
  EXPECT_EQ(code_of("hidden_size", 0), ErrorCode::kCorrupt);
  EXPECT_EQ(code_of("rope_theta", "much"), ErrorCode::kCorrupt);
  EXPECT_EQ(code_of("hidden_act", "gelu"), ErrorCode::kUnsupported);
  write_text(folder / "published/generation_config.json", R"({"eos_token_id": 64})");
  EXPECT_EQ(code_of("vocab_size", 64), ErrorCode::kCorrupt);
  fs::remove(folder / "published/generation_config.json");
  BuildOptions options = options_of(folder);
  options.out_dir = folder / "published";
  EXPECT_EQ(build_folder(options).error().code, ErrorCode::kInvalidArgument) << "not empty";
}

TEST(BuildFolder, CancellingLeavesNothing) {
  const TemporaryFolder folder;
  Published("llama", false).write(folder / "published");
  BuildOptions options = options_of(folder);
  options.progress = [](std::uint64_t, std::uint64_t) { return false; };
  const auto cancelled = build_folder(options);
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(BuildFolder, BytesDoNotDependOnThreads) {
  const TemporaryFolder folder;
  Published("llama", false).write(folder / "published");
  BuildOptions options = options_of(folder, Precision::kInt8);
  options.threads = 1;
  ASSERT_TRUE(build_folder(options));
  options.threads = 7;
  options.out_dir = folder / "seven";
  ASSERT_TRUE(build_folder(options));
  EXPECT_TRUE(content_of(folder / "built/model.onnx.data") ==
              content_of(folder / "seven/model.onnx.data"));
}

}  // namespace
}  // namespace hearth::onnx

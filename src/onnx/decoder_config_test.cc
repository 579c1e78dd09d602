// Reading config.json: Hugging Face's keys, the switches, ranges.
#include "onnx/decoder_config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "onnx/test_models.h"

namespace hearth::onnx {
namespace {

const char* const kQwenLike = R"({
  "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_size": 896,
  "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14,
  "num_key_value_heads": 2, "vocab_size": 151936, "max_position_embeddings": 32768,
  "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "tie_word_embeddings": true,
  "bos_token_id": 151643, "eos_token_id": 151645, "torch_dtype": "bfloat16",
  "hearth_synth": {"qkv_bias": true, "block_size": 64}})";

std::string refusal(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const auto config = parse_decoder_config(text, "config.json");
  return config ? "accepted" : config.error().message;
}

TEST(DecoderConfig, ReadsHuggingFaceKeysAndSwitches) {
  const auto config = parse_decoder_config(kQwenLike, "config.json");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->architecture, "Qwen2ForCausalLM");
  EXPECT_EQ(config->head_dim, 64);
  EXPECT_EQ(config->rotary_dim(), 64);
  EXPECT_EQ(config->rms_norm_eps, 1e-6);
  EXPECT_EQ(config->eos_token_ids, std::vector<std::int64_t>{151645});
  EXPECT_EQ(config->pad_token_id, 151645);
  EXPECT_TRUE(config->switches.qkv_bias);
  EXPECT_FALSE(config->switches.position_ids);
  EXPECT_EQ(config->switches.block_size, 64);
  EXPECT_FALSE(config->has_long_rope());
}

TEST(DecoderConfig, WritesWhatItReads) {
  DecoderConfig config = phi_4_mini();
  config.switches.qk_norm = true;
  config.switches.block_size = 128;
  const std::string text = config_json(config);
  const auto again = parse_decoder_config(text, "config.json");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(config_json(*again), text);
  EXPECT_EQ(again->long_factor, config.long_factor);
  EXPECT_EQ(again->eos_token_ids, config.eos_token_ids);
  EXPECT_TRUE(again->switches.qk_norm);
}

TEST(DecoderConfig, RefusesValuesOutOfRangeNamingTheKey) {
  EXPECT_NE(refusal(kQwenLike, R"("hidden_size": 896)", R"("hidden_size": 0)").find("hidden_size"),
            std::string::npos);
  EXPECT_NE(
      refusal(kQwenLike, R"("hidden_size": 896)", R"("hidden_size": "896")").find("hidden_size"),
      std::string::npos);
  EXPECT_NE(refusal(kQwenLike, R"("num_key_value_heads": 2)", R"("num_key_value_heads": 3)")
                .find("multiple of num_key_value_heads"),
            std::string::npos);
  EXPECT_NE(refusal(kQwenLike, R"("qkv_bias": true)", R"("qkv_bais": true)").find("qkv_bais"),
            std::string::npos);
  EXPECT_NE(refusal(kQwenLike, R"("block_size": 64)", R"("block_size": 48)").find("block_size"),
            std::string::npos);
  EXPECT_NE(refusal(kQwenLike, "151645", "151936").find("eos_token_id"), std::string::npos);
  EXPECT_NE(
      refusal(kQwenLike, R"("rms_norm_eps": 1e-06)", R"("rope_scaling": {"rope_type": "llama3"})")
          .find("factor"),
      std::string::npos);
  EXPECT_NE(
      refusal(kQwenLike, R"("rms_norm_eps": 1e-06)",
              R"("original_max_position_embeddings": 4096, "rope_scaling": {"type": "longrope",
                 "short_factor": [1], "long_factor": [1]})")
          .find("must be 32, found 1"),
      std::string::npos);
  EXPECT_NE(refusal(kQwenLike, R"("rms_norm_eps": 1e-06)",
                    R"("rope_scaling": {"type": "longrope", "short_factor": [1, "x"]})")
                .find("short_factor"),
            std::string::npos);
  EXPECT_NE(refusal(kQwenLike, "Qwen2ForCausalLM", "../Qwen2For").find("architectures"),
            std::string::npos);
}

/// A small config.json with `more` keys behind the sizes.
std::string small(const std::string& more) {
  return R"({"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "vocab_size": 300, "max_position_embeddings": 8192, )" +
         more + "}";
}

DecoderConfig accepted(const std::string& more, std::vector<std::string>* notes = nullptr) {
  const auto config = parse_decoder_config(small(more), "config.json", notes);
  EXPECT_TRUE(config) << config.error().message;
  return config.value_or(DecoderConfig{});
}

std::string refused(const std::string& more) {
  const auto config = parse_decoder_config(small(more), "config.json");
  return config ? "accepted" : config.error().message;
}

TEST(DecoderConfig, FamiliesHaveTheirOwnDefaults) {
  const DecoderConfig llama = accepted(R"("model_type": "llama")");
  EXPECT_EQ(llama.kv_heads, 4);
  EXPECT_EQ(llama.head_dim, 16);
  EXPECT_EQ(llama.rms_norm_eps, 1e-6);
  EXPECT_FALSE(llama.switches.qkv_bias);
  EXPECT_EQ(accepted(R"("model_type": "phi3")").rms_norm_eps, 1e-5);
  const std::string two = R"("num_key_value_heads": 2, )";
  const DecoderConfig qwen2 = accepted(two + R"("model_type": "qwen2")");
  EXPECT_TRUE(qwen2.switches.qkv_bias);
  EXPECT_FALSE(qwen2.switches.qk_norm);
  const DecoderConfig qwen3 = accepted(two + R"("model_type": "qwen3")");
  EXPECT_FALSE(qwen3.switches.qkv_bias);
  EXPECT_TRUE(qwen3.switches.qk_norm);
  EXPECT_EQ(qwen3.head_dim, 128);
  EXPECT_EQ(accepted(R"("model_type": "llama", "num_key_value_heads": null, "head_dim": null,
                        "pad_token_id": -1, "eos_token_id": 7)")
                .pad_token_id,
            7);
  EXPECT_NE(refused(R"("model_type": "qwen2")").find("num_key_value_heads"), std::string::npos);
}

TEST(DecoderConfig, OnlyKnownFamiliesAreBuiltFromWeights) {
  const auto said = [](const std::string& type, const std::string& architecture) {
    const DecoderConfig config = accepted(R"("model_type": ")" + type +
                                          R"(", "architectures": [")" + architecture + R"("])");
    const auto known = check_known_family(config, "config.json");
    return known ? "known" : known.error().message;
  };
  EXPECT_EQ(said("llama", "LlamaForCausalLM"), "known");
  EXPECT_EQ(said("phi3", "Phi3ForCausalLM"), "known");
  EXPECT_NE(said("gemma2", "Gemma2ForCausalLM")
                .find("model_type is 'gemma2'; models of the types "
                      "phi3, llama, mistral, qwen2, qwen3"),
            std::string::npos);
  EXPECT_NE(said("llama", "LlamaForSequenceClassification").find("'LlamaForCausalLM'"),
            std::string::npos);
}

struct Window {
  std::int64_t size;
  std::int64_t full_layers;
  std::size_t notes;
  bool operator==(const Window&) const = default;
};

void PrintTo(const Window& window, std::ostream* out) {
  *out << window.size << " from layer " << window.full_layers << ", " << window.notes << " notes";
}

/// Of a model of two layers and a context of 8192 tokens.
Window window_of(const std::string& more) {
  std::vector<std::string> notes;
  const DecoderConfig config = accepted(R"("num_key_value_heads": 2, )" + more, &notes);
  const auto again = parse_decoder_config(config_json(config), "again");
  EXPECT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->sliding_window, config.sliding_window);
  EXPECT_EQ(again->full_layers, config.full_layers);
  return {config.sliding_window, config.full_layers, notes.size()};
}

TEST(DecoderConfig, AWindowIsLeftOutOnlyWhereItCannotMatter) {
  const std::string mistral = R"("model_type": "mistral", "sliding_window": )";
  EXPECT_EQ(window_of(mistral + "null"), (Window{0, 0, 0}));
  EXPECT_EQ(window_of(mistral + "8192"), (Window{0, 0, 1}));
  EXPECT_EQ(window_of(mistral + "8191"), (Window{8191, 0, 0}));
  EXPECT_EQ(window_of(R"("model_type": "mistral")"), (Window{4096, 0, 0})) << "left out";
  EXPECT_EQ(window_of(R"("model_type": "phi3")"), (Window{0, 0, 0}));
  EXPECT_EQ(window_of(R"("model_type": "phi3", "sliding_window": 262144)"), (Window{0, 0, 1}));
  EXPECT_EQ(window_of(R"("model_type": "phi3", "sliding_window": 2047)"), (Window{2047, 0, 0}));
  EXPECT_EQ(
      window_of(R"("model_type": "phi3", "sliding_window": 2047, "use_sliding_window": false)"),
      (Window{2047, 0, 0}))
      << "a key of other families";
  EXPECT_EQ(window_of(R"("model_type": "llama", "sliding_window": 100)"), (Window{0, 0, 1}));
  EXPECT_EQ(window_of(R"("model_type": "qwen2", "sliding_window": 100)"), (Window{0, 0, 1}));
  const std::string on =
      R"("model_type": "qwen2", "sliding_window": 100, "use_sliding_window": true)";
  EXPECT_EQ(window_of(on), (Window{0, 0, 1})) << "left out, max_window_layers is 28";
  EXPECT_EQ(window_of(on + R"(, "max_window_layers": 0)"), (Window{100, 0, 0}));
  EXPECT_EQ(window_of(on + R"(, "max_window_layers": 1)"), (Window{100, 1, 0}));
  EXPECT_EQ(window_of(on + R"(, "max_window_layers": 2)"), (Window{0, 0, 1}));
}

TEST(DecoderConfig, KindsOfLayersCountBeforeTheirNumber) {
  const std::string on = R"("num_key_value_heads": 2, "model_type": "qwen3", "use_sliding_window":
      true, "sliding_window": 100, "max_window_layers": 28, "layer_types": )";
  EXPECT_EQ(accepted(on + R"(["full_attention", "sliding_attention"])").full_layers, 1);
  EXPECT_EQ(accepted(on + R"(["full_attention", "sliding_attention"])").sliding_window, 100);
  EXPECT_EQ(accepted(on + R"(["sliding_attention", "sliding_attention"])").full_layers, 0);
  EXPECT_EQ(accepted(on + R"(["full_attention", "full_attention"])").sliding_window, 0);
  for (const char* types : {R"(["sliding_attention", "full_attention"])", R"(["full_attention"])",
                            "3", R"(["full_attention", "linear_attention"])"}) {
    EXPECT_NE(refused(on + types).find("layer_types"), std::string::npos) << types;
  }
}

TEST(DecoderConfig, OldKeysCountWhereTheNewObjectIsSilent) {
  const DecoderConfig theta = accepted(
      R"("rope_theta": 500000, "partial_rotary_factor": 0.5, "head_dim": 32, "rope_parameters": {"rope_type": "default"})");
  EXPECT_EQ(theta.rope_theta, 500000);
  EXPECT_EQ(theta.partial_rotary_factor, 0.5);
  EXPECT_EQ(accepted(R"("rope_theta": 500000, "rope_parameters": {"rope_theta": 5e5})").rope_theta,
            500000);
  const DecoderConfig scaled =
      accepted(R"("rope_scaling": {"type": "linear", "factor": 4, "x": null},
                  "rope_parameters": {"rope_theta": 20000})");
  EXPECT_EQ(scaled.scaling.divisor(0.5), 4.0);
  EXPECT_EQ(scaled.rope_theta, 20000);
  EXPECT_EQ(accepted(R"("rope_scaling": {"type": "linear", "factor": 4.0},
                        "rope_parameters": {"rope_type": "linear", "factor": 4}, "rope_theta": 7)")
                .scaling.divisor(0.5),
            4.0);
  EXPECT_EQ(accepted(R"("rope_scaling": null, "rope_parameters": {"rope_type": "default"})")
                .scaling.divisor(0.5),
            1.0);
}

TEST(DecoderConfig, ContradictionsAboutRotaryTablesAreRefusedWithBothValues) {
  const auto names_both = [](const std::string& said, const std::string& one,
                             const std::string& other) {
    return said.find(one) != std::string::npos && said.find(other) != std::string::npos;
  };
  const auto theta = refused(R"("rope_theta": 10000, "rope_parameters": {"rope_theta": 500000})");
  EXPECT_TRUE(names_both(theta, "rope_parameters.rope_theta is 500000", "rope_theta is 10000"))
      << theta;
  const auto share = refused(
      R"("partial_rotary_factor": 0.75, "rope_parameters": {"partial_rotary_factor": 0.5})");
  EXPECT_TRUE(names_both(share, "is 0.5", "is 0.75")) << share;
  const auto type = refused(R"("rope_scaling": {"type": "linear", "factor": 4},
                               "rope_parameters": {"rope_type": "default"})");
  EXPECT_TRUE(names_both(type, "\"default\"", "\"linear\"")) << type;
  const auto factor = refused(R"("rope_scaling": {"type": "linear", "factor": 4},
                                 "rope_parameters": {"rope_type": "linear", "factor": 8})");
  EXPECT_TRUE(
      names_both(factor, "rope_parameters.factor is 8", "config.json: rope_scaling.factor is 4"))
      << factor;
}

TEST(DecoderConfig, RopeScalingIsBuiltOrRefusedByName) {
  const std::string llama3 = R"("rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 1024, "rope_type": "llama3"})";
  const DecoderConfig config =
      accepted(R"("model_type": "llama", "rope_theta": 500000, )" + llama3);
  EXPECT_EQ(config.scaling.kind, FrequencyScaling::Kind::kLlama3);
  EXPECT_FALSE(config.has_long_rope());
  EXPECT_EQ(config.original_max_position_embeddings, 8192);
  // Wave lengths of 100, 512 (between 256 and 1024) and 2000 positions.
  const double pi = std::acos(-1.0);
  EXPECT_EQ(config.scaling.divisor(2 * pi / 100), 1.0);
  EXPECT_NEAR(config.scaling.divisor(2 * pi / 512), 1 / ((1 - 1.0 / 3) / 8 + 1.0 / 3), 1e-12);
  EXPECT_EQ(config.scaling.divisor(2 * pi / 2000), 8.0);
  const auto again = parse_decoder_config(config_json(config), "config.json");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(config_json(*again), config_json(config));
  const DecoderConfig linear = accepted(R"("rope_scaling": {"type": "linear", "factor": 4})");
  EXPECT_EQ(linear.scaling.divisor(0.5), 4.0);
  EXPECT_EQ(parse_decoder_config(config_json(linear), "x")->scaling.factor, 4.0);
  const DecoderConfig newer =
      accepted(R"("rope_parameters": {"rope_theta": 12345, "rope_type": "default"})");
  EXPECT_EQ(newer.rope_theta, 12345);
  EXPECT_NE(refused(R"("rope_scaling": {"type": "yarn", "factor": 4})").find("'yarn'"),
            std::string::npos);
  EXPECT_NE(refused(R"("rope_parameters": {"rope_type": "dynamic"})").find("'dynamic'"),
            std::string::npos);
  EXPECT_NE(
      refused(R"("rope_scaling": {"rope_type": "llama3", "factor": 8})").find("low_freq_factor"),
      std::string::npos);
}

TEST(DecoderConfig, RefusesWhatChangesTheArithmetic) {
  EXPECT_NE(refused(R"("hidden_act": "gelu")").find("gelu"), std::string::npos);
  EXPECT_NE(refused(R"("attention_bias": true)").find("attention_bias"), std::string::npos);
  EXPECT_NE(refused(R"("mlp_bias": true)").find("mlp_bias"), std::string::npos);
  EXPECT_NE(
      refused(R"("quantization_config": {"quant_method": "awq"})").find("quantization_config"),
      std::string::npos);
}

TEST(DecoderConfig, PresetsAndFiles) {
  const auto preset = load_decoder_config("phi-4-mini");
  ASSERT_TRUE(preset);
  EXPECT_TRUE(check_decoder_config(*preset, "phi-4-mini"));
  EXPECT_EQ(preset->long_factor.size(), 48U);
  const auto absent = load_decoder_config("/nonexistent.json");
  ASSERT_FALSE(absent);
  EXPECT_NE(absent.error().message.find("phi-4-mini"), std::string::npos);
  const TemporaryFolder folder;
  testing::write_text(folder / "config.json", kQwenLike);
  EXPECT_TRUE(load_decoder_config((folder / "config.json").string()));
}

TEST(Precision, NamesAreExact) {
  for (const std::string name : {"int4", "int8", "fp16", "fp32"}) {
    const auto precision = parse_precision(name);
    ASSERT_TRUE(precision);
    EXPECT_EQ(precision_name(*precision), name);
  }
  EXPECT_FALSE(parse_precision("INT4"));
  EXPECT_FALSE(parse_precision("bf16"));
}

}  // namespace
}  // namespace hearth::onnx

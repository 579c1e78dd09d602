// Reading config.json: Hugging Face's keys, the switches, ranges.
#include "onnx/decoder_config.h"

#include <gtest/gtest.h>

#include <string>

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
          .find("llama3"),
      std::string::npos);
  EXPECT_NE(
      refusal(kQwenLike, R"("rms_norm_eps": 1e-06)",
              R"("rope_scaling": {"type": "longrope", "short_factor": [1], "long_factor": [1]})")
          .find("must be 32, found 1"),
      std::string::npos);
  EXPECT_NE(refusal(kQwenLike, R"("rms_norm_eps": 1e-06)",
                    R"("rope_scaling": {"type": "longrope", "short_factor": [1, "x"]})")
                .find("short_factor"),
            std::string::npos);
  EXPECT_NE(refusal(kQwenLike, "Qwen2ForCausalLM", "../Qwen2For").find("architectures"),
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
  const testing::TemporaryFolder folder;
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

// Every variant that the builder makes is loaded and run by ONNX Runtime, and its logits must equal
// those of a float64 forward pass over the weights as they stand in the file.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "onnx/decoder_builder.h"
#include "onnx/decoder_graph.h"
#include "onnx/external_data.h"
#include "onnx/half.h"
#include "onnx/model_file.h"
#include "onnx/ort_model.h"
#include "onnx/quantise_plan.h"
#include "onnx/quantise_write.h"
#include "onnx/random_weights.h"
#include "onnx/reference_decoder.h"
#include "onnx/test_models.h"

namespace hearth::onnx {
namespace {

using ::onnx::TensorProto;
using testing::Matrix;
using testing::OrtModel;

DecoderConfig precise_config() {
  DecoderConfig config = testing::small_config();
  config.switches.accuracy_level = 1;  // no int8 activations, so that tight bounds hold
  return config;
}

struct Variant {
  std::string name;
  Precision precision;
  std::function<void(DecoderConfig&)> change;
  double tolerance = 2e-4;
};

/// Reads the weights of a built folder back, by the specification of the operators.
class FileWeights {
 public:
  explicit FileWeights(const std::filesystem::path& folder) {
    const auto model = read_model(folder / "model.onnx");
    EXPECT_TRUE(model) << model.error().message;
    EXPECT_TRUE(check_external_data(*model, folder));
    std::ifstream data(folder / kDataFileName, std::ios::binary);
    for (const TensorProto& tensor : model->graph().initializer()) {
      const auto location = tensor_location(tensor);
      EXPECT_TRUE(location);
      std::string bytes(location->length, '\0');
      data.seekg(static_cast<std::streamoff>(location->offset));
      data.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      tensors_[tensor.name()] = {tensor, std::move(bytes)};
    }
  }

  bool has(const std::string& name) const { return tensors_.contains(name); }

  /// Any float tensor as a flat list.
  std::vector<double> floats(const std::string& name) const {
    const auto& [tensor, bytes] = tensors_.at(name);
    std::vector<double> values;
    if (tensor.data_type() == TensorProto::FLOAT) {
      for (std::size_t i = 0; i < bytes.size(); i += 4) {
        float value = 0;
        std::memcpy(&value, bytes.data() + i, 4);
        values.push_back(value);
      }
    } else {
      EXPECT_EQ(tensor.data_type(), TensorProto::FLOAT16);
      for (std::size_t i = 0; i < bytes.size(); i += 2) {
        std::uint16_t half = 0;
        std::memcpy(&half, bytes.data() + i, 2);
        values.push_back(from_half(half));
      }
    }
    return values;
  }

  /// [rows][columns] of a MatMul weight, quantised or stored transposed, or of plain rows.
  Matrix matrix(const std::string& name, std::size_t rows, std::size_t columns) const {
    for (const int bits : {4, 8}) {
      if (has(name + "_Q" + std::to_string(bits))) return dequantise(name, bits, rows, columns);
    }
    const std::vector<double> flat = floats(name);
    EXPECT_EQ(flat.size(), rows * columns) << name;
    const bool transposed = name.find("MatMul") != std::string::npos;
    Matrix out(rows, std::vector<double>(columns));
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) {
        out[r][c] = flat[transposed ? c * rows + r : r * columns + c];
      }
    }
    return out;
  }

 private:
  Matrix dequantise(const std::string& name, int bits, std::size_t rows,
                    std::size_t columns) const {
    const std::string& packed = tensors_.at(name + "_Q" + std::to_string(bits)).second;
    const std::vector<double> scales = floats(name + "_scales");
    const std::size_t blocks = scales.size() / rows;
    const std::size_t block_size =
        packed.size() / rows / blocks * 8 / static_cast<std::size_t>(bits);
    const auto element = [bits](const std::string& bytes, std::size_t row_start, std::size_t i) {
      const auto byte =
          static_cast<unsigned char>(bytes[row_start + i * static_cast<std::size_t>(bits) / 8]);
      return bits == 8 ? int{byte} : (i % 2 == 0 ? byte & 15 : byte >> 4);
    };
    Matrix out(rows, std::vector<double>(columns));
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) {
        const std::size_t block = c / block_size;
        int zero_point = 1 << (bits - 1);
        if (has(name + "_zero_points")) {
          const std::string& zeros = tensors_.at(name + "_zero_points").second;
          zero_point = element(zeros, r * (zeros.size() / rows), block);
        }
        out[r][c] = (element(packed, r * (packed.size() / rows), c) - zero_point) *
                    scales[r * blocks + block];
      }
    }
    return out;
  }

  std::map<std::string, std::pair<TensorProto, std::string>> tensors_;
};

/// Finds each weight under the name the released layout gives it.
Matrix find_weight(const FileWeights& file, const DecoderConfig& config, const WeightId& id) {
  const auto rows = static_cast<std::size_t>(id.rows);
  const auto columns = static_cast<std::size_t>(id.columns);
  const std::string layer = "model.layers." + std::to_string(id.layer) + ".";
  const auto q = static_cast<std::size_t>(config.query_width());
  const auto kv = static_cast<std::size_t>(config.kv_width());
  /// Rows [first, first + count) of a projection that may be packed.
  const auto projection = [&](const char* own, std::size_t first) {
    if (!file.has(layer + "attn.qkv_proj.MatMul.weight") &&
        !file.has(layer + "attn.qkv_proj.MatMul.weight_scales")) {
      return file.matrix(layer + "attn." + own + "_proj.MatMul.weight", rows, columns);
    }
    const Matrix all = file.matrix(layer + "attn.qkv_proj.MatMul.weight", q + 2 * kv, columns);
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    return Matrix(begin, begin + static_cast<std::ptrdiff_t>(rows));
  };
  const auto bias = [&](const char* own, std::size_t first) {
    const std::string packed = layer + "attn.qkv_proj.Add.bias";
    if (!file.has(packed)) return Matrix{file.floats(layer + "attn." + own + "_proj.Add.bias")};
    const std::vector<double> all = file.floats(packed);
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    return Matrix{{begin, begin + static_cast<std::ptrdiff_t>(columns)}};
  };
  switch (id.role) {
    case WeightRole::kEmbedding: {
      const bool own =
          file.has("model.embed_tokens.weight") || file.has("model.embed_tokens.weight_scales");
      return file.matrix(own ? "model.embed_tokens.weight" : "lm_head.MatMul.weight", rows,
                         columns);
    }
    case WeightRole::kLmHead:
      return file.matrix("lm_head.MatMul.weight", rows, columns);
    case WeightRole::kFinalNorm:
      return {file.floats("model.layers." + std::to_string(config.layers) +
                          ".final_norm_layernorm.weight")};
    case WeightRole::kInputNorm:
      return {file.floats(layer + "input_layernorm.weight")};
    case WeightRole::kPostAttentionNorm:
      return {file.floats(layer + "post_attention_layernorm.weight")};
    case WeightRole::kQuery:
      return projection("q", 0);
    case WeightRole::kKey:
      return projection("k", q);
    case WeightRole::kValue:
      return projection("v", q + kv);
    case WeightRole::kQueryBias:
      return bias("q", 0);
    case WeightRole::kKeyBias:
      return bias("k", q);
    case WeightRole::kValueBias:
      return bias("v", q + kv);
    case WeightRole::kQueryNorm:
      return {file.floats(layer + "attn.q_norm.layernorm.weight")};
    case WeightRole::kKeyNorm:
      return {file.floats(layer + "attn.k_norm.layernorm.weight")};
    case WeightRole::kAttentionOutput:
      return file.matrix(layer + "attn.o_proj.MatMul.weight", rows, columns);
    case WeightRole::kGate:
      return file.matrix(layer + "mlp.gate_proj.MatMul.weight", rows, columns);
    case WeightRole::kUp:
      return file.matrix(layer + "mlp.up_proj.MatMul.weight", rows, columns);
    case WeightRole::kDown:
      return file.matrix(layer + "mlp.down_proj.MatMul.weight", rows, columns);
  }
  return {};
}

void expect_near(const Matrix& actual, const Matrix& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  double worst = 0;
  double spread = 0;
  for (std::size_t t = 0; t < actual.size(); ++t) {
    ASSERT_EQ(actual[t].size(), expected[t].size());
    for (std::size_t i = 0; i < actual[t].size(); ++i) {
      ASSERT_TRUE(std::isfinite(actual[t][i]));
      worst = std::max(worst, std::fabs(actual[t][i] - expected[t][i]));
      spread = std::max(spread, std::fabs(expected[t][i]));
    }
  }
  EXPECT_GT(spread, 0.5) << "logits that are all alike prove nothing";
  EXPECT_LT(worst, tolerance * spread);
}

std::vector<Variant> variants() {
  std::vector<Variant> all;
  const auto none = [](DecoderConfig&) {};
  all.push_back({"int4", Precision::kInt4, none});
  all.push_back({"int8", Precision::kInt8, none});
  all.push_back({"fp16", Precision::kFp16, none, 2e-2});
  all.push_back({"fp32", Precision::kFp32, none});
  all.push_back({"int4_no_long_rope", Precision::kInt4, [](DecoderConfig& c) {
                   c.short_factor.clear();
                   c.long_factor.clear();
                   c.partial_rotary_factor = 1.0;
                 }});
  const std::map<std::string, std::function<void(DecoderConfig&)>> switches = {
      {"position_ids", [](DecoderConfig& c) { c.switches.position_ids = true; }},
      {"position_ids_plain_rope",
       [](DecoderConfig& c) {
         c.switches.position_ids = true;
         c.short_factor.clear();
         c.long_factor.clear();
         c.partial_rotary_factor = 1.0;
       }},
      {"qk_norm", [](DecoderConfig& c) { c.switches.qk_norm = true; }},
      {"qkv_bias", [](DecoderConfig& c) { c.switches.qkv_bias = true; }},
      {"qk_norm_bias_position_ids",
       [](DecoderConfig& c) {
         c.switches.qk_norm = c.switches.qkv_bias = c.switches.position_ids = true;
       }},
      {"untied", [](DecoderConfig& c) { c.tie_word_embeddings = false; }},
  };
  for (const auto& [name, change] : switches) {
    all.push_back({"int4_" + name, Precision::kInt4, change});
    all.push_back({"fp32_" + name, Precision::kFp32, change});
  }
  const auto gather = [](DecoderConfig& c) { c.switches.quantised_embedding = true; };
  const auto own_gather = [](DecoderConfig& c) {
    c.switches.quantised_embedding = true;
    c.tie_word_embeddings = false;
  };
  const auto asymmetric = [](DecoderConfig& c) { c.switches.asymmetric = true; };
  const auto asymmetric_gather = [](DecoderConfig& c) {
    c.switches.asymmetric = c.switches.quantised_embedding = true;
  };
  for (const Precision precision : {Precision::kInt4, Precision::kInt8}) {
    const std::string name(precision_name(precision));
    all.push_back({name + "_shared_embedding", precision, gather});
    all.push_back({name + "_own_embedding", precision, own_gather});
    all.push_back({name + "_asymmetric", precision, asymmetric});
    all.push_back({name + "_asymmetric_embedding", precision, asymmetric_gather});
    for (const int block_size : {16, 64, 128, 256}) {
      all.push_back({name + "_block_" + std::to_string(block_size), precision,
                     [block_size](DecoderConfig& c) { c.switches.block_size = block_size; }});
    }
    all.push_back(
        {name + "_fp16_io", precision, [](DecoderConfig& c) { c.switches.fp16_io = true; }, 2e-2});
    all.push_back({name + "_fp16_everything", precision,
                   [](DecoderConfig& c) {
                     c.switches.fp16_io = c.switches.position_ids = true;
                     c.switches.quantised_embedding = c.switches.qkv_bias = true;
                     c.switches.qk_norm = c.switches.asymmetric = true;
                   },
                   2e-2});
  }
  return all;
}

class OrtVariants : public ::testing::TestWithParam<Variant> {};

TEST_P(OrtVariants, RunsAndComputesTheArchitecture) {
  DecoderConfig config = precise_config();
  GetParam().change(config);
  const TemporaryFolder folder;
  const auto plan = DecoderPlan::make(config, GetParam().precision);
  ASSERT_TRUE(plan) << plan.error().message;
  RandomWeights weights(11);
  const auto written = write_decoder(*plan, weights, folder.path(), 2, {});
  ASSERT_TRUE(written) << written.error().message;

  const FileWeights file(folder.path());
  const testing::WeightFn find = [&](const WeightId& id) { return find_weight(file, config, id); };
  std::vector<std::int64_t> prompt;
  for (std::int64_t i = 0; i < 21; ++i) prompt.push_back(i * 37 % config.vocab_size);
  const std::vector<std::int64_t> brief(prompt.begin(), prompt.begin() + 9);
  try {
    OrtModel short_run(folder.path());
    // Nine tokens in two steps, on the short table; then 21 at once, on the long one.
    const Matrix expected = testing::reference_logits(config, find, brief, brief.size());
    Matrix actual = short_run.feed({brief.begin(), brief.begin() + 8});
    actual.push_back(short_run.feed({brief.back()}).front());
    expect_near(actual, expected, GetParam().tolerance);
    OrtModel long_run(folder.path());
    expect_near(long_run.feed(prompt),
                testing::reference_logits(config, find, prompt, prompt.size()),
                GetParam().tolerance);
  } catch (const Ort::Exception& error) {
    FAIL() << error.what();
  }
}

/// Quantises the folder `from`.
void quantise(const std::filesystem::path& from, const std::filesystem::path& to,
              const QuantiseOptions& options) {
  std::filesystem::create_directories(to);
  const auto plan = QuantisePlan::make(*read_model(from / "model.onnx"), options);
  ASSERT_TRUE(plan) << plan.error().message;
  const auto written = write_quantised(*plan, from, to, 2, {}, nullptr);
  ASSERT_TRUE(written) << written.error().message;
}

/// Root of the mean squared difference, relative to the spread of the logits.
double difference(const Matrix& actual, const Matrix& expected) {
  double off = 0;
  double energy = 0;
  for (std::size_t t = 0; t < expected.size(); ++t) {
    for (std::size_t i = 0; i < expected[t].size(); ++i) {
      off += std::pow(actual[t][i] - expected[t][i], 2);
      energy += std::pow(expected[t][i], 2);
    }
  }
  return std::sqrt(off / energy);
}

TEST(OrtQuantised, EveryKindRunsAndStaysNearTheFloatModel) {
  struct Kind {
    const char* name;
    Precision source;
    QuantiseOptions options;
    double near;
  };
  const auto format = [](int bits) { return QuantFormat{bits, 32, false, ScaleType::kFloat32}; };
  const std::vector<Kind> kinds = {
      {"dynamic", Precision::kFp32, {format(8), {}, QuantLayout::kDynamic}, 0.06},
      {"dynamic from fp16", Precision::kFp16, {format(8), {}, QuantLayout::kDynamic}, 0.06},
      {"int8", Precision::kFp32, {.format = format(8)}, 0.06},
      {"mixed", Precision::kFp32, {.format = format(4), .mixed = true}, 0.4},
      {"searched", Precision::kFp32, {format(4), QuantMethod::kSearched}, 0.4},
      {"int4 from fp16", Precision::kFp16, {.format = format(4)}, 0.4},
  };
  DecoderConfig config = precise_config();
  config.switches.accuracy_level = 4;
  const std::vector<std::int64_t> tokens{7, 250, 31, 99, 4, 180, 66, 123};
  const TemporaryFolder folder;
  for (const Precision precision : {Precision::kFp32, Precision::kFp16}) {
    const auto path = folder / std::string(precision_name(precision));
    std::filesystem::create_directories(path);
    const auto plan = DecoderPlan::make(config, precision);
    RandomWeights weights(11);
    ASSERT_TRUE(plan && write_decoder(*plan, weights, path, 2, {}));
  }
  try {
    const Matrix expected = OrtModel(folder / "fp32").feed(tokens);
    for (const Kind& kind : kinds) {
      SCOPED_TRACE(kind.name);
      const auto out = folder / kind.name;
      quantise(folder / std::string(precision_name(kind.source)), out, kind.options);
      const double off = difference(OrtModel(out).feed(tokens), expected);
      EXPECT_LT(off, kind.near);
      EXPECT_GT(off, 1e-5) << "it is the same model";
    }
  } catch (const Ort::Exception& error) {
    FAIL() << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(All, OrtVariants, ::testing::ValuesIn(variants()),
                         [](const auto& variant) { return variant.param.name; });

}  // namespace
}  // namespace hearth::onnx

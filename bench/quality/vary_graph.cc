// Copies of a model file for measurements of quality:
//   vary_graph MODEL OUT level N: every MatMulNBits has accuracy_level N (1 to 4), by which ONNX
//     Runtime chooses how to multiply. On x86, 4 rounds rows to int8, the others compute in
//     float32.
//   vary_graph MODEL OUT outliers GAIN: one channel in 128 leaves every normalisation GAIN times as
//     large. Random weights have none such, trained models do: features up to 20 times as large as
//     others (Dettmers et al. 2022, LLM.int8()). Rounding in blocks suffers from them.
//
// OUT needs MODEL's data files beside it.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "onnx/graph_maker.h"
#include "onnx/model_file.h"
#include "onnx/tensor_reader.h"
#include "onnx/tensor_size.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kOutlierOneIn = 128;
constexpr std::size_t kOutlierFirst = 77;  ///< in no block of 32 the first or the last

void set_level(::onnx::NodeProto& node, std::int64_t level) {
  constexpr const char* kAttribute = "accuracy_level";
  for (::onnx::AttributeProto& attribute : *node.mutable_attribute()) {
    if (attribute.name() != kAttribute) continue;
    attribute.set_i(level);
    return;
  }
  onnx::set_int(node, kAttribute, level);
}

Result<void> set_levels(::onnx::ModelProto& model, double level) {
  std::int64_t products = 0;
  for (::onnx::NodeProto& node : *model.mutable_graph()->mutable_node()) {
    if (node.op_type() != "MatMulNBits") continue;
    set_level(node, std::lround(level));
    ++products;
  }
  if (products > 0) return {};
  return fail(ErrorCode::kUnsupported,
              "it has no MatMulNBits, so there is no accuracy level to set; name a model that was "
              "quantised to 4 or 8 bits");
}

/// Names of the tensors by which normalised rows are multiplied.
std::set<std::string> norm_weights(const ::onnx::GraphProto& graph) {
  std::set<std::string> names;
  for (const ::onnx::NodeProto& node : graph.node()) {
    const bool skips = node.op_type() == "SkipSimplifiedLayerNormalization";
    const int place = skips ? 2 : 1;
    if (!skips && node.op_type() != "SimplifiedLayerNormalization") continue;
    if (node.input_size() > place) names.insert(node.input(place));
  }
  return names;
}

Result<void> enlarge(::onnx::TensorProto& tensor, const onnx::TensorReader& reader, float gain) {
  if (tensor.data_type() != ::onnx::TensorProto::FLOAT) {
    return fail(ErrorCode::kUnsupported, tensor.name() + " is not float32; name an int4 model");
  }
  HEARTH_TRY(const std::uint64_t count, onnx::element_count(tensor));
  std::vector<float> values(count);
  HEARTH_TRY_VOID(reader.read_floats(tensor, 0, values));
  for (std::size_t i = kOutlierFirst; i < values.size(); i += kOutlierOneIn) values[i] *= gain;
  tensor.clear_external_data();
  tensor.clear_data_location();
  tensor.set_raw_data(values.data(), values.size() * sizeof(float));
  return {};
}

Result<void> make_outliers(::onnx::ModelProto& model, const fs::path& folder, double gain) {
  HEARTH_TRY(const onnx::TensorReader reader, onnx::TensorReader::open(model, folder));
  const std::set<std::string> names = norm_weights(model.graph());
  for (::onnx::TensorProto& tensor : *model.mutable_graph()->mutable_initializer()) {
    if (!names.contains(tensor.name())) continue;
    HEARTH_TRY_VOID(enlarge(tensor, reader, static_cast<float>(gain)));
  }
  if (!names.empty()) return {};
  return fail(ErrorCode::kUnsupported, "it has no SimplifiedLayerNormalization to vary");
}

Result<void> vary(const fs::path& from, const fs::path& to, std::string_view what, double value) {
  HEARTH_TRY(::onnx::ModelProto model, onnx::read_model(from));
  const auto done =
      what == "level" ? set_levels(model, value) : make_outliers(model, from.parent_path(), value);
  if (!done) return fail(done.error().code, from.string() + ": " + done.error().message);
  return onnx::write_model(to, model);
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  const std::string_view what = argc == 5 ? argv[3] : "";
  const double value = argc == 5 ? std::atof(argv[4]) : 0;
  const bool is_level = what == "level" && value >= 1 && value <= 4;
  if (!is_level && (what != "outliers" || value <= 0)) {
    std::fprintf(stderr,
                 "usage: vary_graph MODEL OUT level 1|2|3|4\n"
                 "       vary_graph MODEL OUT outliers GAIN (above 0)\n");
    return 2;
  }
  const auto done = hearth::vary(argv[1], argv[2], what, value);
  if (!done) std::fprintf(stderr, "vary_graph: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}

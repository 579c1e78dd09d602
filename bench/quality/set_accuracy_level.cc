// set_accuracy_level MODEL OUT LEVEL: a copy of a model file in which every MatMulNBits has that
// accuracy_level, the attribute by which ONNX Runtime chooses how to multiply: 4 allows rows rounded
// to int8, 1 keeps them in float32. OUT stands beside MODEL, whose data files it shares.
#include <cstdio>
#include <string>

#include "onnx/graph_maker.h"
#include "onnx/model_file.h"

namespace hearth {
namespace {

constexpr const char* kAttribute = "accuracy_level";

void set_level(::onnx::NodeProto& node, std::int64_t level) {
  for (::onnx::AttributeProto& attribute : *node.mutable_attribute()) {
    if (attribute.name() != kAttribute) continue;
    attribute.set_i(level);
    return;
  }
  onnx::set_int(node, kAttribute, level);
}

Result<void> copy(const std::string& from, const std::string& to, std::int64_t level) {
  HEARTH_TRY(::onnx::ModelProto model, onnx::read_model(from));
  std::int64_t products = 0;
  for (::onnx::NodeProto& node : *model.mutable_graph()->mutable_node()) {
    if (node.op_type() != "MatMulNBits") continue;
    set_level(node, level);
    ++products;
  }
  if (products == 0) {
    return fail(ErrorCode::kUnsupported,
                from + " has no MatMulNBits, so there is no accuracy level to set; name a model "
                       "that was quantised to 4 or 8 bits");
  }
  return onnx::write_model(to, model);
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  if (argc != 4 || std::string(argv[3]).find_first_not_of("01234") != std::string::npos) {
    std::fprintf(stderr, "usage: set_accuracy_level MODEL OUT LEVEL (0 to 4)\n");
    return 2;
  }
  const auto done = hearth::copy(argv[1], argv[2], std::stoll(argv[3]));
  if (!done) std::fprintf(stderr, "set_accuracy_level: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}

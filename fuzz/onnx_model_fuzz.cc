// Any bytes as model.onnx: through everything that looks at a model before ONNX Runtime does.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_set>

#include "fuzz_check.h"
#include "onnx/decoder_graph.h"
#include "onnx/external_data.h"
#include "onnx/graph_view.h"
#include "onnx/model_file.h"
#include "proto_mutator.h"

namespace {

using hearth::onnx::GraphView;

/// Producers come before consumers, whatever the file's order was.
void check_order(const GraphView& view) {
  std::unordered_set<const ::onnx::NodeProto*> seen;
  for (const ::onnx::NodeProto* node : view.nodes()) {
    for (const std::string& name : node->input()) {
      const ::onnx::NodeProto* producer = view.producer(name);
      FUZZ_CHECK(name.empty() || producer == nullptr || seen.contains(producer));
    }
    seen.insert(node);
  }
  FUZZ_CHECK(seen.size() == static_cast<std::size_t>(view.graph().node_size()));
}

/// Every question a reader may ask is answered for every name there is.
void ask_everything(const GraphView& view) {
  for (const ::onnx::NodeProto* node : view.nodes()) {
    FUZZ_CHECK(!hearth::onnx::describe(*node).empty());
    for (const std::string& name : node->output()) {
      for (const ::onnx::NodeProto* consumer : view.consumers(name))
        FUZZ_CHECK(consumer != nullptr);
      (void)view.constant_integers(name);
    }
    for (const std::string& name : view.captures(*node)) FUZZ_CHECK(!name.empty());
    for (const ::onnx::AttributeProto& item : node->attribute()) {
      FUZZ_CHECK(hearth::onnx::attribute(*node, item.name()) != nullptr);
      (void)hearth::onnx::attribute_int_or(*node, item.name(), 0);
      (void)hearth::onnx::attribute_graph(*node, item.name());
    }
  }
  for (const ::onnx::TensorProto& tensor : view.graph().initializer()) {
    FUZZ_CHECK(view.initializer(tensor.name()) != nullptr);
    (void)view.constant_integers(tensor.name());
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
  proto_mutator::Random random(seed);
  ::onnx::ModelProto model;
  // A quarter of the mutations is left to bytes: broken files have to be met as well.
  if (random() % 4 == 0 || !model.ParseFromArray(data, static_cast<int>(size))) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  proto_mutator::mutate(model, random);
  if (model.ByteSizeLong() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  model.SerializeToArray(data, static_cast<int>(max_size));
  return model.ByteSizeLong();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto model = hearth::onnx::parse_model(bytes, "model.onnx");
  if (!model) {
    FUZZ_CHECK(model.error().message.find("model.onnx") != std::string::npos);
    return 0;
  }
  (void)hearth::onnx::check_external_data(*model, "/nonexistent", "model.onnx");
  const auto checked = hearth::onnx::for_each_tensor(
      *model, [](const ::onnx::TensorProto& tensor) -> hearth::Result<void> {
        if (!hearth::onnx::is_external(tensor)) return hearth::onnx::check_inline_data(tensor);
        const auto location = hearth::onnx::tensor_location(tensor);
        if (!location) return tl::unexpected<hearth::Error>(location.error());
        FUZZ_CHECK(!location->file.empty() && location->file.front() != '/');
        return {};
      });
  const auto view = GraphView::build(model->graph());
  if (!view) return 0;
  check_order(*view);
  ask_everything(*view);
  const auto info = hearth::onnx::read_decoder_graph(*view, {});
  if (info) {
    FUZZ_CHECK(info->layers > 0 && info->kv_heads > 0 && info->head_dim > 0);
  }
  const int nodes = model->graph().node_size();
  planted_bug_if(checked && nodes >= 2 && view->inputs().size() >= 2 &&
                 view->nodes().front() == &model->graph().node(nodes - 1));
  return 0;
}

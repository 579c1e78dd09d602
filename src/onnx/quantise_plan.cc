#include "onnx/quantise_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/check.h"
#include "onnx/decoder_builder.h"
#include "onnx/external_data.h"
#include "onnx/graph_maker.h"
#include "onnx/graph_view.h"
#include "onnx/sensitive_linears.h"
#include "onnx/tensor_size.h"
#include "onnx/widen_halves.h"

namespace hearth::onnx {

using ::onnx::NodeProto;
using ::onnx::TensorProto;

namespace {

/// DynamicQuantizeLinear came with version 11 of the standard operators.
constexpr std::int64_t kDynamicVersionMin = 11;

/// The zero point of the weights of kDynamic. Unsigned weights, because products of unsigned inputs
/// and signed weights overflow 16 bits in the AVX2 kernels of ONNX Runtime.
constexpr int kDynamicZeroPoint = 128;
const std::string kDynamicZeroPointName = "hearth.weight_zero_point";

Result<void> check_options(const QuantiseOptions& options) {
  HEARTH_TRY_VOID(check_format(options.format));
  if (options.layout != QuantLayout::kDynamic) return {};
  const char* what = nullptr;
  if (options.format.bits != 8) what = "needs eight bits (--precision int8)";
  if (options.format.asymmetric) what = "has no zero points that could be chosen";
  if (options.mixed) what = "has eight bits everywhere already";
  if (options.method != QuantMethod::kNearest) what = "only rounds to the nearest";
  if (what == nullptr) return {};
  return fail(ErrorCode::kInvalidArgument, std::string("the dynamic layout ") + what);
}

bool is_float(const TensorProto& tensor) {
  return tensor.data_type() == TensorProto::FLOAT || tensor.data_type() == TensorProto::FLOAT16;
}

/// A product's weight when it is one that can be quantised.
const TensorProto* product_weight(const GraphView& view, const NodeProto& node) {
  if (!is_op(node, "MatMul") || view.initializer(input_name(node, 0)) != nullptr) return nullptr;
  const TensorProto* weight = view.initializer(input_name(node, 1));
  if (weight == nullptr || weight->dims_size() != 2 || !is_float(*weight)) return nullptr;
  return weight->dims(0) > 0 && weight->dims(1) > 0 ? weight : nullptr;
}

void set_place(TensorProto& tensor, const TensorPlace& place) {
  tensor.clear_external_data();
  tensor.set_data_location(TensorProto::EXTERNAL);
  const auto add = [&tensor](const char* key, const std::string& value) {
    auto* entry = tensor.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  };
  add("location", kDataFileName);
  add("offset", std::to_string(place.offset));
  add("length", std::to_string(place.bytes));
}

NodeProto& add_node(::onnx::GraphProto& graph, const std::string& op, const std::string& name,
                    const std::vector<std::string>& inputs,
                    const std::vector<std::string>& outputs) {
  NodeProto& node = *graph.add_node();
  for (const std::string& input : inputs) node.add_input(input);
  for (const std::string& output : outputs) node.add_output(output);
  node.set_name(name);
  node.set_op_type(op);
  return node;
}

std::string suffix(const LinearJob& job) { return job.format.bits == 8 ? "_Q8" : "_Q4"; }

}  // namespace

/// Makes one plan: chooses, then rewrites nodes, then places tensors.
class PlanBuilder {
 public:
  explicit PlanBuilder(QuantisePlan& plan) : plan_(plan) {}

  Result<void> build() {
    HEARTH_TRY(const GraphView view, GraphView::build(plan_.source_->graph()));
    choose(view);
    if (plan_.linears_.empty()) {
      return fail(ErrorCode::kInvalidArgument,
                  "the graph has no matrix product with a constant weight of floats; it may be "
                  "quantised already: start from its fp32 or fp16 folder");
    }
    plan_.model_ = std::make_unique<::onnx::ModelProto>(*plan_.source_);
    widen_halves(*plan_.model_);
    HEARTH_TRY_VOID(check_operator_sets());
    rewrite_nodes(view);
    return place_tensors(view);
  }

 private:
  bool dynamic() const { return plan_.options_.layout == QuantLayout::kDynamic; }

  void choose(const GraphView& view) {
    const auto& graph = plan_.source_->graph();
    std::vector<const NodeProto*> products;
    for (const NodeProto& node : graph.node()) {
      if (product_weight(view, node) != nullptr) products.push_back(&node);
    }
    std::set<const NodeProto*> sensitive;
    if (plan_.options_.mixed) {
      const auto chosen = sensitive_linears(view, products);
      sensitive.insert(chosen.begin(), chosen.end());
    }
    std::map<std::string, std::size_t> index_of;
    for (int i = 0; i < graph.initializer_size(); ++i) {
      index_of[graph.initializer(i).name()] = static_cast<std::size_t>(i);
    }
    for (const NodeProto* node : products) {
      const TensorProto& weight = *product_weight(view, *node);
      const auto [known, added] = job_of_.emplace(weight.name(), plan_.linears_.size());
      if (added) {
        LinearJob job;
        job.node = node->name();
        job.input = node->input(0);
        job.source = index_of.at(weight.name());
        job.k = weight.dims(0);
        job.n = weight.dims(1);
        job.format = plan_.options_.format;
        job.layout = plan_.options_.layout;
        plan_.linears_.push_back(std::move(job));
      }
      if (sensitive.contains(node)) plan_.linears_[known->second].format.bits = 8;
    }
  }

  Result<void> check_operator_sets() {
    bool has_microsoft = false;
    for (const auto& import : plan_.model_->opset_import()) {
      has_microsoft = has_microsoft || import.domain() == kMicrosoft;
      const bool standard = import.domain().empty() || import.domain() == "ai.onnx";
      if (dynamic() && standard && import.version() < kDynamicVersionMin) {
        return fail(ErrorCode::kUnsupported, "the graph is of operator set " +
                                                 std::to_string(import.version()) +
                                                 ", the dynamic layout needs 11 or newer");
      }
    }
    if (!dynamic() && !has_microsoft) {
      auto* import = plan_.model_->add_opset_import();
      import->set_domain(kMicrosoft);
      import->set_version(1);
    }
    return {};
  }

  void rewrite_nodes(const GraphView& view) {
    auto& graph = *plan_.model_->mutable_graph();
    const ::onnx::GraphProto& source = plan_.source_->graph();
    auto nodes = std::move(*graph.mutable_node());
    graph.clear_node();
    for (int i = 0; i < nodes.size(); ++i) {
      const TensorProto* weight = product_weight(view, source.node(i));
      if (weight == nullptr) {
        *graph.add_node() = std::move(nodes[i]);
        continue;
      }
      const LinearJob& job = plan_.linears_[job_of_.at(weight->name())];
      if (dynamic()) {
        add_dynamic(graph, nodes[i], job);
      } else {
        add_blocks(graph, nodes[i], job);
      }
    }
  }

  void add_blocks(::onnx::GraphProto& graph, const NodeProto& old, const LinearJob& job) {
    const std::string& weight = old.input(1);
    std::vector<std::string> inputs{old.input(0), weight + suffix(job), weight + "_scales"};
    if (job.format.asymmetric) inputs.push_back(weight + "_zero_points");
    NodeProto& node =
        add_node(graph, "MatMulNBits", old.name() + suffix(job), inputs, {old.output(0)});
    node.set_domain(kMicrosoft);
    set_int(node, "K", job.k);
    set_int(node, "N", job.n);
    const int accuracy_level = plan_.options_.accuracy_level;
    if (accuracy_level > 0) set_int(node, "accuracy_level", accuracy_level);
    set_int(node, "bits", job.format.bits);
    set_int(node, "block_size", job.format.block_size);
  }

  /// x W = (x_q W_q) * (x_scale * W_scales), both quantised around a zero point.
  void add_dynamic(::onnx::GraphProto& graph, const NodeProto& old, const LinearJob& job) {
    const std::string& input = old.input(0);
    const std::string& weight = old.input(1);
    if (quantised_inputs_.insert(input).second) {
      add_node(graph, "DynamicQuantizeLinear", input + "/DynamicQuantizeLinear", {input},
               {input + "_quantized", input + "_scale", input + "_zero_point"});
    }
    const std::string product = old.output(0) + "_int32";
    const std::string cast = old.output(0) + "_cast";
    const std::string scale = old.output(0) + "_scale_product";
    add_node(
        graph, "MatMulInteger", old.name() + suffix(job),
        {input + "_quantized", weight + suffix(job), input + "_zero_point", kDynamicZeroPointName},
        {product});
    set_int(add_node(graph, "Cast", old.name() + "/Cast", {product}, {cast}), "to",
            TensorProto::FLOAT);
    add_node(graph, "Mul", old.name() + "/Scale", {input + "_scale", weight + "_scales"}, {scale});
    add_node(graph, "Mul", old.name() + "/Mul", {cast, scale}, {old.output(0)});
  }

  /// Tensors that stay keep their order; quantised ones come after them, as in the released models.
  Result<void> place_tensors(const GraphView& view) {
    auto& graph = *plan_.model_->mutable_graph();
    auto tensors = std::move(*graph.mutable_initializer());
    graph.clear_initializer();
    for (int i = 0; i < tensors.size(); ++i) {
      const TensorProto& source = plan_.source_->graph().initializer(i);
      if (job_of_.contains(source.name()) && !is_read_otherwise(view, source)) continue;
      if (is_external(source)) {
        CopyJob copy{static_cast<std::size_t>(i), {}};
        HEARTH_TRY(copy.data, place(tensors[i]));
        plan_.copies_.push_back(std::move(copy));
      }
      *graph.add_initializer() = std::move(tensors[i]);
    }
    for (LinearJob& job : plan_.linears_) HEARTH_TRY_VOID(add_quantised(job));
    if (dynamic()) {
      TensorProto& zero_point = *graph.add_initializer();
      zero_point.set_name(kDynamicZeroPointName);
      zero_point.set_data_type(TensorProto::UINT8);
      zero_point.set_raw_data(std::string(1, static_cast<char>(kDynamicZeroPoint)));
    }
    return check_all_placed();
  }

  bool is_read_otherwise(const GraphView& view, const TensorProto& tensor) const {
    const auto consumers = view.consumers(tensor.name());
    return view.is_output(tensor.name()) ||
           std::any_of(consumers.begin(), consumers.end(), [&](const NodeProto* node) {
             return product_weight(view, *node) != &tensor;
           });
  }

  /// Gives `tensor` the next free place in the data file.
  Result<TensorPlace> place(TensorProto& tensor) {
    HEARTH_TRY(const std::uint64_t bytes, tensor_bytes(tensor));
    const std::uint64_t offset =
        (plan_.data_bytes_ + kTensorAlignment - 1) / kTensorAlignment * kTensorAlignment;
    TensorPlace place{tensor.name(), offset, bytes};
    set_place(tensor, place);
    plan_.data_bytes_ = offset + bytes;
    return place;
  }

  Result<TensorPlace> add_tensor(const std::string& name, std::int32_t type,
                                 const std::vector<std::int64_t>& dims) {
    TensorProto& tensor = *plan_.model_->mutable_graph()->add_initializer();
    for (const std::int64_t dim : dims) tensor.add_dims(dim);
    tensor.set_data_type(type);
    tensor.set_name(name);
    return place(tensor);
  }

  Result<void> add_quantised(LinearJob& job) {
    const std::string name = plan_.source_tensor(job.source).name();
    if (dynamic()) {
      HEARTH_TRY(job.data, add_tensor(name + suffix(job), TensorProto::UINT8, {job.k, job.n}));
      HEARTH_TRY(job.scales, add_tensor(name + "_scales", TensorProto::FLOAT, {job.n}));
      return {};
    }
    const std::int64_t blocks = job.format.blocks(job.k);
    HEARTH_TRY(job.data, add_tensor(name + suffix(job), TensorProto::UINT8,
                                    {job.n, blocks, job.format.row_bytes(job.k) / blocks}));
    HEARTH_TRY(job.scales, add_tensor(name + "_scales", TensorProto::FLOAT, {job.n * blocks}));
    if (!job.format.asymmetric) return {};
    HEARTH_TRY(job.zero_points, add_tensor(name + "_zero_points", TensorProto::UINT8,
                                           {job.n * job.format.zero_point_row_bytes(job.k)}));
    return {};
  }

  /// Only initializers of the main graph are moved to the new data file.
  Result<void> check_all_placed() const {
    std::set<const TensorProto*> placed;
    for (const TensorProto& tensor : plan_.model_->graph().initializer()) placed.insert(&tensor);
    return for_each_tensor(*plan_.model_, [&](const TensorProto& tensor) -> Result<void> {
      if (!is_external(tensor) || placed.contains(&tensor)) return {};
      return fail(ErrorCode::kUnsupported,
                  "the tensor '" + tensor.name() +
                      "' has its data beside the model but is no initializer of the main graph");
    });
  }

  QuantisePlan& plan_;
  std::map<std::string, std::size_t> job_of_;  ///< by the weight's name, index into linears_
  std::set<std::string> quantised_inputs_;
};

Result<QuantisePlan> QuantisePlan::make(::onnx::ModelProto source, const QuantiseOptions& options) {
  HEARTH_TRY_VOID(check_options(options));
  QuantisePlan plan;
  plan.options_ = options;
  plan.source_ = std::make_unique<::onnx::ModelProto>(std::move(source));
  HEARTH_TRY_VOID(PlanBuilder(plan).build());
  return plan;
}

}  // namespace hearth::onnx

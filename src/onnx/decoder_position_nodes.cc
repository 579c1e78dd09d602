// What the layers read besides hidden states: rotary tables, position ids, lengths.
#include "onnx/decoder_nodes.h"
#include "onnx/half.h"
#include "onnx/rotary_tables.h"

namespace hearth::onnx {
namespace {

using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;

const std::string kMaskPath = "/model/attn_mask_reformat/attn_mask_subgraph";
constexpr const char* kMaskGather = "/model/attn_mask_reformat/attn_mask_subgraph/Gather";

}  // namespace

void DecoderGraphBuilder::make_rotary_switch() {
  const std::string base = "/model/rotemb_caches_subgraph";
  const std::string greater =
      maker_.simple("Greater", base + "/Greater",
                    {std::string(kMaskGather) + "/output_0",
                     GraphMaker::scalar(config_.original_max_position_embeddings)},
                    TensorProto::BOOL, {});
  NodeProto& node = maker_.node("If", base + "/If", {greater}, {"cos_cache", "sin_cache"});
  add_branch(node, "then_branch", "large", RotaryTable::kLong);
  add_branch(node, "else_branch", "small", RotaryTable::kShort);
  declare_rotary_caches();
}

void DecoderGraphBuilder::declare_rotary_caches() {
  const Shape shape{std::string("max_sequence_length"), std::string("head_dim / 2")};
  maker_.value("cos_cache", io_type_, shape);
  maker_.value("sin_cache", io_type_, shape);
}

void DecoderGraphBuilder::add_branch(NodeProto& node, const std::string& branch,
                                     const std::string& size, RotaryTable table) {
  AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(branch);
  attribute.set_type(AttributeProto::GRAPH);
  GraphProto& body = *attribute.mutable_g();
  const Shape shape{rotary_rows(config_, table), config_.rotary_dim() / 2};
  for (const bool sine : {false, true}) {
    const std::string cache = sine ? "sin_cache" : "cos_cache";
    NodeProto& constant = *body.add_node();
    constant.add_output(std::string(cache).append("_").append(size));
    constant.set_name(std::string("/").append(size).append("/").append(cache).append("/Constant"));
    constant.set_op_type("Constant");
    AttributeProto& value = *constant.add_attribute();
    value.set_name("value");
    value.set_type(AttributeProto::TENSOR);
    fill_inline_table(*value.mutable_t(), table, sine);
  }
  body.set_name(size + "_rotemb_caches_graph");
  for (const char* cache : {"cos_cache_", "sin_cache_"}) {
    declare(*body.add_output(), cache + size, io_type_, &shape);
  }
}

void DecoderGraphBuilder::fill_inline_table(TensorProto& tensor, RotaryTable table,
                                            bool sine) const {
  const std::int64_t rows = rotary_rows(config_, table);
  tensor.add_dims(rows);
  tensor.add_dims(config_.rotary_dim() / 2);
  tensor.set_data_type(io_type_);
  std::vector<float> values(static_cast<std::size_t>(rows * config_.rotary_dim() / 2));
  fill_rotary_rows(config_, table, sine, 0, values);
  if (!half_) {
    tensor.set_raw_data(values.data(), values.size() * sizeof(float));
    return;
  }
  std::vector<std::uint16_t> halves;
  halves.reserve(values.size());
  for (const float value : values) halves.push_back(to_half(value));
  tensor.set_raw_data(halves.data(), halves.size() * sizeof(std::uint16_t));
}

void DecoderGraphBuilder::make_external_caches(RotaryTable table) {
  for (const bool sine : {false, true}) {
    TensorJob job;
    job.kind = TensorJob::Kind::kRotaryTable;
    job.table = table;
    job.sine = sine;
    job.rows = rotary_rows(config_, table);
    job.columns = config_.rotary_dim() / 2;
    job.half = half_;
    job.data.name = sine ? "sin_cache" : "cos_cache";
    const std::vector<std::int64_t> dims{job.rows, job.columns};
    maker_.external(std::move(job), io_type_, dims);
  }
}

void DecoderGraphBuilder::make_position_ids() {
  const std::string base = "/model/pos_ids_reformat";
  const Shape ids{kBatch, kSequence};
  if (!config_.has_long_rope()) {
    const std::string shape =
        maker_.simple("Shape", base + "/Shape", {"input_ids"}, TensorProto::INT64, {Dim(2)});
    const std::string length = make_gather(base + "/Gather", shape);
    const std::string unsqueezed =
        maker_.simple("Unsqueeze", base + "/Unsqueeze", {length, GraphMaker::list({0})},
                      TensorProto::INT64, {Dim(1)});
    const std::string concat =
        maker_.simple("Concat", base + "/Concat", {GraphMaker::list({-1}), unsqueezed},
                      TensorProto::INT64, {Dim(2)});
    set_int(last_node(), "axis", 0);
    position_ids_ = maker_.simple("Reshape", base + "/Reshape", {"position_ids", concat},
                                  TensorProto::INT64, ids);
    return;
  }
  make_external_caches(RotaryTable::kJoined);
  declare_rotary_caches();
  const std::string boundary = GraphMaker::scalar(config_.original_max_position_embeddings);
  const std::string last =
      maker_.simple("ReduceMax", base + "/ReduceMax", {"position_ids"}, TensorProto::INT64, {});
  set_int(last_node(), "keepdims", 0);
  const std::string is_long = maker_.simple("GreaterOrEqual", base + "/GreaterOrEqual",
                                            {last, boundary}, TensorProto::BOOL, {});
  const std::string as_number = make_cast(base + "/Cast", is_long, TensorProto::INT64);
  const std::string shift =
      maker_.simple("Mul", base + "/Mul", {as_number, boundary}, TensorProto::INT64, {});
  position_ids_ =
      maker_.simple("Add", base + "/Add_1", {shift, "position_ids"}, TensorProto::INT64, ids);
}

std::string DecoderGraphBuilder::make_gather(const std::string& path, const std::string& shape) {
  std::string output =
      maker_.simple("Gather", path, {shape, GraphMaker::scalar(1)}, TensorProto::INT64, {});
  set_int(last_node(), "axis", 0);
  return output;
}

std::string DecoderGraphBuilder::make_cast(const std::string& path, const std::string& input,
                                           std::int32_t type) {
  std::string output = path + "/output_0";
  set_int(maker_.node("Cast", path, {input}, {output}), "to", type);
  maker_.value_of_unknown_shape(output, type);
  return output;
}

void DecoderGraphBuilder::make_mask_reformatting() {
  const Shape shape{kBatch, Dim(1)};
  const std::string one = GraphMaker::list({1});
  const std::string sum = maker_.simple("ReduceSum", kMaskPath + "/ReduceSum",
                                        {"attention_mask", one}, TensorProto::INT64, shape);
  const std::string less_one =
      maker_.simple("Sub", kMaskPath + "/Sub", {sum, one}, TensorProto::INT64, shape);
  past_lengths_ =
      maker_.simple("Cast", kMaskPath + "/Sub/Cast", {less_one}, TensorProto::INT32, shape);
  set_int(last_node(), "to", TensorProto::INT32);
  const std::string mask_shape = maker_.simple("Shape", kMaskPath + "/Shape", {"attention_mask"},
                                               TensorProto::INT64, {Dim(2)});
  const std::string total = make_gather(kMaskGather, mask_shape);
  total_length_ = make_cast(std::string(kMaskGather) + "/Cast", total, TensorProto::INT32);
}

}  // namespace hearth::onnx

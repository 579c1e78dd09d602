// The frame of the decoder graph: tensors, matrix products, embedding, head, inputs and outputs.
#include "onnx/decoder_nodes.h"

#include <utility>

#include "onnx/decoder_builder.h"

namespace hearth::onnx {

using ::onnx::NodeProto;
using ::onnx::TensorProto;

void DecoderGraphBuilder::build() {
  graph_.set_name("main_graph");
  // Old builders make these first, although they read what comes later: files are not sorted.
  if (config_.switches.position_ids) {
    make_position_ids();
  } else if (config_.has_long_rope()) {
    make_rotary_switch();
  }
  make_mask_reformatting();
  std::string hidden = make_embedding();
  std::string skip;
  for (std::int64_t layer = 0; layer < config_.layers; ++layer) make_layer(layer, hidden, skip);
  make_head(hidden, skip);
  make_inputs_and_outputs();
}

std::vector<TensorJob> DecoderGraphBuilder::finish(std::uint64_t& data_bytes) {
  return maker_.finish(kDataFileName, data_bytes);
}

TensorJob DecoderGraphBuilder::rows_job(const std::string& name,
                                        const std::vector<WeightId>& parts) const {
  TensorJob job;
  job.parts = parts;
  for (const WeightId& part : parts) job.rows += part.rows;
  job.columns = parts.front().columns;
  job.half = half_;
  job.data.name = name;
  return job;
}

void DecoderGraphBuilder::make_vector(const std::string& name, const std::vector<WeightId>& parts) {
  std::int64_t length = 0;
  for (const WeightId& part : parts) length += part.columns;
  maker_.external(rows_job(name, parts), io_type_, {length});
}

void DecoderGraphBuilder::make_quantised(const std::string& weight,
                                         const std::vector<WeightId>& parts, bool by_rows,
                                         bool flat_packed) {
  TensorJob job = rows_job(weight + quantised_suffix(), parts);
  job.kind = TensorJob::Kind::kQuantised;
  job.format = format();
  job.scales.name = weight + "_scales";
  job.zero_points.name = weight + "_zero_points";
  const std::int64_t n = job.rows;
  const std::int64_t blocks = job.format.blocks(job.columns);
  const std::int64_t row_bytes = job.format.row_bytes(job.columns);
  const std::int64_t zero_bytes = job.format.zero_point_row_bytes(job.columns);
  GraphMaker::QuantisedDims dims;
  dims.packed =
      flat_packed ? std::vector{n, row_bytes} : std::vector{n, blocks, row_bytes / blocks};
  dims.scales = by_rows ? std::vector{n, blocks} : std::vector{n * blocks};
  dims.zero_points = by_rows ? std::vector{n, zero_bytes} : std::vector{n * zero_bytes};
  maker_.external_quantised(std::move(job), io_type_, dims);
}

std::string DecoderGraphBuilder::make_matmul(const std::string& path, const std::string& input,
                                             const std::vector<WeightId>& parts,
                                             std::string output) {
  if (output.empty()) output = path + "/output_0";
  const std::string weight = tensor_path(path) + ".weight";
  std::int64_t n = 0;
  for (const WeightId& part : parts) n += part.rows;
  const std::int64_t k = parts.front().columns;
  if (quantised()) {
    const bool is_shared = shared_embedding() && parts.front().role == WeightRole::kEmbedding;
    make_quantised(weight, parts, is_shared, false);
    std::vector<std::string> inputs{input, weight + quantised_suffix(), weight + "_scales"};
    if (config_.switches.asymmetric) inputs.push_back(weight + "_zero_points");
    NodeProto& node =
        maker_.node("MatMulNBits", path + quantised_suffix(), inputs, {output}, kMicrosoft);
    set_int(node, "K", k);
    set_int(node, "N", n);
    if (config_.switches.accuracy_level > 0) {
      set_int(node, "accuracy_level", config_.switches.accuracy_level);
    }
    set_int(node, "bits", format().bits);
    set_int(node, "block_size", format().block_size);
  } else {
    TensorJob job = rows_job(weight, parts);
    job.kind = TensorJob::Kind::kTransposed;
    maker_.external(std::move(job), io_type_, {k, n});
    maker_.node("MatMul", path, {input, weight}, {output});
  }
  maker_.value(output, io_type_, {kBatch, kSequence, n});
  return output;
}

std::string DecoderGraphBuilder::make_bias(const std::string& path, const std::string& input,
                                           const std::vector<WeightId>& parts) {
  const std::string name = tensor_path(path) + ".bias";
  make_vector(name, parts);
  std::int64_t width = 0;
  for (const WeightId& part : parts) width += part.columns;
  return maker_.simple("Add", path, {input, name}, io_type_, {kBatch, kSequence, width});
}

std::string DecoderGraphBuilder::make_embedding() {
  const std::string base = "/model/embed_tokens";
  const Shape shape{kBatch, kSequence, config_.hidden_size};
  if (!config_.switches.quantised_embedding) {
    const std::string weight = "model.embed_tokens.weight";
    maker_.external(rows_job(weight, {embedding_id()}), io_type_,
                    {config_.vocab_size, config_.hidden_size});
    return maker_.simple("Gather", base + "/Gather", {weight, "input_ids"}, io_type_, shape);
  }
  const std::int64_t row_bytes = format().row_bytes(config_.hidden_size);
  std::string weight = "model.embed_tokens.weight";
  std::string packed = weight + quantised_suffix();
  if (shared_embedding()) {
    weight = "lm_head.MatMul.weight";
    packed = maker_.simple(
        "Reshape", base + "/Reshape",
        {weight + quantised_suffix(), GraphMaker::list({config_.vocab_size, row_bytes})},
        TensorProto::UINT8, {config_.vocab_size, row_bytes});
  } else {
    make_quantised(weight, {embedding_id()}, true, true);
  }
  std::vector<std::string> inputs{packed, "input_ids", weight + "_scales"};
  if (config_.switches.asymmetric) inputs.push_back(weight + "_zero_points");
  std::string output = base + "/GatherBlockQuantized/output_0";
  NodeProto& node = maker_.node("GatherBlockQuantized", base + "/GatherBlockQuantized", inputs,
                                {output}, kMicrosoft);
  set_int(node, "bits", format().bits);
  set_int(node, "block_size", format().block_size);
  set_int(node, "gather_axis", 0);
  set_int(node, "quantize_axis", 1);
  maker_.value(output, io_type_, shape);
  return output;
}

void DecoderGraphBuilder::make_head(std::string& hidden, const std::string& skip) {
  layer_ = config_.layers;
  const WeightId norm{WeightRole::kFinalNorm, -1, 1, config_.hidden_size};
  const std::string input = make_norm("final_norm", norm, hidden, skip, true);
  WeightId head = embedding_id();
  if (!config_.tie_word_embeddings) head.role = WeightRole::kLmHead;
  make_matmul("/lm_head/MatMul", input, {head}, "logits");
}

void DecoderGraphBuilder::make_inputs_and_outputs() {
  const Dim total = std::string("total_sequence_length");
  const Shape ids{kBatch, kSequence};
  const Shape mask{kBatch, total};
  declare(*graph_.add_input(), "input_ids", TensorProto::INT64, &ids);
  declare(*graph_.add_input(), "attention_mask", TensorProto::INT64, &mask);
  if (config_.switches.position_ids) {
    declare(*graph_.add_input(), "position_ids", TensorProto::INT64, &ids);
  }
  const Shape logits{kBatch, kSequence, config_.vocab_size};
  declare(*graph_.add_output(), "logits", io_type_, &logits);
  const Shape past{kBatch, config_.kv_heads, std::string("past_sequence_length"), config_.head_dim};
  const Shape present{kBatch, config_.kv_heads, total, config_.head_dim};
  for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
    for (const char* part : {".key", ".value"}) {
      const std::string suffix = std::to_string(layer) + part;
      declare(*graph_.add_input(), "past_key_values." + suffix, io_type_, &past);
      declare(*graph_.add_output(), "present." + suffix, io_type_, &present);
    }
  }
}

}  // namespace hearth::onnx

// The released decoder graph, node by node. Internal to the builder.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <vector>

#include "onnx/decoder_config.h"
#include "onnx/graph_maker.h"
#include "onnx/tensor_job.h"
#include "onnx/weight_source.h"

namespace hearth::onnx {

/// Builds one graph. The methods run in the order in which the released builder makes its nodes.
class DecoderGraphBuilder {
 public:
  DecoderGraphBuilder(const DecoderConfig& config, Precision precision, ::onnx::GraphProto& graph)
      : config_(config),
        precision_(precision),
        half_(config.switches.fp16_io || precision == Precision::kFp16),
        io_type_(half_ ? ::onnx::TensorProto::FLOAT16 : ::onnx::TensorProto::FLOAT),
        graph_(graph),
        maker_(graph) {}

  void build();

  /// Places every tensor; afterwards the graph is complete. Call once, after build().
  std::vector<TensorJob> finish(std::uint64_t& data_bytes);

 private:
  bool quantised() const {
    return precision_ == Precision::kInt4 || precision_ == Precision::kInt8;
  }

  bool packed_qkv() const { return !config_.switches.position_ids && !config_.switches.qk_norm; }

  bool shared_embedding() const {
    return config_.switches.quantised_embedding && config_.tie_word_embeddings;
  }

  QuantFormat format() const {
    return {precision_ == Precision::kInt8 ? 8 : 4, config_.switches.block_size,
            config_.switches.asymmetric, half_ ? ScaleType::kFloat16 : ScaleType::kFloat32};
  }

  // Tensors and matrix products (decoder_nodes.cc).

  /// A job that copies one weight as it is.
  TensorJob rows_job(const std::string& name, const std::vector<WeightId>& parts) const;

  /// A norm weight or bias: the parts one after another.
  void make_vector(const std::string& name, const std::vector<WeightId>& parts);

  /// A matrix in the format of MatMulNBits; `by_rows` keeps scales and zero points two-dimensional.
  void make_quantised(const std::string& weight, const std::vector<WeightId>& parts, bool by_rows,
                      bool flat_packed);

  std::string quantised_suffix() const { return precision_ == Precision::kInt8 ? "_Q8" : "_Q4"; }

  /// y = x W^T. Returns y's name; `output` overrides it.
  std::string make_matmul(const std::string& path, const std::string& input,
                          const std::vector<WeightId>& parts, std::string output = {});

  /// input + bias; returns the sum's name.
  std::string make_bias(const std::string& path, const std::string& input,
                        const std::vector<WeightId>& parts);

  // Positions and lengths (decoder_position_nodes.cc).

  /// Constant tables in both branches of an If on the total length.
  void make_rotary_switch();

  void declare_rotary_caches();

  void add_branch(::onnx::NodeProto& node, const std::string& branch, const std::string& size,
                  RotaryTable table);

  void fill_inline_table(::onnx::TensorProto& tensor, RotaryTable table, bool sine) const;

  /// One cos and one sin table as external tensors.
  void make_external_caches(RotaryTable table);

  /// Positions for RotaryEmbedding: shifted into the long part of the joined table once the last
  /// one passes the short part, or only reshaped where there is one table.
  void make_position_ids();

  ::onnx::NodeProto& last_node() { return *graph_.mutable_node(graph_.node_size() - 1); }

  /// Element 1 of a shape.
  std::string make_gather(const std::string& path, const std::string& shape);

  std::string make_cast(const std::string& path, const std::string& input, std::int32_t type);

  /// seqlens_k [batch, 1] and total_sequence_length from the attention mask.
  void make_mask_reformatting();

  // Before and after the layers (decoder_nodes.cc).

  WeightId embedding_id() const {
    return {WeightRole::kEmbedding, -1, config_.vocab_size, config_.hidden_size};
  }

  std::string make_embedding();

  void make_head(std::string& hidden, const std::string& skip);

  void make_inputs_and_outputs();

  // One layer (decoder_layer_nodes.cc).

  WeightId layer_weight(WeightRole role, std::int64_t rows, std::int64_t columns) const {
    return {role, layer_, rows, columns};
  }

  /// RMS norm of hidden + skip (of hidden alone where skip is empty). `hidden` becomes the sum,
  /// unless this is the last norm. Returns the normalised value.
  std::string make_norm(const std::string& location, const WeightId& weight_id, std::string& hidden,
                        const std::string& skip, bool is_last);

  /// `hidden` is the residual, `skip` what the last matrix product adds to it; both move on.
  void make_layer(std::int64_t layer, std::string& hidden, std::string& skip);

  /// What goes into the attention operator; key and value are empty when packed into the query.
  struct Projections {
    std::string query;
    std::string key;
    std::string value;
  };

  Projections make_projections(const std::string& path, const std::string& input);

  /// A norm over each head of a projection.
  std::string make_head_norm(const std::string& path, const std::string& input, WeightRole role,
                             std::int64_t heads);

  std::string make_rotary(const std::string& path, const std::string& input, std::int64_t heads);

  std::string make_attention(const std::string& input);

  std::string make_mlp(const std::string& input);

  const DecoderConfig& config_;
  Precision precision_;
  bool half_;
  std::int32_t io_type_;
  ::onnx::GraphProto& graph_;
  GraphMaker maker_;
  std::int64_t layer_ = 0;
  std::string past_lengths_;  ///< seqlens_k
  std::string total_length_;
  std::string position_ids_;  ///< as RotaryEmbedding takes them
};

}  // namespace hearth::onnx

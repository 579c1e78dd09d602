// The members of what is kept of a graph, for archive.h. Structured bindings name all of them: a
// member that is added does not compile until it is named here too.
#pragma once

#include "onnx/decoder_graph.h"
#include "onnx/passes/ragged_graph.h"

namespace hearth::runtime {

template <class Archive>
void fields(Archive& archive, onnx::DecoderIoNames& names) {
  auto& [ids, mask, positions, past_key, past_value, logits, present_key, present_value] = names;
  archive(ids, mask, positions, past_key, past_value, logits, present_key, present_value);
}

template <class Archive>
void fields(Archive& archive, onnx::LongRope& rope) {
  auto& [threshold] = rope;
  archive(threshold);
}

template <class Archive>
void fields(Archive& archive, onnx::DecoderGraphInfo& info) {
  auto& [layers, kv_heads, head_dim, query_heads, vocab_size, hidden_size, logits_type, cache_type,
         has_mask, has_positions, grouped, long_rope, rotary_positions, precisions, bytes_read,
         weight_bytes] = info;
  archive(layers, kv_heads, head_dim, query_heads, vocab_size, hidden_size, logits_type, cache_type,
          has_mask, has_positions, grouped, long_rope, rotary_positions, precisions, bytes_read,
          weight_bytes);
}

template <class Archive>
void fields(Archive& archive, onnx::QuantisedTensors& linear) {
  auto& [weights, scales, zero_points, bias, n, k, bits, block_size, node] = linear;
  archive(weights, scales, zero_points, bias, n, k, bits, block_size, node);
}

template <class Archive>
void fields(Archive& archive, onnx::TableRows& table) {
  auto& [tensor, first_row, rows] = table;
  archive(tensor, first_row, rows);
}

template <class Archive>
void fields(Archive& archive, onnx::RotaryTables& tables) {
  auto& [cos, sin, long_cos, long_sin, key] = tables;
  archive(cos, sin, long_cos, long_sin, key);
}

template <class Archive>
void fields(Archive& archive, onnx::AttentionLayer& layer) {
  auto& [query_heads, kv_heads, head_dim, scale, softcap, window, interleaved, rotary_dim, tables,
         sinks, q_norm, k_norm, norm_epsilon, node] = layer;
  archive(query_heads, kv_heads, head_dim, scale, softcap, window, interleaved, rotary_dim, tables,
          sinks, q_norm, k_norm, norm_epsilon, node);
}

template <class Archive>
void fields(Archive& archive, onnx::RaggedNames& names) {
  auto& [ids, segments, blocks, exact_rows, logit_rows, logits] = names;
  archive(ids, segments, blocks, exact_rows, logit_rows, logits);
}

template <class Archive>
void fields(Archive& archive, onnx::RaggedGraph& graph) {
  auto& [model, names, linears, layers, tables, vocab_size, long_rope, rotary_positions, products] =
      graph;
  archive(model, names, linears, layers, tables, vocab_size, long_rope, rotary_positions, products);
}

template <class Archive>
void fields(Archive& archive, onnx::PassSwitches& switches) {
  auto& [quant, join, silu, norm, attention, reshape, rows, products] = switches;
  archive(quant, join, silu, norm, attention, reshape, rows, products);
}

}  // namespace hearth::runtime

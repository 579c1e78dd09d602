// Reads and writes an ONNX model file: the protobuf alone, without the external data it refers to.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/result.h"

namespace hearth::onnx {

/// Protobuf cannot hold more in one message; larger models keep their weights as external data.
inline constexpr std::uint64_t kModelFileBytesMax = (std::uint64_t{1} << 31) - 1;

/// Graphs inside nodes inside graphs (If, Loop, Scan). Released decoders need one level.
inline constexpr int kSubgraphDepthMax = 8;

/// Reads a model file. Fails with kNotFound, kIo, or kCorrupt naming the file, its bytes and, where
/// the damage shows in the outer structure, the offset of the field that is cut off.
Result<::onnx::ModelProto> read_model(const std::filesystem::path& path);

/// The same on memory; `source` names the bytes in errors. Accepts only a model that has a graph
/// with nodes, imports an operator set for every domain its nodes use, and nests no deeper than
/// kSubgraphDepthMax. Whether the graph is sound is GraphView's question, whether its tensors have
/// their bytes check_external_data's.
Result<::onnx::ModelProto> parse_model(std::span<const std::byte> bytes, std::string_view source);

/// Replaces `path` atomically. The same model always gives the same bytes.
Result<void> write_model(const std::filesystem::path& path, const ::onnx::ModelProto& model);

}  // namespace hearth::onnx

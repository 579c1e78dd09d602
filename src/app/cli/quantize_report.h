// What hearth quantize tells when it is done.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "onnx/quantise_write.h"

namespace hearth::app {

/// A folder's sizes.
struct FolderCost {
  std::uint64_t size_bytes = 0;            ///< all files
  std::uint64_t bytes_read_per_token = 0;  ///< weights that generating one token reads
};

struct QuantizeResult {
  std::filesystem::path source;
  std::filesystem::path out;
  std::vector<onnx::LinearReport> linears;
  FolderCost before;
  FolderCost after;
  /// Of the new model against the source, as `hearth eval` tells it; null where not measured.
  OrderedJson quality;
  std::string quality_command;  ///< what measures it later
};

/// {source, out, before, after, quality, layers: [{name, bits, rows, columns, weight_error,
/// output_error}], compare}.
OrderedJson quantize_json(const QuantizeResult& result);

/// The same as a table.
std::string quantize_text(const QuantizeResult& result);

}  // namespace hearth::app

// How the bytes of one external tensor come about. Internal to the builder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "onnx/quantise.h"
#include "onnx/rotary_tables.h"
#include "onnx/weight_source.h"

namespace hearth::onnx {

/// Where a named tensor lies in the data file.
struct TensorPlace {
  std::string name;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

/// One matrix or vector of the source, and the tensor or tensors it becomes.
struct TensorJob {
  enum class Kind {
    kRows,         ///< [rows, columns] as it comes
    kTransposed,   ///< [columns, rows], as MatMul wants its weight
    kQuantised,    ///< packed, scales and perhaps zero points, as MatMulNBits wants them
    kRotaryTable,  ///< computed, no source
  };

  Kind kind = Kind::kRows;
  std::vector<WeightId> parts;  ///< stacked by rows; all have `columns` columns
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  bool half = false;   ///< float16 elements (scales, for kQuantised)
  QuantFormat format;  ///< of kQuantised
  RotaryTable table = RotaryTable::kPlain;
  bool sine = false;

  TensorPlace data;
  TensorPlace scales;       ///< of kQuantised
  TensorPlace zero_points;  ///< of kQuantised when asymmetric
};

}  // namespace hearth::onnx

// Walking the packed layout (abi.h): where the parts of a unit are. Included by the kernels of
// every instruction set, hence without the standard library and with internal linkage only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/abi.h"

namespace hearth::kernels {
namespace {

/// One unit of a tile column.
struct Unit {
  const std::uint8_t* scales;   ///< [4 blocks][16] float16 or float32
  const std::int8_t* zeros;     ///< [4 blocks][16], only with zero points
  const std::uint8_t* weights;  ///< [groups][group_bytes]
  std::int32_t group_begin;     ///< of the whole linear
  std::int32_t groups;          ///< in this unit
  std::int64_t bytes;           ///< of this unit
};

struct UnitShape {
  std::int32_t unit_groups;  ///< groups of a full unit
  std::int32_t groups;       ///< of a tile column
  std::int32_t scale_bytes;  ///< of the 16 scales of a block
  std::int32_t head_bytes;   ///< scales and zero points
  std::int32_t group_bytes;
  std::int32_t block_shift;  ///< group >> block_shift is its block in the unit; blocks of 32 and up
};

inline UnitShape shape_of(const PackedLinear& linear) {
  UnitShape shape{};
  shape.unit_groups = linear.block_size * kUnitBlocks / kGroup;
  shape.groups = (linear.k + kGroup - 1) / kGroup;
  shape.scale_bytes = kTileColumns * (linear.wide_scales != 0 ? 4 : 2);
  shape.head_bytes =
      kUnitBlocks * (shape.scale_bytes + (linear.zero_points != 0 ? kTileColumns : 0));
  shape.group_bytes = linear.bits * kTileColumns * kGroup / 8;
  while ((kGroup << shape.block_shift) < linear.block_size) ++shape.block_shift;
  return shape;
}

inline std::int32_t units_of(const UnitShape& shape) {
  return (shape.groups + shape.unit_groups - 1) / shape.unit_groups;
}

inline Unit unit_at(const PackedLinear& linear, const UnitShape& shape, std::int32_t tile,
                    std::int32_t index) {
  const std::uint8_t* data = linear.data + tile * linear.tile_bytes + index * linear.unit_bytes;
  Unit unit{};
  unit.scales = data;
  unit.zeros = reinterpret_cast<const std::int8_t*>(data + kUnitBlocks * shape.scale_bytes);
  unit.weights = data + shape.head_bytes;
  unit.group_begin = index * shape.unit_groups;
  const std::int32_t left = shape.groups - unit.group_begin;
  unit.groups = left < shape.unit_groups ? left : shape.unit_groups;
  unit.bytes = shape.head_bytes + static_cast<std::int64_t>(unit.groups) * shape.group_bytes;
  return unit;
}

}  // namespace
}  // namespace hearth::kernels

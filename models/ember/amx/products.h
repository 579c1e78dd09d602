// Products of activations with weights, and of activations with activations for the gradients of
// weights.
#pragma once

#include <algorithm>

#include "operands.h"

namespace ember {

// One 32 x 32 block of a product over `steps` * 32: rows of `a`, which the L1 holds, and a panel of
// packed weights, which passes it by.
inline void multiply_panel(const bf16* a, long a_stride, const bf16* panel, int steps, float* c) {
  const long a_bytes = a_stride * 2;
  zero_block();
  for (int step = 0; step < steps; ++step) {
    _tile_stream_loadd(6, panel + (step * 2L) * kTileElements, 64);
    _tile_loadd(4, a + step * kBlock, a_bytes);
    _tile_stream_loadd(7, panel + (step * 2L + 1) * kTileElements, 64);
    _tile_loadd(5, a + kTile * a_stride + step * kBlock, a_bytes);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  store_block(c, kBlock);
}

// `rows` rows of `a` times packed weights; `use` gets each 32 x 32 block: (row, column, block).
template <class Use>
void product(const bf16* a, long a_stride, int rows, const bf16* packed, int inner, int columns,
             Use use) {
  alignas(64) float c[kBlock * kBlock];
  const int steps = inner / kBlock;
  for (int row = 0; row < rows; row += kBlock) {
    for (int column = 0; column < columns; column += kBlock) {
      const bf16* panel = packed + static_cast<long>(column / kBlock) * steps * 2 * kTileElements;
      multiply_panel(a + row * a_stride, a_stride, panel, steps, c);
      use(row, column, c);
    }
  }
}

// What `product` may do with a block: keep it as bfloat16, keep it, or add it to what is there.
inline auto as_bf16(bf16* out, long stride) {
  return [=](int row, int column, const float* c) {
    for (int i = 0; i < kBlock; ++i) {
      _mm512_storeu_si512(out + (row + i) * stride + column, two_to_bf16(c + i * kBlock));
    }
  };
}

inline auto as_float(float* out, long stride) {
  return [=](int row, int column, const float* c) {
    for (int i = 0; i < kBlock; ++i) {
      float* to = out + (row + i) * stride + column;
      _mm512_storeu_ps(to, _mm512_load_ps(c + i * kBlock));
      _mm512_storeu_ps(to + kTile, _mm512_load_ps(c + i * kBlock + kTile));
    }
  };
}

inline auto added_to(float* out, long stride) {
  return [=](int row, int column, const float* c) {
    for (int i = 0; i < kBlock; ++i) {
      for (int half = 0; half < kBlock; half += kTile) {
        float* to = out + (row + i) * stride + column + half;
        _mm512_storeu_ps(to,
                         _mm512_add_ps(_mm512_loadu_ps(to), _mm512_load_ps(c + i * kBlock + half)));
      }
    }
  };
}

// The gradient of a matrix, summed over tokens: [left features][right features], held as blocks
// [right / 32][left / 32] of four tiles. The features that were cheaper to transpose are the left
// ones, so some are of the transposed matrix.
class WeightGradient {
 public:
  WeightGradient() = default;
  WeightGradient(int left, int right)
      : left_(left), right_(right), sums_(static_cast<std::size_t>(left) * right) {}

  // Adds left' right over `blocks` * 32 tokens.
  void add(const bf16* left, const bf16* right, int blocks) {
    constexpr int kChunk = 16;  // 32 columns of 512 tokens stay in the L1
    for (int column = 0; column < right_; column += kBlock) {
      const bf16* b = right + activation_tile(column, 0, blocks);
      float* c = sums_.data() + static_cast<long>(column) * left_;
      for (int at = 0; at < blocks; at += kChunk) {
        const int steps = std::min(kChunk, blocks - at);
        for (int row = 0; row < left_; row += kBlock) {
          add_block(left + activation_tile(row, at * kBlock, blocks), b + at * kTileElements, steps,
                    blocks, c + row * kBlock);
        }
      }
    }
  }

  // Adds the sums to `to` [left][right] and clears them.
  void give(float* to) {
    for_each_tile([&](int row, int column, float* tile) {
      for (int i = 0; i < kTile; ++i) {
        float* out = to + static_cast<long>(row + i) * right_ + column;
        _mm512_storeu_ps(out,
                         _mm512_add_ps(_mm512_loadu_ps(out), _mm512_load_ps(tile + i * kTile)));
      }
    });
  }

  // The same to the transposed matrix [right][left].
  void give_transposed(float* to) {
    alignas(64) float turned[kTile * kTile];
    for_each_tile([&](int row, int column, float* tile) {
      transpose16(tile, 64, turned, 64);
      for (int i = 0; i < kTile; ++i) {
        float* out = to + static_cast<long>(column + i) * left_ + row;
        _mm512_storeu_ps(out,
                         _mm512_add_ps(_mm512_loadu_ps(out), _mm512_load_ps(turned + i * kTile)));
      }
    });
  }

 private:
  static void add_block(const bf16* a, const bf16* b, int steps, int blocks, float* c) {
    const long next = static_cast<long>(blocks) * kTileElements;
    _tile_loadd(0, c, 64);
    _tile_loadd(1, c + 256, 64);
    _tile_loadd(2, c + 512, 64);
    _tile_loadd(3, c + 768, 64);
    for (int step = 0; step < steps; ++step) {
      const long at = step * static_cast<long>(kTileElements);
      _tile_loadd(6, b + at, 64);
      _tile_loadd(4, a + at, 64);
      _tile_loadd(7, b + next + at, 64);
      _tile_loadd(5, a + next + at, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, 64);
    _tile_stored(1, c + 256, 64);
    _tile_stored(2, c + 512, 64);
    _tile_stored(3, c + 768, 64);
  }

  template <class Use>
  void for_each_tile(Use use) {
    for (int column = 0; column < right_; column += kTile) {
      for (int row = 0; row < left_; row += kTile) {
        use(row, column,
            sums_.data() + static_cast<long>(column / kBlock) * kBlock * left_ +
                row / kBlock * kBlock * kBlock +
                (row / kTile % 2 * 2 + column / kTile % 2) * kTile * kTile);
      }
    }
    sums_.zero();
  }

  int left_ = 0, right_ = 0;
  Buffer<float> sums_;
};

}  // namespace ember

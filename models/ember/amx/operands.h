// The layouts in which products take their operands, all of them tiles of 1 KiB.
//
// A right operand holds pairs of its inner dimension in one 32-bit word. Of weights it is packed
// once a step, [columns / 32][inner / 32][2] tiles. Of activations, whose inner dimension are then
// the tokens, it is [features / 16][tokens / 32] tiles; so is the left operand beside it, each tile
// 16 features by 32 tokens.
#pragma once

#include "buffer.h"
#include "tiles.h"

namespace ember {

constexpr int kTileElements = 512;  // bfloat16

inline __m512i two_to_bf16(const float* x) {
  return reinterpret_cast<__m512i>(
      _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + kTile), _mm512_loadu_ps(x)));
}

// Weights [outputs][inputs] for y = x W': the inner dimension are the inputs. Column tile t holds
// the outputs from row_of(t) on.
template <class RowOf>
void pack_forward(const float* w, int outputs, int inputs, RowOf row_of, bf16* packed) {
  alignas(64) bf16 rows[kTileElements];
  for (int tile = 0; tile < outputs / kTile; ++tile) {
    for (int at = 0; at < inputs; at += kBlock) {
      for (int row = 0; row < kTile; ++row) {
        const float* from = w + static_cast<long>(row_of(tile) + row) * inputs + at;
        _mm512_store_si512(rows + row * kBlock, two_to_bf16(from));
      }
      const long step = static_cast<long>(tile / 2) * (inputs / kBlock) + at / kBlock;
      transpose16(rows, 64, packed + (step * 2 + tile % 2) * kTileElements, 64);
    }
  }
}

// Weights [outputs][inputs] for dx = dy W: the inner dimension are the outputs.
inline void pack_backward(const float* w, int outputs, int inputs, bf16* packed) {
  for (int column = 0; column < inputs; column += kTile) {
    for (int at = 0; at < outputs; at += kBlock) {
      const long step = static_cast<long>(column / kBlock) * (outputs / kBlock) + at / kBlock;
      bf16* tile = packed + (step * 2 + column / kTile % 2) * kTileElements;
      for (int row = 0; row < kBlock; row += 2) {
        const float* from = w + static_cast<long>(at + row) * inputs + column;
        _mm512_store_si512(tile + row * kTile, paired(to_bf16(_mm512_loadu_ps(from)),
                                                      to_bf16(_mm512_loadu_ps(from + inputs))));
      }
    }
  }
}

// Where a tile of activations of `blocks` * 32 tokens lies.
inline long activation_tile(int feature, int token, int blocks) {
  return (static_cast<long>(feature / kTile) * blocks + token / kBlock) * kTileElements;
}

// Two rows of tokens, 32 features each, as pairs of tokens in the two tiles that begin at `out`.
inline void store_pairs(__m512i even, __m512i odd, int row, int blocks, bf16* out) {
  alignas(64) static constexpr std::uint16_t kLow[32] = {0,  32, 1,  33, 2,  34, 3,  35, 4,  36, 5,
                                                         37, 6,  38, 7,  39, 8,  40, 9,  41, 10, 42,
                                                         11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  const __m512i low = _mm512_load_si512(kLow);
  const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  bf16* at = out + row / 2 * kBlock;
  _mm512_store_si512(at, _mm512_permutex2var_epi16(even, low, odd));
  _mm512_store_si512(at + static_cast<long>(blocks) * kTileElements,
                     _mm512_permutex2var_epi16(even, high, odd));
}

// Rows of tokens as right operand; `features` and `tokens` are multiples of 32. `out` is where the
// first token's tiles lie.
inline void pair_tokens(const bf16* in, long stride, int features, int tokens, int blocks,
                        bf16* out) {
  for (int token = 0; token < tokens; token += kBlock) {
    for (int feature = 0; feature < features; feature += kBlock) {
      bf16* tile = out + activation_tile(feature, token, blocks);
      for (int row = 0; row < kBlock; row += 2) {
        const bf16* from = in + (token + row) * stride + feature;
        store_pairs(_mm512_loadu_si512(from), _mm512_loadu_si512(from + stride), row, blocks, tile);
      }
    }
  }
}

// Rows of tokens as left operand, features first.
inline void transpose_tokens(const bf16* in, long stride, int features, int tokens, int blocks,
                             bf16* out) {
  alignas(64) static constexpr std::uint16_t kEven[32] = {
      0,  2,  4,  6,  8,  10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30,
      32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62};
  const __m512i even = _mm512_load_si512(kEven);
  const __m512i odd = _mm512_add_epi16(even, _mm512_set1_epi16(1));
  alignas(64) std::uint32_t words[2][kTile * kTile];
  for (int token = 0; token < tokens; token += kBlock) {
    for (int feature = 0; feature < features; feature += kBlock) {
      for (int half = 0; half < 2; ++half) {
        transpose16(in + (token + half * kTile) * stride + feature, stride * 2, words[half], 64);
      }
      for (int pair = 0; pair < kTile; ++pair) {
        const __m512i first = _mm512_load_si512(words[0] + pair * kTile);
        const __m512i second = _mm512_load_si512(words[1] + pair * kTile);
        bf16* to = out + activation_tile(feature + pair * 2, token, blocks) + pair % 8 * 2 * kBlock;
        _mm512_store_si512(to, _mm512_permutex2var_epi16(first, even, second));
        _mm512_store_si512(to + kBlock, _mm512_permutex2var_epi16(first, odd, second));
      }
    }
  }
}

}  // namespace ember

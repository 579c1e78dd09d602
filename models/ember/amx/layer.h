// One layer over one row of tokens, forward and backward.
//
// A row is worked on by one thread. Products are fed in strips of 256 tokens, so that what is
// handed from one to the next stays in the L2; the gradients of weights are summed over the whole
// row at once, because reading and writing those sums costs more than the products otherwise.
#pragma once

#include <algorithm>
#include <vector>

#include "attention_backward.h"
#include "attention_forward.h"
#include "model.h"
#include "products.h"
#include "rows.h"

namespace ember {

constexpr int kStrip = 256;

// A layer's weights in bfloat16, in both directions. Column tiles of gate and up alternate, so that
// one block of a product holds both of 16 features.
struct PackedLayer {
  Buffer<bf16> qkv, out, gate_up, down, qkv_back, out_back, gate_up_back, down_back;

  explicit PackedLayer(const Config& c)
      : qkv(c.qkv() * c.hidden),
        out(c.mixed() * c.hidden),
        gate_up(2 * c.intermediate * c.hidden),
        down(c.intermediate * c.hidden),
        qkv_back(c.qkv() * c.hidden),
        out_back(c.mixed() * c.hidden),
        gate_up_back(2 * c.intermediate * c.hidden),
        down_back(c.intermediate * c.hidden) {}

  void pack(const Config& c, const Layer& w) {
    const auto plain = [](int tile) { return tile * kTile; };
    const auto alternating = [&](int tile) { return tile / 2 * kTile + tile % 2 * c.intermediate; };
    pack_forward(w.qkv, c.qkv(), c.hidden, plain, qkv.data());
    pack_forward(w.out, c.hidden, c.mixed(), plain, out.data());
    pack_forward(w.gate_up, 2 * c.intermediate, c.hidden, alternating, gate_up.data());
    pack_forward(w.down, c.hidden, c.intermediate, plain, down.data());
    pack_backward(w.qkv, c.qkv(), c.hidden, qkv_back.data());
    pack_backward(w.out, c.hidden, c.mixed(), out_back.data());
    pack_backward(w.gate_up, 2 * c.intermediate, c.hidden, gate_up_back.data());
    pack_backward(w.down, c.hidden, c.intermediate, down_back.data());
  }
};

// What the way back needs of a layer.
struct LayerRecord {
  Buffer<bf16> x, middle, qkv, mixed;  // the layer's input, what the MLP adds to, attention
  Buffer<float> lse, x_rstd, middle_rstd;

  LayerRecord(const Config& c, int length)
      : x(length * c.hidden),
        middle(length * c.hidden),
        qkv(length * c.qkv()),
        mixed(length * c.mixed()),
        lse(length * c.heads),
        x_rstd(length),
        middle_rstd(length) {}
};

// The gradients of a layer's weights, of all rows that one thread did.
struct LayerGradients {
  WeightGradient qkv, out, gate_up, down;  // those of qkv and gate_up are transposed
  Buffer<float> input_norm, post_norm;

  explicit LayerGradients(const Config& c)
      : qkv(c.hidden, c.qkv()),
        out(c.hidden, c.mixed()),
        gate_up(c.hidden, 2 * c.intermediate),
        down(c.hidden, c.intermediate),
        input_norm(c.hidden),
        post_norm(c.hidden) {}

  void give(const Layer& to, int hidden) {
    qkv.give_transposed(to.qkv);
    out.give(to.out);
    gate_up.give_transposed(to.gate_up);
    down.give(to.down);
    for (int i = 0; i < hidden; ++i) {
      to.input_norm[i] += input_norm[i];
      to.post_norm[i] += post_norm[i];
    }
    input_norm.zero();
    post_norm.zero();
  }
};

// A row's tokens as the layers see them.
struct RowView {
  int length;
  Sight sight;
  const SeenBlocks* seen;
  const long* places;
  const float *cos, *sin;
};

// The memory in which one thread works on its rows.
struct Workspace {
  Buffer<bf16> normed, wide, gate_up, grad, grad_mixed, grad_qkv;
  Buffer<bf16> normed_columns, grad_columns, wide_pairs, gate_up_pairs;
  Buffer<float> grad_normed;
  ForwardSpace attention;
  BackwardSpace attention_backward;

  Workspace(const Config& c, int length)
      : normed(kStrip * c.hidden),
        wide(kStrip * c.intermediate),
        gate_up(kStrip * 2 * c.intermediate),
        grad(kStrip * c.hidden),
        grad_mixed(length * c.mixed()),
        grad_qkv(length * c.qkv()),
        normed_columns(length * c.hidden),
        grad_columns(length * c.hidden),
        wide_pairs(length * std::max(c.intermediate, c.mixed())),
        gate_up_pairs(length * std::max(2 * c.intermediate, c.qkv())),
        grad_normed(kStrip * c.hidden),
        attention(length),
        attention_backward(length) {}
};

inline void to_bf16_rows(const float* in, int count, bf16* out) {
  for (int i = 0; i < count; i += kBlock) _mm512_storeu_si512(out + i, two_to_bf16(in + i));
}

// 1 / (1 + e^-x), to the precision of bfloat16.
inline __m512 sigmoid(__m512 x) {
  const __m512 z = _mm512_min_ps(_mm512_mul_ps(x, _mm512_set1_ps(-kLog2E)), _mm512_set1_ps(126.f));
  return _mm512_rcp14_ps(_mm512_add_ps(_mm512_set1_ps(1.f), exp2_vector(z)));
}

// A layer with its weights at work on one row.
class LayerStep {
 public:
  LayerStep(const Config& c, const Layer& weights, const PackedLayer& packed, Workspace& space)
      : c_(c), w_(weights), p_(packed), s_(space) {}

  // Adds to x [length][hidden].
  void forward(const RowView& row, float* x, LayerRecord& kept) {
    for (int at = 0; at < row.length; at += kStrip) {
      const int tokens = std::min(kStrip, row.length - at);
      norm(x, at, tokens, w_.input_norm, kept.x, kept.x_rstd);
      product(s_.normed.data(), c_.hidden, tokens, p_.qkv.data(), c_.hidden, c_.qkv(),
              as_bf16(kept.qkv.data() + at * c_.qkv(), c_.qkv()));
      rotate(row, at, tokens, kept.qkv.data(), 1.f);
    }
    attention(row, kept);
    for (int at = 0; at < row.length; at += kStrip) {
      const int tokens = std::min(kStrip, row.length - at);
      float* strip = x + at * c_.hidden;
      product(kept.mixed.data() + at * c_.mixed(), c_.mixed(), tokens, p_.out.data(), c_.mixed(),
              c_.hidden, added_to(strip, c_.hidden));
      norm(x, at, tokens, w_.post_norm, kept.middle, kept.middle_rstd);
      product(s_.normed.data(), c_.hidden, tokens, p_.gate_up.data(), c_.hidden,
              2 * c_.intermediate, [&](int r, int column, const float* c) { gated(r, column, c); });
      product(s_.wide.data(), c_.intermediate, tokens, p_.down.data(), c_.intermediate, c_.hidden,
              added_to(strip, c_.hidden));
    }
  }

  // Turns the gradient of the layer's result, grad [length][hidden], into that of its input.
  void backward(const RowView& row, const LayerRecord& kept, float* grad, LayerGradients& to) {
    const int blocks = row.length / kBlock;
    for (int at = 0; at < row.length; at += kStrip) {
      const int tokens = std::min(kStrip, row.length - at);
      mlp_backward(at, tokens, blocks, kept, grad + at * c_.hidden, to);
    }
    to.gate_up.add(s_.normed_columns.data(), s_.gate_up_pairs.data(), blocks);
    to.down.add(s_.grad_columns.data(), s_.wide_pairs.data(), blocks);
    for (int at = 0; at < row.length; at += kStrip) {
      const int tokens = std::min(kStrip, row.length - at);
      take_gradient(grad + at * c_.hidden, at, tokens, blocks);
      product(s_.grad.data(), c_.hidden, tokens, p_.out_back.data(), c_.hidden, c_.mixed(),
              as_bf16(s_.grad_mixed.data() + at * c_.mixed(), c_.mixed()));
    }
    attention_backward(row, kept);
    pair_tokens(kept.mixed.data(), c_.mixed(), c_.mixed(), row.length, blocks,
                s_.wide_pairs.data());
    to.out.add(s_.grad_columns.data(), s_.wide_pairs.data(), blocks);
    for (int at = 0; at < row.length; at += kStrip) {
      const int tokens = std::min(kStrip, row.length - at);
      rotate(row, at, tokens, s_.grad_qkv.data(), -1.f);
      const bf16* grad_qkv = s_.grad_qkv.data() + at * c_.qkv();
      pair_tokens(grad_qkv, c_.qkv(), c_.qkv(), tokens, blocks,
                  s_.gate_up_pairs.data() + activation_tile(0, at, blocks));
      product(grad_qkv, c_.qkv(), tokens, p_.qkv_back.data(), c_.qkv(), c_.hidden,
              as_float(s_.grad_normed.data(), c_.hidden));
      norm_again(at, tokens, blocks, w_.input_norm, kept.x, kept.x_rstd);
      norm_backward(at, tokens, w_.input_norm, kept.x, kept.x_rstd, grad + at * c_.hidden,
                    to.input_norm.data());
    }
    to.qkv.add(s_.normed_columns.data(), s_.gate_up_pairs.data(), blocks);
  }

 private:
  // `tokens` tokens from `at` on, into s_.normed.
  void norm(const float* x, int at, int tokens, const float* weight, Buffer<bf16>& kept,
            Buffer<float>& rstd) {
    for (int t = 0; t < tokens; ++t) {
      const long row = static_cast<long>(at + t) * c_.hidden;
      norm_row(x + row, weight, c_.hidden, c_.epsilon, s_.normed.data() + t * c_.hidden,
               kept.data() + row, rstd.data() + at + t);
    }
  }

  // The same from what was kept, and as left operand of a gradient.
  void norm_again(int at, int tokens, int blocks, const float* weight, const Buffer<bf16>& kept,
                  const Buffer<float>& rstd) {
    for (int t = 0; t < tokens; ++t) {
      norm_row_again(kept.data() + static_cast<long>(at + t) * c_.hidden, rstd[at + t], weight,
                     c_.hidden, s_.normed.data() + t * c_.hidden);
    }
    transpose_tokens(s_.normed.data(), c_.hidden, c_.hidden, tokens, blocks,
                     s_.normed_columns.data() + activation_tile(0, at, blocks));
  }

  void norm_backward(int at, int tokens, const float* weight, const Buffer<bf16>& kept,
                     const Buffer<float>& rstd, float* grad, float* grad_weight) {
    for (int t = 0; t < tokens; ++t) {
      norm_row_backward(s_.grad_normed.data() + t * c_.hidden,
                        kept.data() + static_cast<long>(at + t) * c_.hidden, rstd[at + t], weight,
                        c_.hidden, grad + t * c_.hidden, grad_weight);
    }
  }

  void rotate(const RowView& row, int at, int tokens, bf16* qkv, float sign) {
    const int half = c_.rotary / 2;
    for (int t = at; t < at + tokens; ++t) {
      rotate_row(qkv + static_cast<long>(t) * c_.qkv(), c_.heads + c_.kv_heads,
                 row.cos + row.places[t] * half, row.sin + row.places[t] * half, half, sign);
    }
  }

  Shape shape(const RowView& row) const { return {row.length, c_.heads, c_.kv_heads, c_.qkv()}; }

  void attention(const RowView& row, LayerRecord& kept) {
    const Shape shape = this->shape(row);
    for (int group = 0; group < c_.kv_heads; ++group) {
      const int head = group * shape.group_heads();
      const bf16* keys = kept.qkv.data() + (c_.heads + group) * kHead;
      attend(shape, row.sight, *row.seen, kept.qkv.data() + head * kHead, keys,
             keys + c_.kv_heads * kHead, s_.attention, kept.mixed.data() + head * kHead,
             kept.lse.data() + static_cast<long>(head) * row.length);
    }
  }

  void attention_backward(const RowView& row, const LayerRecord& kept) {
    const Shape shape = this->shape(row);
    for (int group = 0; group < c_.kv_heads; ++group) {
      const int head = group * shape.group_heads();
      const int key = (c_.heads + group) * kHead, value = key + c_.kv_heads * kHead;
      const bf16* qkv = kept.qkv.data();
      bf16* to = s_.grad_qkv.data();
      attend_backward(shape, row.sight, *row.seen, qkv + head * kHead, qkv + key, qkv + value,
                      kept.mixed.data() + head * kHead, s_.grad_mixed.data() + head * kHead,
                      kept.lse.data() + static_cast<long>(head) * row.length, s_.attention_backward,
                      {to + head * kHead, to + key, to + value});
    }
  }

  // s_.wide from a block of gate and up: silu(gate) * up.
  void gated(int row, int column, const float* c) {
    for (int i = 0; i < kBlock; ++i) {
      const __m512 gate = _mm512_load_ps(c + i * kBlock);
      const __m512 up = _mm512_load_ps(c + i * kBlock + kTile);
      const __m512 h = _mm512_mul_ps(_mm512_mul_ps(gate, sigmoid(gate)), up);
      bf16* to = s_.wide.data() + (row + i) * c_.intermediate + column / 2;
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), to_bf16(h));
    }
  }

  // The gradient as bfloat16, and as left operand.
  void take_gradient(const float* grad, int at, int tokens, int blocks) {
    to_bf16_rows(grad, tokens * c_.hidden, s_.grad.data());
    transpose_tokens(s_.grad.data(), c_.hidden, c_.hidden, tokens, blocks,
                     s_.grad_columns.data() + activation_tile(0, at, blocks));
  }

  void mlp_backward(int at, int tokens, int blocks, const LayerRecord& kept, float* grad,
                    LayerGradients& to) {
    norm_again(at, tokens, blocks, w_.post_norm, kept.middle, kept.middle_rstd);
    take_gradient(grad, at, tokens, blocks);
    alignas(64) float gate_up[2][kBlock * kBlock], wide[kBlock * kBlock];
    const int steps = c_.hidden / kBlock;
    for (int row = 0; row < tokens; row += kBlock) {
      const bf16* x = s_.normed.data() + row * c_.hidden;
      for (int column = 0; column < c_.intermediate; column += kBlock) {
        const long panel = static_cast<long>(column / kBlock) * steps * 2 * kTileElements;
        for (int half = 0; half < 2; ++half) {
          multiply_panel(x, c_.hidden,
                         p_.gate_up.data() + panel * 2 + half * steps * 2 * kTileElements, steps,
                         gate_up[half]);
        }
        multiply_panel(s_.grad.data() + row * c_.hidden, c_.hidden, p_.down_back.data() + panel,
                       steps, wide);
        gated_backward(at, row, column, blocks, gate_up, wide);
      }
    }
    product(s_.gate_up.data(), 2 * c_.intermediate, tokens, p_.gate_up_back.data(),
            2 * c_.intermediate, c_.hidden, as_float(s_.grad_normed.data(), c_.hidden));
    norm_backward(at, tokens, w_.post_norm, kept.middle, kept.middle_rstd, grad,
                  to.post_norm.data());
  }

  // Of 32 tokens and 32 features: from gate and up (16 features each a block) and the gradient of
  // what they made, that again and their gradients.
  void gated_backward(int at, int row, int column, int blocks,
                      const float (*gate_up)[kBlock * kBlock], const float* grad) {
    const int tile_row = 2 * c_.intermediate;
    bf16* rows = s_.gate_up.data() + row * tile_row + column;
    __m512i wide[2], gates[2], ups[2];
    const long token = at + row;
    bf16* wide_pairs = s_.wide_pairs.data() + activation_tile(column, token, blocks);
    bf16* gate_pairs = s_.gate_up_pairs.data() + activation_tile(column, token, blocks);
    bf16* up_pairs =
        s_.gate_up_pairs.data() + activation_tile(c_.intermediate + column, token, blocks);
    for (int i = 0; i < kBlock; ++i) {
      __m512 h[2], dg[2], du[2];
      for (int half = 0; half < 2; ++half) {
        const __m512 gate = _mm512_load_ps(gate_up[half] + i * kBlock);
        const __m512 up = _mm512_load_ps(gate_up[half] + i * kBlock + kTile);
        const __m512 dh = _mm512_load_ps(grad + i * kBlock + half * kTile);
        const __m512 s = sigmoid(gate), silu = _mm512_mul_ps(gate, s);
        h[half] = _mm512_mul_ps(silu, up);
        du[half] = _mm512_mul_ps(dh, silu);
        // silu' = s (1 + gate (1 - s)) = s + silu (1 - s)
        const __m512 slope = _mm512_fmadd_ps(silu, _mm512_sub_ps(_mm512_set1_ps(1.f), s), s);
        dg[half] = _mm512_mul_ps(_mm512_mul_ps(dh, up), slope);
      }
      wide[i % 2] = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(h[1], h[0]));
      gates[i % 2] = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(dg[1], dg[0]));
      ups[i % 2] = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(du[1], du[0]));
      _mm512_storeu_si512(rows + i * tile_row, gates[i % 2]);
      _mm512_storeu_si512(rows + i * tile_row + c_.intermediate, ups[i % 2]);
      if (i % 2 == 1) {
        store_pairs(wide[0], wide[1], i - 1, blocks, wide_pairs);
        store_pairs(gates[0], gates[1], i - 1, blocks, gate_pairs);
        store_pairs(ups[0], ups[1], i - 1, blocks, up_pairs);
      }
    }
  }

  const Config& c_;
  const Layer& w_;
  const PackedLayer& p_;
  Workspace& s_;
};

}  // namespace ember

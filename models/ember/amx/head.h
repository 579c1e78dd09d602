// The final norm, the output matrix and the loss at the positions of a row that carry a target, and
// their gradients.
#pragma once

#include "layer.h"

namespace ember {

// Sums over what one thread did.
struct Score {
  double loss = 0, right = 0;
};

// One row's targets: which of its tokens, what follows them, and what each is worth (the weights of
// all rows sum to 1).
struct Targets {
  std::vector<int> tokens;
  std::vector<long> expected;
  std::vector<float> worth;
};

class HeadStep {
 public:
  HeadStep(const Config& c, int most)
      : c_(c),
        most_((most + kBlock - 1) / kBlock * kBlock),
        normed_(most_ * c.hidden),
        kept_(most_ * c.hidden),
        slopes_(static_cast<std::size_t>(most_) * c.vocabulary),
        normed_columns_(most_ * c.hidden),
        slope_pairs_(static_cast<std::size_t>(most_) * c.vocabulary),
        rstd_(most_),
        logits_(static_cast<std::size_t>(kRows) * c.vocabulary),
        grad_(most_ * c.hidden),
        matrix_(c.hidden, c.vocabulary),
        norm_(c.hidden) {}

  // x [length][hidden] is the last layer's result; `packed` and `packed_back` the output matrix.
  // `grad` [length][hidden] becomes the gradient of x.
  void run(const Targets& targets, const float* x, int length, const float* weight,
           const bf16* packed, const bf16* packed_back, float* grad, Score& score) {
    const int count = static_cast<int>(targets.tokens.size());
    const int rows = (count + kBlock - 1) / kBlock * kBlock, blocks = rows / kBlock;
    std::fill_n(grad, static_cast<long>(length) * c_.hidden, 0.f);
    normed_.zero();
    for (int i = 0; i < count; ++i) {
      norm_row(x + static_cast<long>(targets.tokens[i]) * c_.hidden, weight, c_.hidden, c_.epsilon,
               normed_.data() + i * c_.hidden, kept_.data() + i * c_.hidden, &rstd_[i]);
    }
    for (int at = 0; at < rows; at += kRows) {
      const int strip = std::min(kRows, rows - at);
      product(normed_.data() + at * c_.hidden, c_.hidden, strip, packed, c_.hidden, c_.vocabulary,
              as_float(logits_.data(), c_.vocabulary));
      for (int i = at; i < at + strip; ++i) {
        bf16* slopes = slopes_.data() + static_cast<long>(i) * c_.vocabulary;
        if (i < count) {
          slope(logits_.data() + static_cast<long>(i - at) * c_.vocabulary, targets.expected[i],
                targets.worth[i], slopes, score);
        } else {
          std::fill_n(slopes, c_.vocabulary, bf16{0});
        }
      }
    }
    product(slopes_.data(), c_.vocabulary, rows, packed_back, c_.vocabulary, c_.hidden,
            as_float(grad_.data(), c_.hidden));
    pair_tokens(slopes_.data(), c_.vocabulary, c_.vocabulary, rows, blocks, slope_pairs_.data());
    transpose_tokens(normed_.data(), c_.hidden, c_.hidden, rows, blocks, normed_columns_.data());
    matrix_.add(normed_columns_.data(), slope_pairs_.data(), blocks);
    for (int i = 0; i < count; ++i) {
      norm_row_backward(grad_.data() + i * c_.hidden, kept_.data() + i * c_.hidden, rstd_[i],
                        weight, c_.hidden, grad + static_cast<long>(targets.tokens[i]) * c_.hidden,
                        norm_.data());
    }
  }

  // Adds the gradients of the output matrix [vocabulary][hidden] and the norm, and clears them.
  void give(float* matrix, float* norm) {
    matrix_.give_transposed(matrix);
    for (int i = 0; i < c_.hidden; ++i) norm[i] += norm_[i];
    norm_.zero();
  }

 private:
  static constexpr int kRows = 64;

  // One position's loss, and its gradient by each logit.
  void slope(float* logits, long expected, float worth, bf16* out, Score& score) const {
    __m512 most = _mm512_set1_ps(-1e30f);
    for (int i = 0; i < c_.vocabulary; i += kTile)
      most = _mm512_max_ps(most, _mm512_load_ps(logits + i));
    const float top = _mm512_reduce_max_ps(most), wanted = logits[expected];
    const __m512 shift = _mm512_set1_ps(top * kLog2E);
    __m512 sum = _mm512_setzero_ps();
    for (int i = 0; i < c_.vocabulary; i += kTile) {
      const __m512 p =
          exp2_vector(_mm512_fmsub_ps(_mm512_load_ps(logits + i), _mm512_set1_ps(kLog2E), shift));
      _mm512_store_ps(logits + i, p);
      sum = _mm512_add_ps(sum, p);
    }
    const float total = _mm512_reduce_add_ps(sum), factor = worth / total;
    for (int i = 0; i < c_.vocabulary; i += kTile) {
      _mm256_storeu_si256(
          reinterpret_cast<__m256i*>(out + i),
          to_bf16(_mm512_mul_ps(_mm512_load_ps(logits + i), _mm512_set1_ps(factor))));
    }
    const float at_wanted = logits[expected] * factor - worth;
    _mm256_mask_storeu_epi16(out + expected, 1, to_bf16(_mm512_set1_ps(at_wanted)));
    score.loss += worth * (std::log(total) + top - wanted);
    if (wanted == top) score.right += worth;
  }

  const Config& c_;
  int most_;
  Buffer<bf16> normed_, kept_, slopes_, normed_columns_, slope_pairs_;
  Buffer<float> rstd_, logits_, grad_;
  WeightGradient matrix_;  // transposed
  Buffer<float> norm_;
};

}  // namespace ember

// The oracle's arithmetic: nothing clever, nothing shared with the builder.
#include "onnx/reference_decoder.h"

#include <cmath>

namespace hearth::onnx::testing {
namespace {

using Vector = std::vector<double>;

Vector multiply(const Matrix& weight, const Vector& x) {
  Vector y(weight.size(), 0.0);
  for (std::size_t n = 0; n < weight.size(); ++n) {
    for (std::size_t k = 0; k < x.size(); ++k) y[n] += weight[n][k] * x[k];
  }
  return y;
}

void add(Vector& x, const Vector& y) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
}

Vector rms_norm(const Vector& x, const Vector& gamma, double epsilon) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  const double scale = 1 / std::sqrt(sum / static_cast<double>(x.size()) + epsilon);
  Vector y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * scale * gamma[i];
  return y;
}

class Pass {
 public:
  Pass(const DecoderConfig& config, const WeightFn& weights, std::size_t total_tokens)
      : config_(config), weights_(weights), total_tokens_(total_tokens) {}

  Matrix run(const std::vector<std::int64_t>& tokens) {
    const Matrix table =
        weights_({WeightRole::kEmbedding, -1, config_.vocab_size, config_.hidden_size});
    Matrix x;
    for (const std::int64_t token : tokens) x.push_back(table[static_cast<std::size_t>(token)]);
    for (std::int64_t layer = 0; layer < config_.layers; ++layer) run_layer(layer, x);
    const Vector gamma = weights_({WeightRole::kFinalNorm, -1, 1, config_.hidden_size})[0];
    const Matrix head =
        weights_({WeightRole::kLmHead, -1, config_.vocab_size, config_.hidden_size});
    Matrix logits;
    for (const Vector& row : x) {
      logits.push_back(multiply(head, rms_norm(row, gamma, config_.rms_norm_eps)));
    }
    return logits;
  }

 private:
  Matrix weight(WeightRole role, std::int64_t layer, std::int64_t rows, std::int64_t columns) {
    return weights_({role, layer, rows, columns});
  }

  /// Rotates the first rotary_dim elements of every head: pairs (j, j + half).
  void rotate(Vector& heads, std::size_t position) const {
    const auto dim = static_cast<std::size_t>(config_.head_dim);
    const auto half = static_cast<std::size_t>(config_.rotary_dim() / 2);
    const bool long_rope = !config_.long_factor.empty();
    const bool use_long =
        long_rope &&
        total_tokens_ > static_cast<std::size_t>(config_.original_max_position_embeddings);
    const double original = static_cast<double>(config_.original_max_position_embeddings);
    const double growth = static_cast<double>(config_.max_position_embeddings) / original;
    const double magnitude = long_rope ? std::sqrt(1 + std::log(growth) / std::log(original)) : 1.0;
    for (std::size_t start = 0; start < heads.size(); start += dim) {
      for (std::size_t j = 0; j < half; ++j) {
        double factor = 1;
        if (long_rope) factor = use_long ? config_.long_factor[j] : config_.short_factor[j];
        const double angle =
            static_cast<double>(position) / factor /
            std::pow(config_.rope_theta, static_cast<double>(j) / static_cast<double>(half));
        const double cosine = std::cos(angle) * magnitude;
        const double sine = std::sin(angle) * magnitude;
        const double a = heads[start + j];
        const double b = heads[start + j + half];
        heads[start + j] = a * cosine - b * sine;
        heads[start + j + half] = b * cosine + a * sine;
      }
    }
  }

  void norm_heads(Vector& heads, const Vector& gamma) const {
    const auto dim = static_cast<std::ptrdiff_t>(config_.head_dim);
    for (auto at = heads.begin(); at != heads.end(); at += dim) {
      const Vector normed = rms_norm(Vector(at, at + dim), gamma, config_.rms_norm_eps);
      std::copy(normed.begin(), normed.end(), at);
    }
  }

  /// Causal attention of all rows, query head h reading key head h * kv_heads / heads; of
  /// `window` keys at most, the row's own included, where that is not 0.
  Matrix attend(const Matrix& q, const Matrix& k, const Matrix& v, std::size_t window) const {
    const auto dim = static_cast<std::size_t>(config_.head_dim);
    const auto heads = static_cast<std::size_t>(config_.heads);
    const auto group = heads / static_cast<std::size_t>(config_.kv_heads);
    Matrix out(q.size(), Vector(heads * dim, 0.0));
    for (std::size_t row = 0; row < q.size(); ++row) {
      const std::size_t first = window > 0 && row >= window ? row - window + 1 : 0;
      for (std::size_t head = 0; head < heads; ++head) {
        const std::size_t kv = head / group * dim;
        Vector scores;
        double sum = 0;
        for (std::size_t t = first; t <= row; ++t) {
          double dot = 0;
          for (std::size_t d = 0; d < dim; ++d) dot += q[row][head * dim + d] * k[t][kv + d];
          scores.push_back(std::exp(dot / std::sqrt(static_cast<double>(dim))));
          sum += scores.back();
        }
        for (std::size_t t = first; t <= row; ++t) {
          for (std::size_t d = 0; d < dim; ++d) {
            out[row][head * dim + d] += scores[t - first] / sum * v[t][kv + d];
          }
        }
      }
    }
    return out;
  }

  Matrix attention(std::int64_t layer, const Matrix& x) {
    const std::int64_t h = config_.hidden_size;
    const std::int64_t qw = config_.query_width();
    const std::int64_t kw = config_.kv_width();
    const Matrix wq = weight(WeightRole::kQuery, layer, qw, h);
    const Matrix wk = weight(WeightRole::kKey, layer, kw, h);
    const Matrix wv = weight(WeightRole::kValue, layer, kw, h);
    const Matrix wo = weight(WeightRole::kAttentionOutput, layer, h, qw);
    Matrix q;
    Matrix k;
    Matrix v;
    for (std::size_t row = 0; row < x.size(); ++row) {
      q.push_back(multiply(wq, x[row]));
      k.push_back(multiply(wk, x[row]));
      v.push_back(multiply(wv, x[row]));
      if (config_.switches.qkv_bias) {
        add(q.back(), weight(WeightRole::kQueryBias, layer, 1, qw)[0]);
        add(k.back(), weight(WeightRole::kKeyBias, layer, 1, kw)[0]);
        add(v.back(), weight(WeightRole::kValueBias, layer, 1, kw)[0]);
      }
      if (config_.switches.qk_norm) {
        norm_heads(q.back(), weight(WeightRole::kQueryNorm, layer, 1, config_.head_dim)[0]);
        norm_heads(k.back(), weight(WeightRole::kKeyNorm, layer, 1, config_.head_dim)[0]);
      }
      rotate(q.back(), row);
      rotate(k.back(), row);
    }
    const auto window = static_cast<std::size_t>(config_.window_of(layer));
    Matrix out;
    for (const Vector& row : attend(q, k, v, window)) out.push_back(multiply(wo, row));
    return out;
  }

  void run_layer(std::int64_t layer, Matrix& x) {
    const std::int64_t h = config_.hidden_size;
    const std::int64_t inner = config_.intermediate_size;
    const Vector in_gamma = weight(WeightRole::kInputNorm, layer, 1, h)[0];
    Matrix normed;
    for (const Vector& row : x) normed.push_back(rms_norm(row, in_gamma, config_.rms_norm_eps));
    const Matrix attended = attention(layer, normed);
    const Vector post_gamma = weight(WeightRole::kPostAttentionNorm, layer, 1, h)[0];
    const Matrix gate = weight(WeightRole::kGate, layer, inner, h);
    const Matrix up = weight(WeightRole::kUp, layer, inner, h);
    const Matrix down = weight(WeightRole::kDown, layer, h, inner);
    for (std::size_t row = 0; row < x.size(); ++row) {
      add(x[row], attended[row]);
      const Vector in = rms_norm(x[row], post_gamma, config_.rms_norm_eps);
      Vector product = multiply(gate, in);
      const Vector linear = multiply(up, in);
      for (std::size_t i = 0; i < product.size(); ++i) {
        product[i] = product[i] / (1 + std::exp(-product[i])) * linear[i];
      }
      add(x[row], multiply(down, product));
    }
  }

  const DecoderConfig& config_;
  const WeightFn& weights_;
  std::size_t total_tokens_;
};

}  // namespace

Matrix reference_logits(const DecoderConfig& config, const WeightFn& weights,
                        const std::vector<std::int64_t>& tokens, std::size_t total_tokens) {
  return Pass(config, weights, total_tokens).run(tokens);
}

}  // namespace hearth::onnx::testing

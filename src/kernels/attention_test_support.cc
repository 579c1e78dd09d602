// The memory of test calls, and attention as it is defined.
#include "kernels/attention_test_support.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace hearth::kernels::testing {
namespace {

double round_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) & 0xffff0000U;
  return std::bit_cast<float>(rounded);
}

/// What a pool's int8 elements say of a row: whole multiples of 1/127 of its greatest magnitude.
void round_to_int8(std::vector<double>& row) {
  double peak = 0;
  for (const double x : row) {
    // The greatest of NaN and others would depend on their order.
    if (!std::isfinite(x)) {
      std::fill(row.begin(), row.end(), std::nan(""));
      return;
    }
    peak = std::max(peak, std::abs(x));
  }
  const double step = peak < std::ldexp(1.0, -100) ? 0.0 : peak / 127;
  for (double& x : row) x = step == 0.0 ? 0.0 : std::nearbyint(x / step) * step;
}

/// The key or value of a token and head as the pool gives it back.
std::vector<double> stored(KvElement element, std::vector<double> row) {
  for (double& x : row) {
    const auto single = static_cast<float>(x);
    x = element == KvElement::kBf16 ? round_to_bf16(single) : single;
  }
  if (element == KvElement::kInt8) round_to_int8(row);
  return row;
}

/// A head of a row in float64: normed and rotated.
std::vector<double> prepared(const AttentionShape& shape, const SequenceRows& rows,
                             std::int64_t token, const float* in, const float* norm) {
  std::vector<double> x(in, in + shape.head_dim);
  if (norm != nullptr) {
    const double squares = std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
    const double root =
        std::sqrt(squares / static_cast<double>(shape.head_dim) + shape.norm_epsilon);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = x[i] / root * norm[i];
  }
  const std::int64_t half = shape.rotary_dim / 2;
  for (std::int64_t j = 0; j < half; ++j) {
    const auto first = static_cast<std::size_t>(shape.rotary_interleaved ? 2 * j : j);
    const auto second = static_cast<std::size_t>(shape.rotary_interleaved ? 2 * j + 1 : j + half);
    const double c = rows.cos[static_cast<std::size_t>(token * half + j)];
    const double s = rows.sin[static_cast<std::size_t>(token * half + j)];
    const double a = x[first];
    const double b = x[second];
    x[first] = a * c - b * s;
    x[second] = b * c + a * s;
  }
  return x;
}

}  // namespace

SequenceRows random_rows(const AttentionShape& shape, std::int64_t tokens, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  const auto fill = [&](std::vector<float>& values, std::int64_t count) {
    values.resize(static_cast<std::size_t>(count));
    for (float& value : values) value = normal(random);
  };
  SequenceRows rows;
  rows.tokens = tokens;
  fill(rows.q, tokens * shape.query_heads * shape.head_dim);
  fill(rows.k, tokens * shape.kv_heads * shape.head_dim);
  fill(rows.v, tokens * shape.kv_heads * shape.head_dim);
  const std::int64_t half = shape.rotary_dim / 2;
  for (std::int64_t token = 0; token < tokens; ++token) {
    for (std::int64_t j = 0; j < half; ++j) {
      const double angle = static_cast<double>(token) *
                           std::pow(10000.0, -static_cast<double>(j) / static_cast<double>(half));
      rows.cos.push_back(static_cast<float>(1.19 * std::cos(angle)));
      rows.sin.push_back(static_cast<float>(1.19 * std::sin(angle)));
    }
  }
  return rows;
}

PagedSequences::PagedSequences(const AttentionShape& shape, KvElement element,
                               std::int64_t block_tokens, std::int64_t tokens_total, unsigned seed)
    : shape_(shape),
      element_(element),
      block_tokens_(block_tokens),
      block_bytes_(kv_block_bytes(shape.kv_heads, shape.head_dim, block_tokens, element)),
      keys_(tokens_total / block_tokens * block_bytes_, 0xff),
      values_(tokens_total / block_tokens * block_bytes_, 0xff),
      free_(static_cast<std::size_t>(tokens_total / block_tokens)) {
  std::iota(free_.begin(), free_.end(), 0);
  std::shuffle(free_.begin(), free_.end(), std::mt19937(seed));
}

std::size_t PagedSequences::add(const SequenceRows& rows) {
  State state;
  state.rows = rows;
  for (std::int64_t at = 0; at < rows.tokens; at += block_tokens_) {
    state.blocks.push_back(free_.back());
    free_.pop_back();
  }
  states_.push_back(std::move(state));
  return states_.size() - 1;
}

void PagedSequences::truncate(std::size_t sequence, std::int64_t tokens) {
  State& state = states_[sequence];
  state.past = tokens;
  state.out.resize(static_cast<std::size_t>(tokens * shape_.query_heads * shape_.head_dim));
}

void PagedSequences::move_blocks(std::size_t sequence) {
  for (std::int32_t& block : states_[sequence].blocks) {
    const std::int32_t to = free_.back();
    free_.pop_back();
    for (AlignedBytes* side : {&keys_, &values_}) {
      auto* bytes = static_cast<unsigned char*>(side->data());
      std::copy_n(bytes + block * block_bytes_, block_bytes_, bytes + to * block_bytes_);
      std::fill_n(bytes + block * block_bytes_, block_bytes_, static_cast<unsigned char>(0xff));
    }
    block = to;
  }
}

const unsigned char* PagedSequences::block(std::size_t sequence, std::int64_t token, bool of_keys) {
  const auto* bytes = static_cast<unsigned char*>((of_keys ? keys_ : values_).data());
  return bytes +
         states_[sequence].blocks[static_cast<std::size_t>(token / block_tokens_)] * block_bytes_;
}

void PagedSequences::step(const std::vector<std::int64_t>& counts, AttentionFunction run,
                          std::int64_t tasks) {
  const std::int64_t q_width = shape_.query_heads * shape_.head_dim;
  const std::int64_t kv_width = shape_.kv_heads * shape_.head_dim;
  const std::int64_t width = q_width + 2 * kv_width;
  std::vector<AttentionSequence> sequences;
  std::vector<State*> owners;
  std::vector<float> packed;  // [rows, q | k | v]
  std::int64_t row = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    State& state = states_[i];
    AttentionSequence sequence;
    sequence.first_row = row;
    sequence.rows = counts[i];
    sequence.past = state.past;
    sequence.blocks = state.blocks.data();
    sequence.cos = state.rows.cos.data();
    sequence.sin = state.rows.sin.data();
    sequence.fast = state.rows.fast;
    for (std::int64_t t = state.past; t < state.past + counts[i]; ++t) {
      packed.insert(packed.end(), state.rows.q.begin() + t * q_width,
                    state.rows.q.begin() + (t + 1) * q_width);
      packed.insert(packed.end(), state.rows.k.begin() + t * kv_width,
                    state.rows.k.begin() + (t + 1) * kv_width);
      packed.insert(packed.end(), state.rows.v.begin() + t * kv_width,
                    state.rows.v.begin() + (t + 1) * kv_width);
    }
    row += counts[i];
    sequences.push_back(sequence);
    owners.push_back(&state);
  }
  std::vector<float> out(static_cast<std::size_t>(row * q_width), std::nanf(""));
  AttentionArgs args;
  args.shape = shape_;
  args.pool = {keys_.data(), values_.data(), block_tokens_, element_};
  args.sequences = sequences.data();
  args.sequence_count = static_cast<std::int64_t>(sequences.size());
  args.q = packed.data();
  args.k = packed.data() + q_width;
  args.v = packed.data() + q_width + kv_width;
  args.q_stride = args.kv_stride = width;
  args.out = out.data();
  args.out_stride = q_width;
  const AttentionPlan plan = plan_attention(args, tasks);
  AlignedBytes scratch(plan.scratch_bytes, 0xff);
  args.scratch = scratch.data();
  for (std::int64_t section = 0; section < plan.sections; ++section) {
    // Backwards, so that no task may count on an earlier one.
    for (std::int64_t task = tasks - 1; task >= 0; --task) run(&args, &plan, section, task);
  }
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    owners[i]->past += sequences[i].rows;
    const auto first = out.begin() + sequences[i].first_row * q_width;
    owners[i]->out.insert(owners[i]->out.end(), first, first + sequences[i].rows * q_width);
  }
}

std::vector<float> brute_force(const AttentionShape& shape, const SequenceRows& rows,
                               KvElement element) {
  const std::int64_t group = shape.query_heads / shape.kv_heads;
  const std::int64_t dim = shape.head_dim;
  std::vector<float> out;
  std::vector<std::vector<double>> keys;  // [token * kv_heads + head]
  std::vector<std::vector<double>> values;
  for (std::int64_t token = 0; token < rows.tokens; ++token) {
    for (std::int64_t head = 0; head < shape.kv_heads; ++head) {
      const std::int64_t at = (token * shape.kv_heads + head) * dim;
      keys.push_back(
          stored(element, prepared(shape, rows, token, rows.k.data() + at, shape.k_norm)));
      values.push_back(stored(element, {rows.v.begin() + at, rows.v.begin() + at + dim}));
    }
    for (std::int64_t h = 0; h < shape.query_heads; ++h) {
      const std::vector<double> query = prepared(
          shape, rows, token, rows.q.data() + (token * shape.query_heads + h) * dim, shape.q_norm);
      const std::int64_t first =
          shape.window > 0 ? std::max<std::int64_t>(0, token - shape.window + 1) : 0;
      double total = shape.sinks != nullptr ? std::exp(static_cast<double>(shape.sinks[h])) : 0.0;
      std::vector<double> sum(static_cast<std::size_t>(dim), 0.0);
      for (std::int64_t j = first; j <= token; ++j) {
        const auto at = static_cast<std::size_t>(j * shape.kv_heads + h / group);
        const std::vector<double>& key = keys[at];
        double score = shape.scale * std::inner_product(key.begin(), key.end(), query.begin(), 0.0);
        if (shape.softcap > 0.0F) score = shape.softcap * std::tanh(score / shape.softcap);
        const double weight = std::exp(score);
        total += weight;
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weight * values[at][i];
      }
      for (const double x : sum) out.push_back(static_cast<float>(x / total));
    }
  }
  return out;
}

}  // namespace hearth::kernels::testing

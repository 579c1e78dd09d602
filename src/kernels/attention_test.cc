// Paged attention against its definition in float64; bit-equality across instruction sets; and that
// a row's value depends on nothing but its own sequence.
#include "kernels/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/attention_test_support.h"

namespace hearth::kernels {
namespace {

using testing::brute_force;
using testing::PagedSequences;
using testing::random_rows;
using testing::SequenceRows;

std::vector<Isa> isas_here() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512Vnni, Isa::kAmx}) {
    if (isa <= best_isa()) isas.push_back(isa);
  }
  return isas;
}

AttentionShape shape_of(std::int64_t query_heads, std::int64_t kv_heads, std::int64_t head_dim,
                        std::int64_t rotary_dim) {
  AttentionShape shape;
  shape.query_heads = query_heads;
  shape.kv_heads = kv_heads;
  shape.head_dim = head_dim;
  shape.rotary_dim = rotary_dim;
  shape.scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
  return shape;
}

/// Norm weights and sinks for any shape here.
const std::vector<float>& some_weights() {
  static const std::vector<float> weights = [] {
    std::vector<float> w;
    for (int i = 0; i < 256; ++i) w.push_back(1.0F + 0.5F * std::sin(static_cast<float>(i)));
    return w;
  }();
  return weights;
}

struct NamedShape {
  std::string name;
  AttentionShape shape;
  std::int64_t tokens;
};

std::vector<NamedShape> shapes() {
  std::vector<NamedShape> all;
  all.push_back({"phi4_mini", shape_of(6, 2, 128, 96), 300});
  all.push_back({"ember", shape_of(4, 2, 64, 48), 270});
  all.push_back({"one_head_each", shape_of(2, 2, 96, 96), 100});
  all.push_back({"one_kv_head", shape_of(9, 1, 80, 32), 70});
  all.push_back({"smallest", shape_of(1, 1, 16, 0), 600});
  all.push_back({"largest", shape_of(2, 1, 256, 256), 65});
  all.push_back({"interleaved", shape_of(4, 2, 64, 64), 90});
  all.back().shape.rotary_interleaved = true;
  all.push_back({"odd_rotary", shape_of(3, 1, 48, 40), 50});
  all.push_back({"window", shape_of(6, 2, 64, 64), 700});
  all.back().shape.window = 270;
  all.push_back({"window_of_one", shape_of(2, 2, 32, 32), 70});
  all.back().shape.window = 1;
  all.push_back({"softcap", shape_of(4, 2, 64, 64), 300});
  all.back().shape.softcap = 2.5F;
  all.push_back({"sinks", shape_of(4, 2, 64, 64), 300});
  all.back().shape.sinks = some_weights().data();
  all.push_back({"norms", shape_of(4, 2, 64, 64), 100});
  all.back().shape.q_norm = some_weights().data();
  all.back().shape.k_norm = some_weights().data() + 64;
  all.back().shape.norm_epsilon = 1e-6F;
  return all;
}

std::vector<float> in_one_step(const AttentionShape& shape, const SequenceRows& rows, Isa isa,
                               KvElement element, std::int64_t tasks = 1) {
  PagedSequences sequences(shape, element, 32, 4096, 7);
  sequences.add(rows);
  sequences.step({rows.tokens}, attention_for(isa), tasks);
  return sequences.out(0);
}

double greatest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double greatest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - b[i]);
    if (!(difference <= greatest)) greatest = difference;  // keeps NaN
  }
  return greatest;
}

/// Root mean square of a - b over that of b.
double relative_rms(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0;
  double size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    size += static_cast<double>(b[i]) * b[i];
  }
  return std::sqrt(difference / size);
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Attention, IsTheDefinitionInFloat32) {
  for (const NamedShape& each : shapes()) {
    const SequenceRows rows = random_rows(each.shape, each.tokens, 1);
    const std::vector<float> expected = brute_force(each.shape, rows, KvElement::kFloat32);
    for (const Isa isa : isas_here()) {
      const std::vector<float> out = in_one_step(each.shape, rows, isa, KvElement::kFloat32);
      EXPECT_LT(greatest_difference(out, expected), 4e-6) << each.name << " " << name_of(isa);
    }
  }
}

// The float64 definition rounds another key up now and then, because its rotary is more exact.
TEST(Attention, IsTheDefinitionWithBf16KeysAndValues) {
  for (const NamedShape& each : shapes()) {
    const SequenceRows rows = random_rows(each.shape, each.tokens, 2);
    const std::vector<float> expected = brute_force(each.shape, rows, KvElement::kBf16);
    for (const Isa isa : isas_here()) {
      const std::vector<float> out = in_one_step(each.shape, rows, isa, KvElement::kBf16);
      EXPECT_LT(relative_rms(out, expected), 2e-5) << each.name << " " << name_of(isa);
    }
  }
}

TEST(Attention, FastRowsAreClose) {
  for (const NamedShape& each : shapes()) {
    SequenceRows rows = random_rows(each.shape, each.tokens, 3);
    rows.fast = true;
    const std::vector<float> expected = brute_force(each.shape, rows, KvElement::kBf16);
    const std::vector<float> out = in_one_step(each.shape, rows, best_isa(), KvElement::kBf16);
    EXPECT_LT(relative_rms(out, expected), 4e-3) << each.name;
  }
}

TEST(Attention, InstructionSetsAreBitEqual) {
  for (const NamedShape& each : shapes()) {
    const SequenceRows rows = random_rows(each.shape, each.tokens, 4);
    for (const KvElement element : {KvElement::kBf16, KvElement::kFloat32}) {
      const std::vector<float> portable = in_one_step(each.shape, rows, Isa::kPortable, element);
      for (const Isa isa : isas_here()) {
        EXPECT_TRUE(same_bits(in_one_step(each.shape, rows, isa, element), portable))
            << each.name << " " << name_of(isa);
      }
    }
  }
}

/// A sequence of NaN: whatever of it reaches another sequence is seen.
SequenceRows poison(const AttentionShape& shape, std::int64_t tokens) {
  SequenceRows rows = random_rows(shape, tokens, 5);
  for (std::vector<float>* values : {&rows.q, &rows.k, &rows.v}) {
    for (float& value : *values) value = std::nanf("");
  }
  return rows;
}

/// Runs sequence 0 in random pieces beside two others, one of them NaN.
std::vector<float> in_random_pieces(const AttentionShape& shape, const SequenceRows& rows, Isa isa,
                                    std::int64_t tasks, unsigned seed) {
  std::mt19937 random(seed);
  PagedSequences sequences(shape, KvElement::kBf16, seed % 2 == 0 ? 32 : 64, 8192, seed);
  SequenceRows bad = poison(shape, 500);
  bad.fast = seed % 3 == 0;
  SequenceRows other = random_rows(shape, 500, seed);
  other.fast = seed % 3 != 0;
  sequences.add(rows);
  sequences.add(bad);
  sequences.add(other);
  std::int64_t left[3] = {rows.tokens, 500, 500};
  const auto piece = [&](int sequence) {
    constexpr std::int64_t kLargest[] = {1, 3, 40, 400};
    const std::int64_t largest = std::min(left[sequence], kLargest[random() % 4]);
    const auto tokens = static_cast<std::int64_t>(random() % (static_cast<unsigned>(largest) + 1));
    left[sequence] -= tokens;
    return tokens;
  };
  while (left[0] > 0) {
    const std::vector<std::int64_t> counts = {piece(0), piece(1), piece(2)};
    if (counts[0] + counts[1] + counts[2] == 0) continue;
    sequences.step(counts, attention_for(isa), tasks);
  }
  return sequences.out(0);
}

void expect_same_in_pieces(const AttentionShape& shape, const SequenceRows& rows, Isa isa,
                           const std::string& name) {
  const std::vector<float> whole = in_one_step(shape, rows, isa, KvElement::kBf16);
  unsigned seed = 11;
  for (const std::int64_t tasks : {1, 2, 3, 16}) {
    const int rounds = isa == best_isa() ? 2 : 1;
    for (int round = 0; round < rounds; ++round) {
      EXPECT_TRUE(same_bits(in_random_pieces(shape, rows, isa, tasks, ++seed), whole))
          << name << " " << name_of(isa) << ", tasks " << tasks << ", seed " << seed;
    }
    EXPECT_TRUE(same_bits(in_one_step(shape, rows, isa, KvElement::kBf16, tasks), whole))
        << name << " " << name_of(isa) << ", tasks " << tasks;
  }
}

TEST(Attention, ARowDependsOnItsOwnSequenceOnly) {
  for (const NamedShape& each : shapes()) {
    SequenceRows rows = random_rows(each.shape, each.tokens, 6);
    for (const Isa isa : isas_here()) {
      if (isa == Isa::kPortable && each.tokens > 70) continue;  // slow, and the same code
      expect_same_in_pieces(each.shape, rows, isa, each.name);
    }
    rows.fast = true;
    expect_same_in_pieces(each.shape, rows, best_isa(), each.name + " fast");
  }
}

TEST(Attention, WritesOverForgottenTokens) {
  const AttentionShape shape = shape_of(6, 2, 64, 48);
  SequenceRows rows = random_rows(shape, 400, 8);
  SequenceRows mixed = rows;
  for (std::size_t i = 0; i < mixed.v.size(); ++i) {
    if (i >= 290 * 128) mixed.k[i] = mixed.v[i] = std::nanf("");
  }
  const std::vector<float> expected = in_one_step(shape, rows, best_isa(), KvElement::kBf16);
  PagedSequences sequences(shape, KvElement::kBf16, 32, 1024, 9);
  // The forgotten tokens were NaN: they must not show.
  sequences.add(mixed);
  sequences.step({290}, attention_for(best_isa()), 2);
  sequences.step({110}, attention_for(best_isa()), 2);
  sequences.truncate(0, 290);
  sequences.replace_rows(0, rows);
  sequences.step({1}, attention_for(best_isa()), 2);
  sequences.step({109}, attention_for(best_isa()), 2);
  EXPECT_TRUE(same_bits(sequences.out(0), expected));
}

TEST(Attention, SplitsLongContextsAmongManyTasks) {
  const AttentionShape shape = shape_of(6, 2, 128, 96);
  AttentionSequence sequence;
  sequence.rows = 1;
  sequence.past = 4095;
  AttentionArgs args;
  args.shape = shape;
  args.sequences = &sequence;
  args.sequence_count = 1;
  EXPECT_FALSE(plan_attention(args, 2).split_keys);
  EXPECT_TRUE(plan_attention(args, 16).split_keys);
  EXPECT_EQ(plan_attention(args, 2).sections, 1);  // one barrier for a generated row
}

}  // namespace
}  // namespace hearth::kernels

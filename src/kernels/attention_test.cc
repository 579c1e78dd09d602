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
#include "kernels/same_bits_test_support.h"

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

// Likewise, and another multiple of 1/127 is a greater step.
TEST(Attention, IsTheDefinitionWithInt8KeysAndValues) {
  for (const NamedShape& each : shapes()) {
    const SequenceRows rows = random_rows(each.shape, each.tokens, 2);
    const std::vector<float> expected = brute_force(each.shape, rows, KvElement::kInt8);
    for (const Isa isa : isas_here()) {
      const std::vector<float> out = in_one_step(each.shape, rows, isa, KvElement::kInt8);
      EXPECT_LT(relative_rms(out, expected), 1e-4) << each.name << " " << name_of(isa);
    }
  }
}

TEST(Attention, FastRowsAreClose) {
  for (const NamedShape& each : shapes()) {
    SequenceRows rows = random_rows(each.shape, each.tokens, 3);
    rows.fast = true;
    for (const KvElement element : {KvElement::kBf16, KvElement::kInt8}) {
      const std::vector<float> expected = brute_force(each.shape, rows, element);
      const std::vector<float> out = in_one_step(each.shape, rows, best_isa(), element);
      EXPECT_LT(relative_rms(out, expected), 4e-3) << each.name << " " << name_of(element);
    }
  }
}

TEST(Attention, InstructionSetsAreBitEqual) {
  for (const NamedShape& each : shapes()) {
    const SequenceRows rows = random_rows(each.shape, each.tokens, 4);
    for (const KvElement element : {KvElement::kBf16, KvElement::kFloat32, KvElement::kInt8}) {
      const std::vector<float> portable = in_one_step(each.shape, rows, Isa::kPortable, element);
      for (const Isa isa : isas_here()) {
        EXPECT_TRUE(same_bits(in_one_step(each.shape, rows, isa, element), portable))
            << each.name << " " << name_of(isa) << " " << name_of(element);
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
                                    KvElement element, std::int64_t tasks, unsigned seed) {
  std::mt19937 random(seed);
  PagedSequences sequences(shape, element, seed % 2 == 0 ? 32 : 64, 8192, seed);
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

/// Watched by a sanitizer, all of them take minutes.
std::vector<std::int64_t> task_counts() {
#if defined(HEARTH_SANITIZED)
  return {3};
#else
  return {1, 2, 3, 16};
#endif
}

void expect_same_in_pieces(const AttentionShape& shape, const SequenceRows& rows, Isa isa,
                           KvElement element, const std::string& name) {
  const std::vector<float> whole = in_one_step(shape, rows, isa, element);
  unsigned seed = 11;
  for (const std::int64_t tasks : task_counts()) {
    const int rounds = isa == best_isa() ? 2 : 1;
    for (int round = 0; round < rounds; ++round) {
      EXPECT_TRUE(same_bits(in_random_pieces(shape, rows, isa, element, tasks, ++seed), whole))
          << name << " " << name_of(isa) << " " << name_of(element) << ", tasks " << tasks
          << ", seed " << seed;
    }
    EXPECT_TRUE(same_bits(in_one_step(shape, rows, isa, element, tasks), whole))
        << name << " " << name_of(isa) << " " << name_of(element) << ", tasks " << tasks;
  }
}

TEST(Attention, ARowDependsOnItsOwnSequenceOnly) {
  for (const NamedShape& each : shapes()) {
    SequenceRows rows = random_rows(each.shape, each.tokens, 6);
    for (const Isa isa : isas_here()) {
      if (isa == Isa::kPortable && each.tokens > 70) continue;  // slow, and the same code
      expect_same_in_pieces(each.shape, rows, isa, KvElement::kBf16, each.name);
    }
    rows.fast = true;
    expect_same_in_pieces(each.shape, rows, best_isa(), KvElement::kBf16, each.name + " fast");
  }
}

// What differs from bf16 is how a token is stored and scaled: one shape of each kind will do.
TEST(Attention, ARowDependsOnItsOwnSequenceOnlyInInt8) {
  for (const NamedShape& each : shapes()) {
    if (each.tokens > 270) continue;
    SequenceRows rows = random_rows(each.shape, each.tokens, 6);
    for (const bool fast : {false, true}) {
      rows.fast = fast;
      expect_same_in_pieces(each.shape, rows, best_isa(), KvElement::kInt8,
                            each.name + (fast ? " fast" : ""));
    }
  }
}

void expect_forgotten_tokens_do_not_show(KvElement element) {
  const AttentionShape shape = shape_of(6, 2, 64, 48);
  SequenceRows rows = random_rows(shape, 400, 8);
  SequenceRows mixed = rows;
  for (std::size_t i = 0; i < mixed.v.size(); ++i) {
    if (i >= 290 * 128) mixed.k[i] = mixed.v[i] = std::nanf("");
  }
  const std::vector<float> expected = in_one_step(shape, rows, best_isa(), element);
  PagedSequences sequences(shape, element, 32, 1024, 9);
  // The forgotten tokens were NaN: they must not show.
  sequences.add(mixed);
  sequences.step({290}, attention_for(best_isa()), 2);
  sequences.step({110}, attention_for(best_isa()), 2);
  sequences.truncate(0, 290);
  sequences.replace_rows(0, rows);
  sequences.step({1}, attention_for(best_isa()), 2);
  sequences.step({109}, attention_for(best_isa()), 2);
  EXPECT_TRUE(same_bits(sequences.out(0), expected)) << name_of(element);
}

TEST(Attention, WritesOverForgottenTokens) {
  expect_forgotten_tokens_do_not_show(KvElement::kBf16);
  expect_forgotten_tokens_do_not_show(KvElement::kInt8);
}

// What a prefix shared by two sequences needs: the bytes of a block are all of it.
TEST(Attention, ABlockIsOnePieceOfMemory) {
  const AttentionShape shape = shape_of(6, 2, 64, 48);
  SequenceRows rows = random_rows(shape, 330, 12);
  for (const KvElement element : {KvElement::kBf16, KvElement::kFloat32, KvElement::kInt8}) {
    for (const bool fast : {false, true}) {
      rows.fast = fast;
      PagedSequences sequences(shape, element, 64, 2048, 13);
      sequences.add(rows);
      sequences.step({300}, attention_for(best_isa()), 2);
      sequences.move_blocks(0);
      sequences.step({30}, attention_for(best_isa()), 2);
      EXPECT_TRUE(same_bits(sequences.out(0), in_one_step(shape, rows, best_isa(), element)))
          << name_of(element) << (fast ? " fast" : "");
    }
  }
}

TEST(Attention, BytesOfABlock) {
  EXPECT_EQ(kv_block_bytes(8, 128, 64, KvElement::kFloat32), 8 * 64 * 512);
  EXPECT_EQ(kv_block_bytes(8, 128, 64, KvElement::kBf16), 8 * 64 * 256);
  EXPECT_EQ(kv_block_bytes(8, 128, 64, KvElement::kInt8), 8 * 64 * 132);
}

TEST(Attention, NamesOfElements) {
  for (const KvElement element : {KvElement::kBf16, KvElement::kFloat32, KvElement::kInt8}) {
    EXPECT_EQ(parse_kv_element(name_of(element)).value(), element);
  }
  EXPECT_EQ(name_of(KvElement::kFloat32), "fp32");
  EXPECT_FALSE(parse_kv_element("float32").has_value());
}

/// Element `dim` of the key or value of a token as attention_abi.h lays it out, and its scale.
struct StoredInt8 {
  int element;
  float scale;
};
StoredInt8 stored_int8(const unsigned char* block, const AttentionShape& shape,
                       std::int64_t block_tokens, std::int64_t head, std::int64_t token,
                       std::int64_t dim, bool of_keys) {
  const std::int64_t granule_bytes = 32 * shape.head_dim + 32 * 4;
  const std::int64_t granule_of_block = head * (block_tokens / 32) + token % block_tokens / 32;
  const unsigned char* granule = block + granule_of_block * granule_bytes;
  token %= 32;
  const std::int64_t line = of_keys ? token / 16 * (shape.head_dim / 2) + dim / 2
                                    : token / 2 * (shape.head_dim / 16) + dim / 16;
  const std::int64_t lane = of_keys ? token % 16 : dim % 16;
  const std::int64_t pair = of_keys ? dim % 2 : token % 2;
  StoredInt8 found{static_cast<signed char>(granule[line * 32 + pair * 16 + lane]), 0};
  std::memcpy(&found.scale, granule + 32 * shape.head_dim + token * 4, 4);
  return found;
}

// Keys without rotary and values are rounded as they come: the rule holds to the bit.
TEST(Attention, Int8IsRoundedAndLaidOutAsDescribed) {
  const AttentionShape shape = shape_of(2, 2, 48, 0);
  constexpr std::int64_t kTokens = 90;
  constexpr std::int64_t kBlockTokens = 64;
  const SequenceRows rows = random_rows(shape, kTokens, 14);
  for (const Isa isa : isas_here()) {
    PagedSequences sequences(shape, KvElement::kInt8, kBlockTokens, 1024, 15);
    sequences.add(rows);
    sequences.step({50}, attention_for(isa), 1);
    sequences.step({40}, attention_for(isa), 1);
    int wrong = 0;
    for (std::int64_t row = 0; row < kTokens * shape.kv_heads; ++row) {
      const std::int64_t token = row / shape.kv_heads;
      for (const bool of_keys : {true, false}) {
        const float* x = (of_keys ? rows.k : rows.v).data() + row * shape.head_dim;
        float peak = 0;
        for (std::int64_t i = 0; i < shape.head_dim; ++i) peak = std::max(peak, std::abs(x[i]));
        const unsigned char* block = sequences.block(0, token, of_keys);
        for (std::int64_t i = 0; i < shape.head_dim; ++i) {
          const StoredInt8 found =
              stored_int8(block, shape, kBlockTokens, row % shape.kv_heads, token, i, of_keys);
          const float exact = x[i] * (127.0F / peak);
          if (found.element != static_cast<int>(std::nearbyint(exact))) ++wrong;
          if (found.scale != peak / 127.0F) ++wrong;
        }
      }
    }
    EXPECT_EQ(wrong, 0) << name_of(isa);
  }
}

/// Rows of every size there is, zeros too: halves of a step, which is a power of two, so that half
/// of them are ties in float32 as well.
SequenceRows strange_rows(const AttentionShape& shape, std::int64_t tokens) {
  SequenceRows rows = random_rows(shape, tokens, 16);
  const int exponents[] = {-149, -130, -107, -106, -60, 0, 20, 60};  // 2^-100 is 128 * 2^-107
  const std::int64_t width = shape.kv_heads * shape.head_dim;
  for (std::int64_t i = 0; i < tokens * width; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const float steps =
        i % shape.head_dim == 5 ? -127.0F : std::nearbyint(rows.v[at] * 40) / 2;  // within 127
    const std::int64_t token = i / width;
    rows.v[at] = token % 9 == 8 ? 0.0F : std::ldexp(steps, exponents[token % 9]);
    if (token % 4 == 0) rows.k[at] = token % 8 == 0 ? 0.0F : std::ldexp(steps, -5);
  }
  return rows;
}

TEST(Attention, Int8TakesRowsOfAnySize) {
  const AttentionShape shape = shape_of(4, 2, 64, 0);
  SequenceRows rows = strange_rows(shape, 80);
  // The greatest values hide what becomes of the others: a window lets each be seen.
  AttentionShape narrow = shape;
  narrow.window = 1;
  const std::vector<float> expected = brute_force(narrow, rows, KvElement::kInt8);
  const std::vector<float> portable = in_one_step(shape, rows, Isa::kPortable, KvElement::kInt8);
  for (const Isa isa : isas_here()) {
    const std::vector<float> out = in_one_step(narrow, rows, isa, KvElement::kInt8);
    for (std::size_t i = 0; i < out.size(); ++i) {
      ASSERT_NEAR(out[i], expected[i], 4e-7F * std::abs(expected[i])) << name_of(isa) << " " << i;
    }
    EXPECT_TRUE(same_bits(in_one_step(shape, rows, isa, KvElement::kInt8), portable))
        << name_of(isa);
  }
}

// Rows one by one: a value that is not finite may reach rows that are computed with it.
TEST(Attention, Int8ShowsRowsThatAreNotFinite) {
  const AttentionShape shape = shape_of(4, 2, 64, 48);
  const std::int64_t width = shape.query_heads * shape.head_dim;
  for (const float bad : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    for (const bool of_key : {true, false}) {
      SequenceRows rows = random_rows(shape, 40, 17);
      // One element of head 1 of token 35.
      (of_key ? rows.k : rows.v)[(35 * 2 + 1) * 64 + 50] = bad;
      for (const Isa isa : isas_here()) {
        PagedSequences sequences(shape, KvElement::kInt8, 32, 128, 18);
        sequences.add(rows);
        for (int i = 0; i < 40; ++i) sequences.step({1}, attention_for(isa), 1);
        const std::vector<float>& out = sequences.out(0);
        for (std::int64_t i = 0; i < 40 * width; ++i) {
          const bool sees = i / width >= 35 && i % width >= width / 2;  // heads 2 and 3
          ASSERT_EQ(std::isnan(out[static_cast<std::size_t>(i)]), sees)
              << name_of(isa) << (of_key ? " key " : " value ") << bad << ", element " << i;
        }
      }
    }
  }
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

// A scripted executor whose logits depend on every token a sequence holds: re-use that keeps one
// token too many or too few gives another answer.
#include "engine/kept_sequence.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "engine/generate.h"

namespace hearth::engine {
namespace {

constexpr TokenId kKeptVocab = 64;

struct Script {
  std::int64_t table_threshold = 1 << 30;  ///< sequences change their table beyond this length
  std::int64_t memory_tokens = 1 << 30;    ///< all open sequences together
  bool keeps = true;                       ///< false: nothing can be kept, as without a cache
};

class HashingExecutor final : public Executor {
 public:
  explicit HashingExecutor(Script script) : script_(script) {}
  ~HashingExecutor() override { EXPECT_TRUE(open_.empty()) << "a sequence was left open"; }

  std::int64_t vocab_size() const override { return kKeptVocab; }

  Result<SequenceId> open_sequence(const SequenceSpec& spec) override {
    if (used_tokens() + spec.capacity_tokens > script_.memory_tokens) {
      return fail(ErrorCode::kResourceExhausted, "scripted shortage");
    }
    open_[++last_id_] = {{}, spec.capacity_tokens, spec.prompt_tokens > script_.table_threshold};
    return last_id_;
  }

  Result<std::int64_t> rewind_sequence(SequenceId id, const SequenceSpec& spec,
                                       std::int64_t keep_tokens) override {
    Held& held = open_.at(id);
    EXPECT_LE(keep_tokens, static_cast<std::int64_t>(held.tokens.size()));
    // Growing copies: the old buffer and the new one are there at the same time.
    if (spec.capacity_tokens > held.capacity &&
        used_tokens() + spec.capacity_tokens > script_.memory_tokens) {
      return fail(ErrorCode::kResourceExhausted, "scripted shortage");
    }
    const bool long_table = spec.prompt_tokens > script_.table_threshold;
    const bool same_table = long_table == held.long_table;
    const std::int64_t kept = script_.keeps && same_table ? keep_tokens : 0;
    held.tokens.resize(static_cast<std::size_t>(kept));
    held.long_table = long_table;
    held.capacity = std::max(held.capacity, spec.capacity_tokens);
    return kept;
  }

  void close_sequence(SequenceId id) override { EXPECT_EQ(open_.erase(id), 1u); }

  Result<StepResult> run(const StepPlan& plan) override {
    const Segment& segment = plan.segments.at(0);
    Held& held = open_.at(segment.sequence);
    held.tokens.insert(held.tokens.end(), segment.tokens.begin(), segment.tokens.end());
    EXPECT_LE(static_cast<std::int64_t>(held.tokens.size()), held.capacity);
    rows_run += static_cast<std::int64_t>(segment.tokens.size());
    StepResult result;
    if (segment.wants_logits) {
      std::uint64_t hash = 14695981039346656037ull;
      for (const TokenId token : held.tokens) {
        hash = (hash ^ static_cast<std::uint64_t>(token)) * 1099511628211ull;
      }
      std::mt19937_64 draw(hash);
      for (TokenId i = 0; i < kKeptVocab; ++i) {
        result.logits.push_back(static_cast<float>(draw() % 1000) / 100.0f);
      }
    }
    return result;
  }

  std::int64_t rows_run = 0;

 private:
  struct Held {
    std::vector<TokenId> tokens;
    std::int64_t capacity = 0;
    bool long_table = false;
  };

  std::int64_t used_tokens() const {
    std::int64_t used = 0;
    for (const auto& [id, held] : open_) used += held.capacity;
    return used;
  }

  Script script_;
  std::map<SequenceId, Held> open_;
  SequenceId last_id_ = 0;
};

const std::atomic<bool> kNotCancelled{false};

GenerateRequest kept_request(std::vector<TokenId> prompt, std::int64_t max_tokens = 4) {
  GenerateRequest made;
  made.prompt = std::move(prompt);
  made.stop_ids = {1};
  made.max_tokens = max_tokens;
  return made;
}

Result<GenerateOutcome> ask(KeptSequence& sequence, const GenerateRequest& made) {
  return generate(
      sequence, made, [](TokenId) { return true; }, kNotCancelled);
}

TEST(CommonPrefix, IsWhatBothBeginWith) {
  using Tokens = std::vector<TokenId>;
  EXPECT_EQ(common_prefix_tokens(Tokens{}, Tokens{}), 0);
  EXPECT_EQ(common_prefix_tokens(Tokens{1, 2, 3}, Tokens{1, 2, 4, 5}), 2);
  EXPECT_EQ(common_prefix_tokens(Tokens{1, 2, 3}, Tokens{1, 2}), 2);
  EXPECT_EQ(common_prefix_tokens(Tokens{2}, Tokens{1, 2}), 0);
}

TEST(CommonPrefix, OneTokenOfThePromptIsAlwaysRun) {
  using Tokens = std::vector<TokenId>;
  EXPECT_EQ(reusable_tokens(Tokens{1, 2, 3}, Tokens{1, 2, 3}), 2);
  EXPECT_EQ(reusable_tokens(Tokens{1, 2, 3, 4}, Tokens{1, 2, 3}), 2);
  EXPECT_EQ(reusable_tokens(Tokens{1}, Tokens{1}), 0);
  EXPECT_EQ(reusable_tokens(Tokens{}, Tokens{1}), 0);
}

TEST(KeptSequence, AnotherTableMeansRunningAgainAndIsReported) {
  HashingExecutor executor({.table_threshold = 6});
  KeptSequence sequence(executor);
  ASSERT_TRUE(ask(sequence, kept_request({5, 6, 7, 8}, 1)));
  const auto grown = ask(sequence, kept_request({5, 6, 7, 8, 9, 10, 11}, 1));
  ASSERT_TRUE(grown);
  EXPECT_EQ(grown->cached_tokens, 0);
  EXPECT_EQ(grown->recomputed_tokens, 4);
  const auto still_long = ask(sequence, kept_request({5, 6, 7, 8, 9, 10, 12}, 1));
  ASSERT_TRUE(still_long);
  EXPECT_EQ(still_long->cached_tokens, 6);
  EXPECT_EQ(still_long->recomputed_tokens, 0);
  const auto shrunk = ask(sequence, kept_request({5, 6, 7, 8, 9}, 1));
  ASSERT_TRUE(shrunk);
  EXPECT_EQ(shrunk->cached_tokens, 0);
  EXPECT_EQ(shrunk->recomputed_tokens, 4);
}

TEST(KeptSequence, MemoryShortageGivesUpWhatWasKept) {
  HashingExecutor executor({.memory_tokens = 10});
  KeptSequence sequence(executor);
  ASSERT_TRUE(ask(sequence, kept_request({5, 6, 7}, 3)));
  const auto outcome = ask(sequence, kept_request({5, 6, 7, 8, 9}, 4));  // 5 + 8 > 10, 8 alone fits
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->cached_tokens, 0);
  const auto too_large = ask(sequence, kept_request({5, 6, 7}, 30));
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(sequence.tokens().empty());
  EXPECT_TRUE(ask(sequence, kept_request({5, 6, 7}, 3))) << "the next request is not hurt";
}

/// The next prompt of a conversation that someone edits: goes on, takes back, changes, starts anew.
std::vector<TokenId> edited(std::vector<TokenId> tokens, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return random() % std::max<std::size_t>(n, 1); };
  const auto kind = below(5);
  if (kind == 1) tokens.resize(below(tokens.size()));
  if (kind == 2 && !tokens.empty()) tokens[below(tokens.size())] = static_cast<TokenId>(below(64));
  if (kind == 3 && !tokens.empty()) tokens.erase(tokens.begin());
  if (kind == 4 && below(4) == 0) tokens.clear();
  for (std::size_t added = 1 + below(5); added > 0; --added) {
    tokens.push_back(static_cast<TokenId>(below(64)));
  }
  return tokens;
}

class RandomConversations : public ::testing::TestWithParam<Script> {};

TEST_P(RandomConversations, GiveTheAnswersOfAFreshSequence) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    HashingExecutor executor(GetParam());
    KeptSequence sequence(executor);
    std::vector<TokenId> tokens;
    std::int64_t cached = 0;
    for (int turn = 0; turn < 40; ++turn) {
      tokens = edited(std::move(tokens), random);
      GenerateRequest made = kept_request(tokens, 1 + static_cast<std::int64_t>(random() % 6));
      made.prefill_chunk_tokens = 1 + static_cast<std::int64_t>(random() % 7);
      made.sampling.temperature = turn % 2 == 0 ? 0.0 : 1.0;
      made.sampling.seed = random();
      const std::int64_t before = executor.rows_run;
      const auto outcome = ask(sequence, made);
      HashingExecutor fresh({});
      const auto expected = generate(
          fresh, made, [](TokenId) { return true; }, kNotCancelled);
      ASSERT_TRUE(expected);
      if (!outcome) {  // only a script with little memory may refuse
        ASSERT_EQ(outcome.error().code, ErrorCode::kResourceExhausted);
        continue;
      }
      ASSERT_EQ(outcome->tokens, expected->tokens) << "seed " << seed << ", turn " << turn;
      ASSERT_EQ(outcome->finish, expected->finish);
      ASSERT_EQ(executor.rows_run - before, fresh.rows_run - outcome->cached_tokens);
      cached += outcome->cached_tokens;
      if (random() % 2 == 0)
        tokens.insert(tokens.end(), outcome->tokens.begin(), outcome->tokens.end());
    }
    EXPECT_EQ(cached > 0, GetParam().keeps) << "without re-use this test sees nothing";
  }
}

INSTANTIATE_TEST_SUITE_P(Scripts, RandomConversations,
                         ::testing::Values(Script{}, Script{.table_threshold = 12},
                                           Script{.memory_tokens = 48}, Script{.keeps = false}));

}  // namespace
}  // namespace hearth::engine

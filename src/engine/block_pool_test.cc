// Block tables against a simple model: every token of every sequence has a value, blocks are arrays
// of values, and what a table leads to must be what its sequence wrote.
#include "engine/block_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace hearth::engine {
namespace {

TEST(BlockPool, RoundsTokensUpToBlocks) {
  const BlockPool pool(10, 32);
  EXPECT_EQ(pool.blocks_for(0), 0);
  EXPECT_EQ(pool.blocks_for(1), 1);
  EXPECT_EQ(pool.blocks_for(32), 1);
  EXPECT_EQ(pool.blocks_for(33), 2);
}

TEST(BlockPool, SaysWhatIsMissing) {
  BlockPool pool(4, 32);
  BlockTable first(pool);
  ASSERT_TRUE(first.reserve(65));
  BlockTable second(pool);
  const Result<void> result = second.reserve(33);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(result.error().message,
            "no room in the key/value cache: a sequence of 33 tokens needs 2 more blocks of 32 "
            "tokens, 1 of 4 are free");
  EXPECT_TRUE(second.blocks().empty());
  EXPECT_EQ(pool.free_blocks(), 1);
}

TEST(BlockPool, TablesGiveBackWhatTheyHold) {
  BlockPool pool(4, 32);
  {
    BlockTable table(pool);
    ASSERT_TRUE(table.reserve(100));
    table.append(40);
    EXPECT_EQ(pool.free_blocks(), 0);
    BlockTable fork = table.fork(33);
    BlockTable moved = std::move(table);
    EXPECT_EQ(pool.free_blocks(), 0);
    moved.shrink();
    EXPECT_EQ(pool.free_blocks(), 2);
    moved = BlockTable(pool);
    EXPECT_EQ(pool.free_blocks(), 2);  // the fork holds both
  }
  EXPECT_EQ(pool.free_blocks(), 4);
}

TEST(BlockPool, AForkWithoutRoomForItsCopyIsToldSo) {
  BlockPool pool(2, 32);
  BlockTable table(pool);
  ASSERT_TRUE(table.reserve(64));
  table.append(40);
  BlockTable fork = table.fork(40);
  const Result<std::vector<BlockCopy>> copies = fork.own_from_next_token();
  ASSERT_FALSE(copies);
  EXPECT_EQ(copies.error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(std::equal(fork.blocks().begin(), fork.blocks().end(), table.blocks().begin()));
}

/// Sequences with their tokens as plain lists, beside the tables under test.
class Model {
 public:
  Model(std::int64_t blocks, std::int64_t block_tokens, unsigned seed)
      : pool_(blocks, block_tokens),
        memory_(static_cast<std::size_t>(blocks * block_tokens), -1),
        random_(seed) {}

  void act() {
    const unsigned kind = below(8);
    if (sequences_.empty() || kind == 0) {
      sequences_.push_back({BlockTable(pool_), {}});
      return;
    }
    const std::size_t at = below(static_cast<unsigned>(sequences_.size()));
    switch (kind) {
      case 1:
        sequences_.erase(sequences_.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 2:
        truncate(sequences_[at]);
        break;
      case 3:
        sequences_[at].table.shrink();
        break;
      case 4:
        fork(sequences_[at]);
        break;
      default:
        extend(sequences_[at]);
    }
  }

  void check() const {
    std::set<BlockId> held;
    for (const Sequence& each : sequences_) {
      ASSERT_EQ(each.table.tokens(), static_cast<std::int64_t>(each.tokens.size()));
      ASSERT_LE(each.table.tokens(), each.table.capacity_tokens());
      std::set<BlockId> own(each.table.blocks().begin(), each.table.blocks().end());
      ASSERT_EQ(own.size(), each.table.blocks().size());  // no block twice in a table
      held.merge(own);
      for (std::size_t i = 0; i < each.tokens.size(); ++i) {
        ASSERT_EQ(memory_[place(each.table, i)], each.tokens[i]);
      }
    }
    ASSERT_EQ(pool_.free_blocks() + static_cast<std::int64_t>(held.size()), pool_.block_count());
  }

 private:
  struct Sequence {
    BlockTable table;
    std::vector<int> tokens;
  };

  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

  std::size_t place(const BlockTable& table, std::size_t token) const {
    const auto size = static_cast<std::size_t>(pool_.block_tokens());
    return static_cast<std::size_t>(table.blocks()[token / size]) * size + token % size;
  }

  void truncate(Sequence& sequence) {
    const unsigned kept = below(static_cast<unsigned>(sequence.tokens.size()) + 1);
    sequence.table.truncate(kept);
    sequence.tokens.resize(kept);
  }

  void fork(const Sequence& from) {
    const unsigned kept = below(static_cast<unsigned>(from.tokens.size()) + 1);
    Sequence copy{from.table.fork(kept), from.tokens};
    copy.tokens.resize(kept);
    sequences_.push_back(std::move(copy));
  }

  void extend(Sequence& sequence) {
    const unsigned count = 1 + below(30);
    const std::int64_t before = pool_.free_blocks();
    if (!sequence.table.reserve(sequence.table.tokens() + count)) {
      EXPECT_EQ(pool_.free_blocks(), before);
      return;
    }
    const Result<std::vector<BlockCopy>> copies = sequence.table.own_from_next_token();
    if (!copies) return;
    EXPECT_LE(copies->size(), 1U);
    const auto size = static_cast<std::ptrdiff_t>(pool_.block_tokens());
    for (const BlockCopy& copy : *copies) {
      std::copy_n(memory_.begin() + copy.from * size, size, memory_.begin() + copy.to * size);
    }
    sequence.table.append(count);
    for (unsigned i = 0; i < count; ++i) {
      memory_[place(sequence.table, sequence.tokens.size())] = ++written_;
      sequence.tokens.push_back(written_);
    }
  }

  BlockPool pool_;
  std::vector<int> memory_;  // [blocks * block_tokens]
  std::vector<Sequence> sequences_;
  std::mt19937 random_;
  int written_ = 0;
};

TEST(BlockPool, SequencesKeepWhatTheyWrote) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    Model model(20 + seed % 5, 1 + seed % 9, seed);
    for (int step = 0; step < 400; ++step) {
      model.act();
      model.check();
      if (HasFatalFailure()) FAIL() << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace hearth::engine

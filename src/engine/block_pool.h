// Blocks of a fixed number of tokens, and the tables that make them sequences: who holds which part
// of the key/value memory. Knows numbers only; the memory itself belongs to the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace hearth::engine {

using BlockId = std::int32_t;

/// A fixed number of blocks, each free or held by one or more tables. One owner thread.
/// Invariants: a block's count of holders is the number of tables it stands in; it is free exactly
/// when that is 0. Ending the pool before its tables is a bug.
class BlockPool {
 public:
  BlockPool(std::int64_t block_count, std::int64_t block_tokens);
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  std::int64_t block_count() const { return static_cast<std::int64_t>(holders_.size()); }
  std::int64_t block_tokens() const { return block_tokens_; }
  std::int64_t free_blocks() const { return static_cast<std::int64_t>(free_.size()); }

  /// Blocks that `tokens` tokens need.
  std::int64_t blocks_for(std::int64_t tokens) const;

 private:
  friend class BlockTable;

  BlockId take();
  void share(BlockId block);
  void give_back(BlockId block);
  bool is_shared(BlockId block) const { return holders_[static_cast<std::size_t>(block)] > 1; }

  std::int64_t block_tokens_;
  std::vector<std::int32_t> holders_;  // [block_count]
  std::vector<BlockId> free_;          // taken from the back: the block given back last is warm
};

/// A block whose tokens a sequence must have in a block of its own before it writes there: the
/// caller copies `from` to `to` in every layer, keys and values.
struct BlockCopy {
  BlockId from = 0;
  BlockId to = 0;
};

/// One sequence's blocks, in the order of its tokens. Frees them when it goes. Invariant: blocks()
/// holds at least tokens() tokens.
class BlockTable {
 public:
  /// The pool must outlive it.
  explicit BlockTable(BlockPool& pool) : pool_(&pool) {}
  ~BlockTable();
  BlockTable(BlockTable&& other) noexcept;
  BlockTable& operator=(BlockTable&& other) noexcept;
  BlockTable(const BlockTable&) = delete;
  BlockTable& operator=(const BlockTable&) = delete;

  std::int64_t tokens() const { return tokens_; }
  std::span<const BlockId> blocks() const { return blocks_; }
  std::int64_t capacity_tokens() const;

  /// Makes room for `capacity_tokens` in all. kResourceExhausted, and nothing changed, when the
  /// pool has too few free blocks.
  Result<void> reserve(std::int64_t capacity_tokens);

  /// Counts `count` more tokens, for which there is room, as written.
  void append(std::int64_t count);

  /// Forgets all tokens behind the first `tokens`; the room stays.
  void truncate(std::int64_t tokens);

  /// Gives back the blocks that hold no token.
  void shrink();

  /// A second sequence that begins with this one's first `tokens` tokens and holds the same blocks.
  BlockTable fork(std::int64_t tokens) const;

  /// Makes every block from the next token's on this table's own, where another table holds it too.
  /// To be called before tokens are written. Returns the copies to make: at most one, of the block
  /// that the next token shares with earlier ones. kResourceExhausted, and nothing changed, when
  /// too few blocks are free.
  Result<std::vector<BlockCopy>> own_from_next_token();

 private:
  void drop_blocks(std::size_t kept);

  BlockPool* pool_;
  std::vector<BlockId> blocks_;
  std::int64_t tokens_ = 0;
};

}  // namespace hearth::engine

// Counting who holds which block.
#include "engine/block_pool.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"

namespace hearth::engine {

BlockPool::BlockPool(std::int64_t block_count, std::int64_t block_tokens)
    : block_tokens_(block_tokens), holders_(static_cast<std::size_t>(block_count), 0) {
  HEARTH_CHECK(block_count >= 0 && block_tokens > 0);
  free_.reserve(holders_.size());
  for (std::int64_t block = block_count; block > 0; --block) {
    free_.push_back(static_cast<BlockId>(block - 1));
  }
}

BlockPool::~BlockPool() { HEARTH_CHECK(free_.size() == holders_.size()); }

std::int64_t BlockPool::blocks_for(std::int64_t tokens) const {
  return tokens / block_tokens_ + (tokens % block_tokens_ != 0 ? 1 : 0);
}

BlockId BlockPool::take() {
  HEARTH_CHECK(!free_.empty());
  const BlockId block = free_.back();
  free_.pop_back();
  holders_[static_cast<std::size_t>(block)] = 1;
  return block;
}

void BlockPool::share(BlockId block) {
  HEARTH_CHECK(holders_[static_cast<std::size_t>(block)] > 0);
  ++holders_[static_cast<std::size_t>(block)];
}

void BlockPool::give_back(BlockId block) {
  std::int32_t& holders = holders_[static_cast<std::size_t>(block)];
  HEARTH_CHECK(holders > 0);
  if (--holders == 0) free_.push_back(block);
}

BlockTable::~BlockTable() { drop_blocks(0); }

BlockTable::BlockTable(BlockTable&& other) noexcept
    : pool_(other.pool_),
      blocks_(std::exchange(other.blocks_, {})),
      tokens_(std::exchange(other.tokens_, 0)) {}

BlockTable& BlockTable::operator=(BlockTable&& other) noexcept {
  if (this == &other) return *this;
  drop_blocks(0);
  pool_ = other.pool_;
  blocks_ = std::exchange(other.blocks_, {});
  tokens_ = std::exchange(other.tokens_, 0);
  return *this;
}

std::int64_t BlockTable::capacity_tokens() const {
  return static_cast<std::int64_t>(blocks_.size()) * pool_->block_tokens();
}

Result<void> BlockTable::reserve(std::int64_t capacity_tokens) {
  const std::int64_t needed =
      pool_->blocks_for(capacity_tokens) - static_cast<std::int64_t>(blocks_.size());
  if (needed > pool_->free_blocks()) {
    return fail(ErrorCode::kResourceExhausted,
                "no room in the key/value cache: a sequence of " + std::to_string(capacity_tokens) +
                    " tokens needs " + std::to_string(needed) + " more blocks of " +
                    std::to_string(pool_->block_tokens()) + " tokens, " +
                    std::to_string(pool_->free_blocks()) + " of " +
                    std::to_string(pool_->block_count()) + " are free");
  }
  for (std::int64_t i = 0; i < needed; ++i) blocks_.push_back(pool_->take());
  return {};
}

void BlockTable::append(std::int64_t count) {
  HEARTH_CHECK(count >= 0 && tokens_ + count <= capacity_tokens());
  tokens_ += count;
}

void BlockTable::truncate(std::int64_t tokens) {
  HEARTH_CHECK(tokens >= 0 && tokens <= tokens_);
  tokens_ = tokens;
}

void BlockTable::shrink() { drop_blocks(static_cast<std::size_t>(pool_->blocks_for(tokens_))); }

void BlockTable::drop_blocks(std::size_t kept) {
  for (std::size_t i = blocks_.size(); i > kept; --i) pool_->give_back(blocks_[i - 1]);
  blocks_.resize(std::min(blocks_.size(), kept));
}

BlockTable BlockTable::fork(std::int64_t tokens) const {
  HEARTH_CHECK(tokens >= 0 && tokens <= tokens_);
  BlockTable copy(*pool_);
  const auto count = static_cast<std::ptrdiff_t>(pool_->blocks_for(tokens));
  copy.blocks_.assign(blocks_.begin(), blocks_.begin() + count);
  copy.tokens_ = tokens;
  for (const BlockId block : copy.blocks_) pool_->share(block);
  return copy;
}

Result<std::vector<BlockCopy>> BlockTable::own_from_next_token() {
  const auto first = static_cast<std::size_t>(tokens_ / pool_->block_tokens());
  std::int64_t shared = 0;
  for (std::size_t i = first; i < blocks_.size(); ++i)
    shared += pool_->is_shared(blocks_[i]) ? 1 : 0;
  if (shared > pool_->free_blocks()) {
    return fail(ErrorCode::kResourceExhausted,
                "no room in the key/value cache: a sequence needs " + std::to_string(shared) +
                    " more blocks of its own to go on, " + std::to_string(pool_->free_blocks()) +
                    " of " + std::to_string(pool_->block_count()) + " are free");
  }
  std::vector<BlockCopy> copies;
  for (std::size_t i = first; i < blocks_.size(); ++i) {
    if (!pool_->is_shared(blocks_[i])) continue;
    const BlockId own = pool_->take();
    const bool holds_tokens = static_cast<std::int64_t>(i) * pool_->block_tokens() < tokens_;
    if (holds_tokens) copies.push_back({blocks_[i], own});
    pool_->give_back(blocks_[i]);
    blocks_[i] = own;
  }
  return copies;
}

}  // namespace hearth::engine

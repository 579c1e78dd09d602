// Byte-pair merging with a heap of candidate merges and a linked list of symbols.
#include "text/bpe.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace hearth::text {
namespace {

std::uint64_t pair_key(TokenId left, TokenId right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

}  // namespace

MergeTable::MergeTable(const std::vector<Merge>& merges)
    : slots_(std::bit_ceil(merges.size() * 2 + 2)), mask_(slots_.size() - 1) {
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const Merge& merge = merges[rank];
    Slot& slot = slots_[slot_of(pair_key(merge.left, merge.right))];
    slot.pair = pair_key(merge.left, merge.right);
    slot.entry = {static_cast<std::uint32_t>(rank), merge.result};
  }
}

std::size_t MergeTable::slot_of(std::uint64_t pair) const {
  // Fibonacci hashing; ids of neighbouring merges are close to each other.
  std::uint64_t i = (pair * 0x9E3779B97F4A7C15ull) >> 20;
  while (slots_[i & mask_].pair != pair && slots_[i & mask_].pair != kEmpty) ++i;
  return static_cast<std::size_t>(i & mask_);
}

const MergeTable::Entry* MergeTable::find(TokenId left, TokenId right) const {
  if (slots_.empty()) return nullptr;
  const Slot& slot = slots_[slot_of(pair_key(left, right))];
  return slot.pair == kEmpty ? nullptr : &slot.entry;
}

void Bpe::offer(std::int32_t left) {
  const Symbol& symbol = symbols_[static_cast<std::size_t>(left)];
  if (symbol.next < 0) return;
  const auto* entry = merges_.find(symbol.id, symbols_[static_cast<std::size_t>(symbol.next)].id);
  if (entry == nullptr) return;
  queue_.push_back(static_cast<std::uint64_t>(entry->rank) << 32 |
                   static_cast<std::uint32_t>(left));
  std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
}

void Bpe::merge_at(std::int32_t left, TokenId result) {
  Symbol& symbol = symbols_[static_cast<std::size_t>(left)];
  Symbol& gone = symbols_[static_cast<std::size_t>(symbol.next)];
  symbol.id = result;
  symbol.next = gone.next;
  gone.id = -1;
  if (symbol.next >= 0) symbols_[static_cast<std::size_t>(symbol.next)].previous = left;
  if (symbol.previous >= 0) offer(symbol.previous);
  offer(left);
}

std::optional<std::size_t> Bpe::append(std::string_view piece, std::vector<TokenId>& out) {
  symbols_.clear();
  queue_.clear();
  for (std::size_t i = 0; i < piece.size(); ++i) {
    const TokenId id = byte_ids_[static_cast<unsigned char>(piece[i])];
    if (id < 0) return i;
    const auto at = static_cast<std::int32_t>(i);
    symbols_.push_back({id, at - 1, i + 1 < piece.size() ? at + 1 : -1});
  }
  for (std::size_t i = 0; i + 1 < piece.size(); ++i) offer(static_cast<std::int32_t>(i));
  while (!queue_.empty()) {
    std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
    const std::uint64_t best = queue_.back();
    queue_.pop_back();
    const auto left = static_cast<std::int32_t>(best & 0xFFFFFFFFu);
    const Symbol& symbol = symbols_[static_cast<std::size_t>(left)];
    if (symbol.id < 0 || symbol.next < 0) continue;
    // The pair may have changed since it was offered: its rank tells, because ranks are unique.
    const auto* entry = merges_.find(symbol.id, symbols_[static_cast<std::size_t>(symbol.next)].id);
    if (entry == nullptr || entry->rank != best >> 32) continue;
    merge_at(left, entry->result);
  }
  for (std::int32_t i = piece.empty() ? -1 : 0; i >= 0;) {
    const Symbol& symbol = symbols_[static_cast<std::size_t>(i)];
    out.push_back(symbol.id);
    i = symbol.next;
  }
  return std::nullopt;
}

}  // namespace hearth::text

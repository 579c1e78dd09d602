// Byte-pair merging: a scan for the lowest rank where a piece is short, a heap of candidate merges
// and a linked list of symbols where it is long.
#include "text/bpe.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace hearth::text {
namespace {

// Up to here scanning all ranks for each merge is faster than the heap.
constexpr std::size_t kShortSymbolsMax = 48;
constexpr TokenId kGone = std::numeric_limits<TokenId>::min();

std::uint64_t pair_key(TokenId left, TokenId right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

/// The index of a pair's slot, or of the free one where it would be.
std::size_t slot_of(std::span<const MergeTable::Slot> slots, std::uint64_t pair) {
  // Fibonacci hashing; ids of neighbouring merges are close to each other.
  std::uint64_t i = (pair * 0x9E3779B97F4A7C15ull) >> 20;
  const std::uint64_t mask = slots.size() - 1;
  while (slots[i & mask].pair != pair && slots[i & mask].pair != MergeTable::kEmpty) ++i;
  return static_cast<std::size_t>(i & mask);
}

}  // namespace

MergeTable::MergeTable() {
  static const Slot kNone;
  slots_ = {&kNone, 1};
}

MergeTable::MergeTable(const std::vector<Merge>& merges) {
  const auto slots = std::make_shared<std::vector<Slot>>(std::bit_ceil(merges.size() * 2 + 2));
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const Merge& merge = merges[rank];
    const std::uint64_t pair = pair_key(merge.left, merge.right);
    (*slots)[slot_of(*slots, pair)] = {pair, {static_cast<std::uint32_t>(rank), merge.result}};
  }
  *this = MergeTable(*slots, slots);
}

Result<MergeTable> MergeTable::create(std::span<const Slot> slots, std::size_t ids,
                                      std::shared_ptr<const void> owner) {
  const auto is_free = [](const Slot& slot) { return slot.pair == kEmpty; };
  const auto is_sound = [&](const Slot& slot) {
    return is_free(slot) || (slot.entry.rank != kNoRank && slot.entry.result >= 0 &&
                             static_cast<std::size_t>(slot.entry.result) < ids);
  };
  if (!std::has_single_bit(slots.size()) || !std::any_of(slots.begin(), slots.end(), is_free) ||
      !std::all_of(slots.begin(), slots.end(), is_sound)) {
    return fail(ErrorCode::kCorrupt, "merge table: a slot is out of range");
  }
  return MergeTable(slots, std::move(owner));
}

MergeTable::Entry MergeTable::find(TokenId left, TokenId right) const {
  return slots_[slot_of(slots_, pair_key(left, right))].entry;
}

std::optional<std::size_t> Bpe::append(std::string_view piece, std::vector<TokenId>& out) {
  spelled_.resize(piece.size());
  for (std::size_t i = 0; i < piece.size(); ++i) {
    const TokenId id = byte_ids_[static_cast<unsigned char>(piece[i])];
    if (id < 0) return i;
    spelled_[i] = id;
  }
  if (spelled_.size() <= kShortSymbolsMax) {
    merge_short(spelled_, out);
  } else {
    merge_long(spelled_, out);
  }
  return std::nullopt;
}

void Bpe::append_symbols(std::span<const TokenId> symbols, std::vector<TokenId>& out) {
  if (symbols.size() <= kShortSymbolsMax) {
    spelled_.assign(symbols.begin(), symbols.end());
    merge_short(spelled_, out);
  } else {
    merge_long(symbols, out);
  }
}

/// Overwrites `symbols`. Of equal ranks the leftmost merges first, as with the heap.
void Bpe::merge_short(std::span<TokenId> symbols, std::vector<TokenId>& out) {
  std::array<MergeTable::Entry, kShortSymbolsMax> merges;  // [i]: of symbols i and i + 1
  std::size_t count = symbols.size();
  for (std::size_t i = 0; i + 1 < count; ++i) merges[i] = merges_.find(symbols[i], symbols[i + 1]);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (merges[i].rank < merges[best].rank) best = i;
    }
    if (merges[best].rank == MergeTable::kNoRank) break;
    symbols[best] = merges[best].result;
    --count;
    for (std::size_t i = best + 1; i < count; ++i) {
      symbols[i] = symbols[i + 1];
      merges[i - 1] = merges[i];
    }
    if (best > 0) merges[best - 1] = merges_.find(symbols[best - 1], symbols[best]);
    if (best + 1 < count) merges[best] = merges_.find(symbols[best], symbols[best + 1]);
  }
  out.insert(out.end(), symbols.begin(), symbols.begin() + static_cast<std::ptrdiff_t>(count));
}

void Bpe::offer(std::int32_t left) {
  const Symbol& symbol = symbols_[static_cast<std::size_t>(left)];
  if (symbol.next < 0) return;
  const auto entry = merges_.find(symbol.id, symbols_[static_cast<std::size_t>(symbol.next)].id);
  if (entry.rank == MergeTable::kNoRank) return;
  queue_.push_back(static_cast<std::uint64_t>(entry.rank) << 32 | static_cast<std::uint32_t>(left));
  std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
}

void Bpe::merge_at(std::int32_t left, TokenId result) {
  Symbol& symbol = symbols_[static_cast<std::size_t>(left)];
  Symbol& gone = symbols_[static_cast<std::size_t>(symbol.next)];
  symbol.id = result;
  symbol.next = gone.next;
  gone.id = kGone;
  if (symbol.next >= 0) symbols_[static_cast<std::size_t>(symbol.next)].previous = left;
  if (symbol.previous >= 0) offer(symbol.previous);
  offer(left);
}

void Bpe::merge_long(std::span<const TokenId> symbols, std::vector<TokenId>& out) {
  symbols_.clear();
  queue_.clear();
  const auto count = static_cast<std::int32_t>(symbols.size());
  for (std::int32_t i = 0; i < count; ++i) {
    symbols_.push_back({symbols[static_cast<std::size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1});
  }
  for (std::int32_t i = 0; i < count; ++i) offer(i);
  while (!queue_.empty()) {
    std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
    const std::uint64_t best = queue_.back();
    queue_.pop_back();
    const auto left = static_cast<std::int32_t>(best & 0xFFFFFFFFu);
    const Symbol& symbol = symbols_[static_cast<std::size_t>(left)];
    if (symbol.id == kGone || symbol.next < 0) continue;
    // The pair may have changed since it was offered: its rank tells, because ranks are unique.
    const auto entry = merges_.find(symbol.id, symbols_[static_cast<std::size_t>(symbol.next)].id);
    if (entry.rank == MergeTable::kNoRank || entry.rank != best >> 32) continue;
    merge_at(left, entry.result);
  }
  for (std::int32_t i = count > 0 ? 0 : -1; i >= 0;) {
    const Symbol& symbol = symbols_[static_cast<std::size_t>(i)];
    out.push_back(symbol.id);
    i = symbol.next;
  }
}

}  // namespace hearth::text

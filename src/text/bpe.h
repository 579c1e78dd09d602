// Byte-pair merging: the symbols of one piece become tokens by applying the lowest-ranked merge
// first.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"

namespace hearth::text {

/// Two neighbouring tokens that may become one.
struct Merge {
  TokenId left = -1;
  TokenId right = -1;
  TokenId result = -1;
};

/// The merges of a vocabulary, ranked by their order: an open-addressing hash table from pairs of
/// ids, in one flat array that can be written to a file and used from its mapping. Immutable;
/// copies share it.
class MergeTable {
 public:
  static constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();

  /// What a pair becomes; rank kNoRank when it does not merge.
  struct Entry {
    std::uint32_t rank = kNoRank;
    TokenId result = -1;
  };
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};
  struct Slot {
    std::uint64_t pair = kEmpty;
    Entry entry;
  };

  MergeTable();
  /// Of two merges of one pair the later counts, as in the `tokenizers` library.
  explicit MergeTable(const std::vector<Merge>& merges);

  /// Around slots that `owner` keeps alive. kCorrupt unless they are a power of two with at least
  /// one free and results below `ids`.
  static Result<MergeTable> create(std::span<const Slot> slots, std::size_t ids,
                                   std::shared_ptr<const void> owner);

  /// The merge of a pair.
  Entry find(TokenId left, TokenId right) const;

  std::span<const Slot> slots() const { return slots_; }

 private:
  MergeTable(std::span<const Slot> slots, std::shared_ptr<const void> owner)
      : slots_(slots), mask_(slots.size() - 1), owner_(std::move(owner)) {}

  std::span<const Slot> slots_;
  std::uint64_t mask_ = 0;
  std::shared_ptr<const void> owner_;
};

/// Applies merges to pieces; keeps its working memory between calls. One thread each.
class Bpe {
 public:
  /// `byte_ids[b]` is the token of the single byte b, -1 where the vocabulary has none. Both
  /// arguments must outlive this object.
  Bpe(const MergeTable& merges, const std::array<TokenId, 256>& byte_ids)
      : merges_(merges), byte_ids_(byte_ids) {}

  /// Appends the tokens of `piece` to `out`. Offset of a byte without token, if there is one; `out`
  /// is unchanged then. O(n log n) in the length of the piece, which must be under 2^31.
  std::optional<std::size_t> append(std::string_view piece, std::vector<TokenId>& out);

  /// The same from symbols that are tokens already. An id below 0 merges with nothing.
  void append_symbols(std::span<const TokenId> symbols, std::vector<TokenId>& out);

 private:
  struct Symbol {
    TokenId id = -1;
    std::int32_t previous = -1;
    std::int32_t next = -1;
  };

  void merge_short(std::span<TokenId> symbols, std::vector<TokenId>& out);
  void merge_long(std::span<const TokenId> symbols, std::vector<TokenId>& out);
  void offer(std::int32_t left);
  void merge_at(std::int32_t left, TokenId result);

  const MergeTable& merges_;
  const std::array<TokenId, 256>& byte_ids_;
  std::vector<TokenId> spelled_;
  std::vector<Symbol> symbols_;       // a linked list in text order; merged ones have id kGone
  std::vector<std::uint64_t> queue_;  // min-heap of rank << 32 | position of the left symbol
};

}  // namespace hearth::text

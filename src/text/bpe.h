// Byte-pair merging: the bytes of one piece become tokens by applying the lowest-ranked merge
// first.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "base/token.h"

namespace hearth::text {

/// Two neighbouring tokens that may become one.
struct Merge {
  TokenId left = -1;
  TokenId right = -1;
  TokenId result = -1;
};

/// The merges of a vocabulary, ranked by their order: an open-addressing hash table from pairs of
/// ids. Immutable after construction.
class MergeTable {
 public:
  struct Entry {
    std::uint32_t rank = std::numeric_limits<std::uint32_t>::max();
    TokenId result = -1;
  };

  MergeTable() = default;
  /// Of two merges of one pair the later counts, as in the `tokenizers` library.
  explicit MergeTable(const std::vector<Merge>& merges);

  /// The merge of a pair, nullptr when there is none.
  const Entry* find(TokenId left, TokenId right) const;

 private:
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};
  struct Slot {
    std::uint64_t pair = kEmpty;
    Entry entry;
  };

  std::size_t slot_of(std::uint64_t pair) const;

  std::vector<Slot> slots_;
  std::uint64_t mask_ = 0;
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

 private:
  struct Symbol {
    TokenId id = -1;
    std::int32_t previous = -1;
    std::int32_t next = -1;
  };

  void offer(std::int32_t left);
  void merge_at(std::int32_t left, TokenId result);

  const MergeTable& merges_;
  const std::array<TokenId, 256>& byte_ids_;
  std::vector<Symbol> symbols_;       // a linked list in text order; merged ones have id -1
  std::vector<std::uint64_t> queue_;  // min-heap of rank << 32 | position of the left symbol
};

}  // namespace hearth::text

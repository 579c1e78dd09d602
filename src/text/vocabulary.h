// Vocabulary: the entries of model.vocab, from id to what it stands for and back, in flat arrays
// that can be written to a file and used from its mapping.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"

namespace hearth::text {

/// How an entry of model.vocab was written, which decides what text can become it.
enum class Spelling : std::uint8_t {
  kBytes,       ///< in the byte-level alphabet ("Ġthe"): `text` is the bytes it stands for
  kCharacters,  ///< as itself ("▁the", or a control token that byte-level text never becomes)
};

/// One entry as the reader found it.
struct VocabularyEntry {
  TokenId id = -1;
  std::string text;
  Spelling spelling = Spelling::kBytes;
};

/// A text of at least one byte as the table looks for it.
struct TextKey {
  TextKey() = default;
  explicit TextKey(std::string_view text);

  std::uint64_t head = 0;  ///< the whole text up to 8 bytes, else its first 8
  std::uint64_t hash = 0;
};

/// Immutable; copies share the arrays. Any thread may use it.
class Vocabulary {
 public:
  /// One slot of the open-addressing table from texts to ids.
  struct Slot {
    std::uint64_t head = 0;    ///< of its TextKey
    std::uint32_t length = 0;  ///< bytes of the text, kCharactersBit and kStableBit; 0: free
    TokenId id = -1;
  };
  static constexpr std::uint32_t kCharactersBit = 1u << 31;
  static constexpr std::uint32_t kStableBit = 1u << 30;
  static constexpr std::uint32_t kLengthMask = kStableBit - 1;

  /// The arrays as they lie in a file. Invariants, which create() checks:
  /// `begins` [ids + 1] never falls and ends at blob.size(); `exists` [ids] is 0 or 1; `slots` has
  /// a power of two of entries, at least one of them free, and every slot in use agrees with
  /// `begins` and `blob`.
  struct Arrays {
    std::span<const std::uint32_t> begins;
    std::span<const char> blob;
    std::span<const std::uint8_t> exists;
    std::span<const Slot> slots;
  };

  /// What find() tells.
  struct Found {
    TokenId id = -1;      ///< -1: no such entry
    bool stable = false;  ///< merging the text gives just this token
  };

  Vocabulary();

  /// From entries with ids of 0 or more, each id and each (text, spelling) at most once and no text
  /// empty but possibly one that no text becomes. kUnsupported beyond 2^30 bytes in all.
  static Result<Vocabulary> build(const std::vector<VocabularyEntry>& entries);

  /// Around arrays that `owner` keeps alive. kCorrupt when they break an invariant.
  static Result<Vocabulary> create(Arrays arrays, std::shared_ptr<const void> owner);

  /// This vocabulary with `stable` told for each id by `is_stable`.
  Vocabulary with_stable(const std::vector<bool>& is_stable) const;

  /// The entry of a text of at least one byte.
  Found find(std::string_view text, Spelling spelling = Spelling::kBytes) const {
    return find(text, TextKey(text), spelling);
  }
  Found find(std::string_view text, const TextKey& key, Spelling spelling) const;

  /// Has the processor fetch what find() will look at. The table is larger than its caches: with
  /// some lookups under way at once, encoding is not a chain of waits for memory.
  void prefetch(const TextKey& key) const {
    __builtin_prefetch(&arrays_.slots[static_cast<std::size_t>(key.hash) & mask_]);
  }

  /// What an id stands for; empty for ids without entry.
  std::string_view text(TokenId id) const;

  bool has(TokenId id) const {
    return id >= 0 && static_cast<std::size_t>(id) < arrays_.exists.size() &&
           arrays_.exists[static_cast<std::size_t>(id)] != 0;
  }

  /// One more than the largest id.
  std::size_t size() const { return arrays_.exists.size(); }

  const Arrays& arrays() const { return arrays_; }

 private:
  Vocabulary(Arrays arrays, std::shared_ptr<const void> owner)
      : arrays_(arrays), mask_(arrays.slots.size() - 1), owner_(std::move(owner)) {}

  Arrays arrays_;
  std::size_t mask_ = 0;
  std::shared_ptr<const void> owner_;
};

}  // namespace hearth::text

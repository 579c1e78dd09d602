// Vocabulary: linear probing over slots that hold short texts whole, so that most lookups touch one
// cache line.
#include "text/vocabulary.h"

#include <algorithm>
#include <bit>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/check.h"

namespace hearth::text {
namespace {

template <class T>
T load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

__extension__ using Uint128 = unsigned __int128;

/// Both halves of the product, folded together.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  const Uint128 product = static_cast<Uint128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Reads no byte outside of `text`.
std::uint64_t head_of(std::string_view text) {
  const char* const p = text.data();
  const std::size_t n = text.size();
  if (n >= 8) return load<std::uint64_t>(p);
  const auto shift = [](std::uint64_t value, std::size_t bytes) { return value << (8 * bytes); };
  // Overlapping loads: bytes that are read twice are the same bits twice.
  if (n >= 4) return load<std::uint32_t>(p) | shift(load<std::uint32_t>(p + n - 4), n - 4);
  const auto byte = [p](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(p[i])}; };
  return byte(0) | shift(byte(n / 2), n / 2) | shift(byte(n - 1), n - 1);
}

std::uint64_t hash_of(std::string_view text, std::uint64_t head) {
  if (text.size() > 16) return XXH3_64bits(text.data(), text.size());
  const std::uint64_t tail =
      text.size() > 8 ? load<std::uint64_t>(text.data() + text.size() - 8) : 0;
  return fold(head ^ 0x9E3779B97F4A7C15ull, tail ^ (0xD6E8FEB86659FD93ull + text.size()));
}

/// The arrays of a vocabulary that was built here.
struct OwnedArrays {
  std::vector<std::uint32_t> begins;
  std::string blob;
  std::vector<std::uint8_t> exists;
  std::vector<Vocabulary::Slot> slots;

  Vocabulary::Arrays view() const { return {begins, blob, exists, slots}; }
};

constexpr std::size_t kBlobBytesMax = std::size_t{1} << 30;

std::uint32_t spelling_bit(Spelling spelling) {
  return spelling == Spelling::kCharacters ? Vocabulary::kCharactersBit : 0;
}

void insert(OwnedArrays& arrays, const VocabularyEntry& entry) {
  const TextKey key(entry.text);
  const std::size_t mask = arrays.slots.size() - 1;
  std::size_t i = static_cast<std::size_t>(key.hash) & mask;
  while (arrays.slots[i].length != 0) i = (i + 1) & mask;
  arrays.slots[i] = {key.head,
                     static_cast<std::uint32_t>(entry.text.size()) | spelling_bit(entry.spelling),
                     entry.id};
}

tl::unexpected<Error> broken(const char* what) {
  return fail(ErrorCode::kCorrupt, std::string("vocabulary table: ") + what);
}

Result<void> check_pieces(const Vocabulary::Arrays& arrays) {
  if (arrays.begins.size() != arrays.exists.size() + 1) return broken("piece counts differ");
  if (arrays.begins.front() != 0 || arrays.begins.back() != arrays.blob.size()) {
    return broken("pieces do not fill their bytes");
  }
  if (!std::is_sorted(arrays.begins.begin(), arrays.begins.end())) {
    return broken("pieces overlap");
  }
  const auto is_flag = [](std::uint8_t flag) { return flag <= 1; };
  if (!std::all_of(arrays.exists.begin(), arrays.exists.end(), is_flag)) {
    return broken("a flag is neither 0 nor 1");
  }
  return {};
}

Result<void> check_slots(const Vocabulary::Arrays& arrays) {
  if (!std::has_single_bit(arrays.slots.size())) return broken("not a power of two of slots");
  bool some_free = false;
  for (const Vocabulary::Slot& slot : arrays.slots) {
    if (slot.length == 0) {
      some_free = true;
      continue;
    }
    const auto id = static_cast<std::size_t>(slot.id);
    if (slot.id < 0 || id >= arrays.exists.size() || arrays.exists[id] == 0) {
      return broken("a slot of no entry");
    }
    const std::uint32_t length = slot.length & Vocabulary::kLengthMask;
    if (length == 0 || length != arrays.begins[id + 1] - arrays.begins[id] ||
        slot.head != TextKey({arrays.blob.data() + arrays.begins[id], length}).head) {
      return broken("a slot that its entry contradicts");
    }
  }
  return some_free ? Result<void>{} : broken("no free slot");
}

}  // namespace

TextKey::TextKey(std::string_view text) : head(head_of(text)), hash(hash_of(text, head)) {}

Vocabulary::Vocabulary() {
  static const OwnedArrays kNone{{0}, {}, {}, std::vector<Slot>(1)};
  arrays_ = kNone.view();
}

Result<Vocabulary> Vocabulary::build(const std::vector<VocabularyEntry>& entries) {
  std::size_t ids = 0;
  std::size_t bytes = 0;
  for (const VocabularyEntry& entry : entries) {
    HEARTH_CHECK(entry.id >= 0);
    ids = std::max(ids, static_cast<std::size_t>(entry.id) + 1);
    bytes += entry.text.size();
  }
  if (bytes > kBlobBytesMax) return fail(ErrorCode::kUnsupported, "a vocabulary beyond 2^30 bytes");
  auto arrays = std::make_shared<OwnedArrays>();
  arrays->exists.resize(ids);
  arrays->begins.resize(ids + 1);
  for (const VocabularyEntry& entry : entries) {
    const auto id = static_cast<std::size_t>(entry.id);
    HEARTH_CHECK(arrays->exists[id] == 0);
    arrays->exists[id] = 1;
    arrays->begins[id + 1] = static_cast<std::uint32_t>(entry.text.size());
  }
  for (std::size_t id = 0; id < ids; ++id) arrays->begins[id + 1] += arrays->begins[id];
  arrays->blob.resize(bytes);
  arrays->slots.resize(std::bit_ceil(entries.size() + entries.size() / 4 + 2));
  for (const VocabularyEntry& entry : entries) {
    entry.text.copy(arrays->blob.data() + arrays->begins[static_cast<std::size_t>(entry.id)],
                    entry.text.size());
    if (!entry.text.empty()) insert(*arrays, entry);
  }
  return Vocabulary(arrays->view(), arrays);
}

Result<Vocabulary> Vocabulary::create(Arrays arrays, std::shared_ptr<const void> owner) {
  if (arrays.begins.empty() || arrays.slots.empty()) return broken("an array is empty");
  HEARTH_TRY_VOID(check_pieces(arrays));
  HEARTH_TRY_VOID(check_slots(arrays));
  return Vocabulary(arrays, std::move(owner));
}

Vocabulary Vocabulary::with_stable(const std::vector<bool>& is_stable) const {
  HEARTH_CHECK(is_stable.size() == size());
  auto slots = std::make_shared<std::vector<Slot>>(arrays_.slots.begin(), arrays_.slots.end());
  for (Slot& slot : *slots) {
    if (slot.length == 0) continue;
    slot.length &= ~kStableBit;
    if (is_stable[static_cast<std::size_t>(slot.id)]) slot.length |= kStableBit;
  }
  Vocabulary copy = *this;
  copy.arrays_.slots = *slots;
  // Both the old arrays and the new slots stay alive.
  copy.owner_ = std::make_shared<std::pair<std::shared_ptr<const void>, std::shared_ptr<void>>>(
      owner_, slots);
  return copy;
}

Vocabulary::Found Vocabulary::find(std::string_view text, const TextKey& key,
                                   Spelling spelling) const {
  if (text.size() > kLengthMask) return {};
  const std::uint32_t wanted = static_cast<std::uint32_t>(text.size()) | spelling_bit(spelling);
  for (std::size_t i = static_cast<std::size_t>(key.hash) & mask_;; i = (i + 1) & mask_) {
    const Slot& slot = arrays_.slots[i];
    if (slot.length == 0) return {};
    if (slot.head != key.head || (slot.length & ~kStableBit) != wanted) continue;
    if (text.size() <= 8 || this->text(slot.id) == text) {
      return {slot.id, (slot.length & kStableBit) != 0};
    }
  }
}

std::string_view Vocabulary::text(TokenId id) const {
  if (!has(id)) return {};
  const auto index = static_cast<std::size_t>(id);
  return {arrays_.blob.data() + arrays_.begins[index],
          arrays_.begins[index + 1] - arrays_.begins[index]};
}

}  // namespace hearth::text

// What the hand-written scanners want to know about a character: one bit for each kind that the
// split patterns of published tokenizers tell apart.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hearth::text::scan {

/// Every character has exactly one of these bits.
enum ClassBit : std::uint8_t {
  kUpper = 1 << 0,     ///< \p{Lu} \p{Lt}
  kLower = 1 << 1,     ///< \p{Ll}
  kCaseless = 1 << 2,  ///< \p{Lm} \p{Lo}
  kMark = 1 << 3,      ///< \p{M}
  kNumber = 1 << 4,    ///< \p{N}
  kNewline = 1 << 5,   ///< \r \n
  kBlank = 1 << 6,     ///< other white space
  kOther = 1 << 7,
};
inline constexpr std::uint8_t kLetter = kUpper | kLower | kCaseless;  ///< \p{L}
inline constexpr std::uint8_t kSpace = kNewline | kBlank;             ///< \s
inline constexpr std::uint8_t kSymbol = kMark | kOther;               ///< [^\s\p{L}\p{N}]

/// The class of every code point, in blocks of 256. Immutable; one for the process.
class ClassTable {
 public:
  static const ClassTable& instance();

  std::uint8_t of(char32_t code_point) const {
    return blocks_[block_of_[code_point >> 8] * 256u + (code_point & 255u)];
  }

 private:
  ClassTable();

  std::array<std::uint16_t, 0x1100> block_of_{};
  std::vector<std::uint8_t> blocks_;
};

/// The classes of ASCII.
extern const std::array<std::uint8_t, 128> kAsciiClasses;

/// A character of a valid UTF-8 text.
struct Character {
  std::uint8_t bit = 0;      ///< its class; 0 at the end of the text
  std::uint32_t length = 0;  ///< in bytes
};

/// Looks at characters of valid UTF-8.
class ClassReader {
 public:
  explicit ClassReader(std::string_view text) : text_(text), table_(ClassTable::instance()) {}

  Character at(std::size_t offset) const {
    if (offset >= text_.size()) return {};
    const auto byte = static_cast<unsigned char>(text_[offset]);
    if (byte < 0x80) return {kAsciiClasses[byte], 1};
    return beyond_ascii(offset);
  }

  /// Where the run of characters with any of `bits` that begins at `offset` ends.
  std::size_t run_end(std::size_t offset, std::uint8_t bits) const {
    for (;;) {
      while (offset < text_.size()) {
        const auto byte = static_cast<unsigned char>(text_[offset]);
        if (byte >= 0x80) break;
        if ((kAsciiClasses[byte] & bits) == 0) return offset;
        ++offset;
      }
      const Character character = at(offset);
      if ((character.bit & bits) == 0) return offset;
      offset += character.length;
    }
  }

  std::string_view text() const { return text_; }

 private:
  Character beyond_ascii(std::size_t offset) const;

  std::string_view text_;
  const ClassTable& table_;
};

}  // namespace hearth::text::scan

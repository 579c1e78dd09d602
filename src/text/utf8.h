// UTF-8: validation, decoding and replacement of what is not valid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::text {

/// One decoding step at the start of a text.
struct Utf8Step {
  enum class Kind {
    kCharacter,   ///< `length` bytes are `code_point`
    kInvalid,     ///< `length` bytes cannot be part of any character (the maximal subpart rule of
                  ///< the Unicode standard, as CPython's decoder counts them)
    kIncomplete,  ///< all `length` bytes left begin a character that further bytes may finish
  };
  Kind kind = Kind::kInvalid;
  std::size_t length = 0;
  char32_t code_point = 0;
};

/// Looks at the first character of `bytes`, which must not be empty.
Utf8Step utf8_step(std::string_view bytes);

/// Offset of the first byte that is not valid UTF-8; nothing when all is.
std::optional<std::size_t> utf8_find_invalid(std::string_view bytes);

/// Appends a code point (surrogates and values above U+10FFFF as U+FFFD).
void utf8_append(std::string& out, char32_t code_point);

/// Every invalid or incomplete sequence replaced by one U+FFFD.
std::string utf8_replace_invalid(std::string_view bytes);

/// Moves the certain part of `held` to `out`: whole characters as they are, invalid bytes as
/// U+FFFD; the start of a character at the end stays in `held`.
void utf8_take_certain(std::string& held, std::string& out);

/// Number of code points of valid UTF-8.
std::size_t utf8_length(std::string_view bytes);

/// True for the characters Python's str.isspace() and Rust's char::is_whitespace agree on: the
/// Unicode property White_Space.
bool is_white_space(char32_t code_point);

}  // namespace hearth::text

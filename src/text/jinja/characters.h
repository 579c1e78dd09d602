// What Python's str methods ask of a character.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hearth::text::jinja {

/// What looking up the class of a character, and mapping its case one by one, take: as bytes
/// charged for each byte of text.
inline constexpr std::size_t kClassCost = 8;
inline constexpr std::size_t kCaseCost = 32;

bool is_letter(char32_t c);     ///< str.isalpha()
bool is_decimal(char32_t c);    ///< str.isdecimal()
bool is_digit(char32_t c);      ///< str.isdigit(): superscripts and the like too
bool is_numeric(char32_t c);    ///< str.isnumeric(): fractions and Roman numerals too
bool is_word(char32_t c);       ///< \w of Python's regular expressions
bool is_printable(char32_t c);  ///< str.isprintable()

/// A character that has an upper and a lower case, and which one this is.
enum class LetterCase { kNone, kUpper, kLower, kTitle };
LetterCase letter_case(char32_t c);

/// str.islower() and str.isupper(): no cased character of another case, and at least one of this.
bool is_all(std::string_view text, LetterCase wanted);

/// The first character as a title has it ("ß" as "Ss"), the others in lower case.
std::string capitalized(std::string_view text);

/// Each run of letters capitalized, as str.title().
std::string titled(std::string_view text);

}  // namespace hearth::text::jinja

// Scanners: the split patterns of the families of tokenizers that matter, written by hand. Each
// finds exactly the matches that its regular expression finds, in one pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hearth::text::scan {

/// The families. Their patterns match everywhere, so that the matches are all pieces.
enum class Family : std::uint8_t {
  kGpt2,    ///< ByteLevel's own pattern
  kLlama3,  ///< numbers in groups of three
  kQwen2,   ///< numbers one by one; otherwise as kLlama3
  kO200k,   ///< GPT-4o, gpt-oss, Phi-4-mini: words end where lower case becomes upper case
};

/// The pattern of a family as published files spell it, in Oniguruma's syntax.
std::string_view pattern_of(Family family);

/// The family with exactly this pattern.
std::optional<Family> family_of(std::string_view pattern);

/// Fills `pieces` with the next pieces of valid UTF-8 from `offset`, which must be the begin of a
/// piece, moves `offset` behind them, and returns how many there are; 0 at the end of the text. No
/// character is looked at more than a few times, however hostile the text.
std::size_t next_pieces(Family family, std::string_view text, std::size_t& offset,
                        std::span<std::string_view> pieces);

}  // namespace hearth::text::scan

// The byte-level alphabet: GPT-2's printable spelling of all 256 bytes, in which vocabularies of
// byte-level BPE are written ("Ġthe" is " the").
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hearth::text {

/// The code point that spells a byte. Bytes that are printable in Latin-1 (0x21-0x7E, 0xA1-0xAC,
/// 0xAE-0xFF) spell themselves; the others are U+0100, U+0101, ... in ascending order.
char32_t byte_level_char(unsigned char byte);

/// Bytes in their spelling, UTF-8.
std::string byte_level_encode(std::string_view bytes);

/// Appends the bytes that a spelling stands for. False when it holds a character outside the
/// alphabet; `out` then has the bytes before it.
bool byte_level_append(std::string_view spelling, std::string& out);

/// The bytes that a spelling stands for; nothing when it holds a character outside the alphabet.
std::optional<std::string> byte_level_decode(std::string_view spelling);

}  // namespace hearth::text

// The byte-level alphabet and its inverse, built once at compile time.
#include "text/byte_level.h"

#include <array>
#include <cstdint>

#include "text/utf8.h"

namespace hearth::text {
namespace {

constexpr bool spells_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr int kAlphabetEnd = 0x144;  // 68 bytes do not spell themselves: U+0100 to U+0143

struct Alphabet {
  std::array<char32_t, 256> to_char{};
  std::array<std::int16_t, kAlphabetEnd> to_byte{};
};

constexpr Alphabet make_alphabet() {
  Alphabet alphabet;
  for (auto& byte : alphabet.to_byte) byte = -1;
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t c = spells_itself(byte) ? static_cast<char32_t>(byte) : next++;
    alphabet.to_char[static_cast<std::size_t>(byte)] = c;
    alphabet.to_byte[c] = static_cast<std::int16_t>(byte);
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

char32_t byte_level_char(unsigned char byte) { return kAlphabet.to_char[byte]; }

std::string byte_level_encode(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    utf8_append(out, kAlphabet.to_char[static_cast<unsigned char>(byte)]);
  }
  return out;
}

bool byte_level_append(std::string_view spelling, std::string& out) {
  while (!spelling.empty()) {
    const Utf8Step step = utf8_step(spelling);
    if (step.kind != Utf8Step::Kind::kCharacter || step.code_point >= kAlphabetEnd ||
        kAlphabet.to_byte[step.code_point] < 0) {
      return false;
    }
    out += static_cast<char>(kAlphabet.to_byte[step.code_point]);
    spelling.remove_prefix(step.length);
  }
  return true;
}

std::optional<std::string> byte_level_decode(std::string_view spelling) {
  std::string out;
  out.reserve(spelling.size());
  if (!byte_level_append(spelling, out)) return std::nullopt;
  return out;
}

}  // namespace hearth::text

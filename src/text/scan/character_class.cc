#include "text/scan/character_class.h"

#include <algorithm>

#include "text/unicode/general_category.h"
#include "text/utf8.h"

namespace hearth::text::scan {
namespace {

constexpr std::uint8_t class_of(GeneralCategory category) {
  using enum GeneralCategory;
  switch (category) {
    case Lu:
    case Lt:
      return kUpper;
    case Ll:
      return kLower;
    case Lm:
    case Lo:
      return kCaseless;
    case Mn:
    case Mc:
    case Me:
      return kMark;
    case Nd:
    case Nl:
    case No:
      return kNumber;
    default:
      return kOther;
  }
}

/// White space is told by its own property, not by its category.
std::uint8_t with_space(char32_t code_point, std::uint8_t bit) {
  if (code_point == U'\n' || code_point == U'\r') return kNewline;
  return is_white_space(code_point) ? std::uint8_t{kBlank} : bit;
}

constexpr std::array<std::uint8_t, 128> make_ascii() {
  std::array<std::uint8_t, 128> classes{};
  for (std::size_t c = 0; c < classes.size(); ++c) {
    classes[c] = kOther;
    if (c >= 'A' && c <= 'Z') classes[c] = kUpper;
    if (c >= 'a' && c <= 'z') classes[c] = kLower;
    if (c >= '0' && c <= '9') classes[c] = kNumber;
    if (c == ' ' || (c >= '\t' && c <= '\r')) classes[c] = kBlank;
    if (c == '\r' || c == '\n') classes[c] = kNewline;
  }
  return classes;
}

}  // namespace

constinit const std::array<std::uint8_t, 128> kAsciiClasses = make_ascii();

// Most blocks are of one class and shared; about 300 are not.
ClassTable::ClassTable() {
  const auto runs = category_runs();
  std::array<std::int32_t, 256> uniform;  // by class: the block that is all of it
  uniform.fill(-1);
  std::size_t run = 0;
  const auto run_of = [&](char32_t code_point) {
    while (run + 1 < runs.size() && runs[run + 1].first <= code_point) ++run;
    return runs[run];
  };
  for (char32_t block = 0; block < block_of_.size(); ++block) {
    std::array<std::uint8_t, 256> classes;
    for (char32_t i = 0; i < 256; ++i) {
      const char32_t code_point = block << 8 | i;
      classes[i] = with_space(code_point, class_of(run_of(code_point).category));
    }
    const bool is_uniform = std::all_of(classes.begin(), classes.end(),
                                        [&](std::uint8_t bit) { return bit == classes[0]; });
    const auto fresh = static_cast<std::uint16_t>(blocks_.size() / 256);
    if (is_uniform && uniform[classes[0]] >= 0) {
      block_of_[block] = static_cast<std::uint16_t>(uniform[classes[0]]);
      continue;
    }
    if (is_uniform) uniform[classes[0]] = fresh;
    block_of_[block] = fresh;
    blocks_.insert(blocks_.end(), classes.begin(), classes.end());
  }
}

const ClassTable& ClassTable::instance() {
  static const ClassTable kTable;
  return kTable;
}

Character ClassReader::beyond_ascii(std::size_t offset) const {
  const char* const p = text_.data() + offset;
  const auto byte = [p](int i) { return static_cast<char32_t>(static_cast<unsigned char>(p[i])); };
  const auto tail = [&](int i) { return byte(i) & 0x3F; };
  if (byte(0) < 0xE0) return {table_.of((byte(0) & 0x1F) << 6 | tail(1)), 2};
  if (byte(0) < 0xF0) return {table_.of((byte(0) & 0x0F) << 12 | tail(1) << 6 | tail(2)), 3};
  return {table_.of((byte(0) & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3)), 4};
}

}  // namespace hearth::text::scan

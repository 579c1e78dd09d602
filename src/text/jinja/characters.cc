// Classes of characters by their general category in Unicode.
#include "text/jinja/characters.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>

#include "text/letter_case.h"
#include "text/unicode/general_category.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

GeneralCategory category_of(char32_t c) {
  const auto runs = category_runs();
  const auto after =
      std::upper_bound(runs.begin(), runs.end(), c,
                       [](char32_t x, const CategoryRun& run) { return x < run.first; });
  return std::prev(after)->category;
}

struct Range {
  char32_t first;
  char32_t last;
};

/// Characters of category No whose Numeric_Type is Digit.
constexpr Range kDigitsOfNo[] = {
    {0xB2, 0xB3},       {0xB9, 0xB9},       {0x1369, 0x1371},   {0x19DA, 0x19DA},
    {0x2070, 0x2070},   {0x2074, 0x2079},   {0x2080, 0x2089},   {0x2460, 0x2468},
    {0x2474, 0x247C},   {0x2488, 0x2490},   {0x24EA, 0x24EA},   {0x24F5, 0x24FD},
    {0x24FF, 0x24FF},   {0x2776, 0x277E},   {0x2780, 0x2788},   {0x278A, 0x2792},
    {0x10A40, 0x10A43}, {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A}};

/// Ideographs that are numbers.
constexpr char32_t kNumericIdeographs[] = {
    0x3405,  0x3483,  0x382A,  0x3B4D,  0x4E00,  0x4E03,  0x4E07,  0x4E09,  0x4E24,  0x4E5D,
    0x4E8C,  0x4E94,  0x4E96,  0x4EAC,  0x4EBF,  0x4EC0,  0x4EDF,  0x4EE8,  0x4F0D,  0x4F70,
    0x4FE9,  0x5006,  0x5104,  0x5146,  0x5169,  0x516B,  0x516D,  0x5341,  0x5343,  0x5344,
    0x5345,  0x534C,  0x53C1,  0x53C2,  0x53C3,  0x53C4,  0x56DB,  0x58F1,  0x58F9,  0x5E7A,
    0x5EFE,  0x5EFF,  0x5F0C,  0x5F0D,  0x5F0E,  0x5F10,  0x62D0,  0x62FE,  0x634C,  0x67D2,
    0x6D1E,  0x6F06,  0x7396,  0x767E,  0x7695,  0x79ED,  0x8086,  0x842C,  0x8CAE,  0x8CB3,
    0x8D30,  0x920E,  0x94A9,  0x9621,  0x9646,  0x964C,  0x9678,  0x96F6,  0xF96B,  0xF973,
    0xF978,  0xF9B2,  0xF9D1,  0xF9D3,  0xF9FD,  0x20001, 0x20064, 0x200E2, 0x20121, 0x2092A,
    0x20983, 0x2098C, 0x2099C, 0x20AEA, 0x20AFD, 0x20B19, 0x22390, 0x22998, 0x23B1B, 0x2626D,
    0x2F890};

bool is_one_of(GeneralCategory category, std::initializer_list<GeneralCategory> categories) {
  return std::find(categories.begin(), categories.end(), category) != categories.end();
}

/// As the first letter of a title: of one that becomes several, only the first is upper case.
std::string title_letter(std::string_view letter) {
  const std::string upper = to_upper(letter);
  const std::size_t first = utf8_step(upper).length;
  return upper.substr(0, first) + to_lower(std::string_view(upper).substr(first));
}

}  // namespace

bool is_letter(char32_t c) {
  using enum GeneralCategory;
  return is_one_of(category_of(c), {Lu, Ll, Lt, Lm, Lo});
}

bool is_decimal(char32_t c) { return category_of(c) == GeneralCategory::Nd; }

bool is_digit(char32_t c) {
  return is_decimal(c) || std::any_of(std::begin(kDigitsOfNo), std::end(kDigitsOfNo),
                                      [&](Range r) { return c >= r.first && c <= r.last; });
}

bool is_numeric(char32_t c) {
  using enum GeneralCategory;
  return is_one_of(category_of(c), {Nd, Nl, No}) ||
         std::binary_search(std::begin(kNumericIdeographs), std::end(kNumericIdeographs), c);
}

bool is_word(char32_t c) { return c == '_' || is_letter(c) || is_numeric(c); }

bool is_printable(char32_t c) {
  using enum GeneralCategory;
  if (c >= 0x20 && c < 0x7F) return true;
  return !is_one_of(category_of(c), {Cc, Cf, Cs, Co, Cn, Zl, Zp, Zs});
}

LetterCase letter_case(char32_t c) {
  switch (category_of(c)) {
    case GeneralCategory::Lu:
      return LetterCase::kUpper;
    case GeneralCategory::Ll:
      return LetterCase::kLower;
    case GeneralCategory::Lt:
      return LetterCase::kTitle;
    default:
      return LetterCase::kNone;
  }
}

bool is_all(std::string_view text, LetterCase wanted) {
  bool found = false;
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    const LetterCase its = letter_case(step.code_point);
    if (its != LetterCase::kNone && its != wanted) return false;
    found = found || its == wanted;
    text.remove_prefix(step.length);
  }
  return found;
}

std::string capitalized(std::string_view text) {
  if (text.empty()) return {};
  const std::size_t first = utf8_step(text).length;
  return title_letter(text.substr(0, first)) + to_lower(text.substr(first));
}

std::string titled(std::string_view text) {
  std::string out;
  bool in_word = false;
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    const std::string_view letter = text.substr(0, step.length);
    const bool is_cased = letter_case(step.code_point) != LetterCase::kNone;
    out += !is_cased ? std::string(letter) : in_word ? to_lower(letter) : title_letter(letter);
    in_word = is_cased;
    text.remove_prefix(step.length);
  }
  return out;
}

}  // namespace hearth::text::jinja

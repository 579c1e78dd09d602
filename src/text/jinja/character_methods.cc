// Methods of strings that ask what all their characters are: isdigit() and its kin.
#include "text/jinja/builtins.h"
#include "text/jinja/characters.h"
#include "text/jinja/operators.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

bool all_of(std::string_view text, bool (*holds)(char32_t)) {
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    if (!holds(step.code_point)) return false;
    text.remove_prefix(step.length);
  }
  return true;
}

bool is_alphanumeric(char32_t c) { return is_letter(c) || is_numeric(c); }
bool is_ascii(char32_t c) { return c < 0x80; }

/// Whether all characters are of a kind; of no characters, `of_empty`.
template <bool (*holds)(char32_t), bool of_empty = false>
Result<Value> all(const Call& call) {
  const std::string& text = *call.self.as_string();
  HEARTH_TRY_VOID(call.budget.charge(text.size() * kClassCost));
  return Value::boolean(text.empty() ? of_empty : all_of(text, holds));
}

template <LetterCase wanted>
Result<Value> method_case(const Call& call) {
  HEARTH_TRY_VOID(call.budget.charge(call.self.as_string()->size() * kClassCost));
  return Value::boolean(is_all(*call.self.as_string(), wanted));
}

/// Upper case begins each run of letters and stands nowhere else.
Result<Value> method_istitle(const Call& call) {
  std::string_view text = *call.self.as_string();
  HEARTH_TRY_VOID(call.budget.charge(text.size() * kClassCost));
  bool in_word = false;
  bool found = false;
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    const LetterCase its = letter_case(step.code_point);
    const bool begins = its == LetterCase::kUpper || its == LetterCase::kTitle;
    if ((begins && in_word) || (its == LetterCase::kLower && !in_word)) {
      return Value::boolean(false);
    }
    in_word = its != LetterCase::kNone;
    found = found || in_word;
    text.remove_prefix(step.length);
  }
  return Value::boolean(found);
}

Result<Value> method_isidentifier(const Call& call) {
  const std::string_view text = *call.self.as_string();
  HEARTH_TRY_VOID(call.budget.charge(text.size() * kClassCost));
  if (text.empty()) return Value::boolean(false);
  const char32_t first = utf8_step(text).code_point;
  return Value::boolean((first == '_' || is_letter(first)) && all_of(text, is_word));
}

constexpr Function kCharacterMethods[] = {
    {"isalnum", {}, all<is_alphanumeric>},
    {"isalpha", {}, all<is_letter>},
    {"isascii", {}, all<is_ascii, true>},
    {"isdecimal", {}, all<is_decimal>},
    {"isdigit", {}, all<is_digit>},
    {"isidentifier", {}, method_isidentifier},
    {"islower", {}, method_case<LetterCase::kLower>},
    {"isnumeric", {}, all<is_numeric>},
    {"isprintable", {}, all<is_printable, true>},
    {"isspace", {}, all<is_python_space>},
    {"istitle", {}, method_istitle},
    {"isupper", {}, method_case<LetterCase::kUpper>},
};

}  // namespace

std::span<const Function> character_methods() { return kCharacterMethods; }

}  // namespace hearth::text::jinja

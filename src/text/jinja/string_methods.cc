// Methods of strings that search, change, pad and join.
#include <algorithm>

#include "text/jinja/builtins.h"
#include "text/jinja/characters.h"
#include "text/jinja/operators.h"
#include "text/jinja/text_format.h"
#include "text/letter_case.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

const std::string& self_text(const Call& call) { return *call.self.as_string(); }

/// The byte at which character `index` begins; the end for the number of characters.
std::size_t byte_of(std::string_view text, std::int64_t index) {
  std::size_t at = 0;
  for (std::int64_t i = 0; i < index && at < text.size(); ++i) {
    at += utf8_step(text.substr(at)).length;
  }
  return at;
}

/// text[start:stop] as find(part, start, stop) means it.
struct Window {
  std::string_view text;
  std::int64_t start = 0;  ///< in characters
};

/// Nothing when the start is behind the end: not even "" is found there.
Result<std::optional<Window>> window(const Call& call) {
  const std::string_view text = self_text(call);
  HEARTH_TRY_VOID(call.budget.charge(text.size()));
  if (!call.has(1) && !call.has(2)) return Window{text, 0};
  const auto length = static_cast<std::int64_t>(utf8_length(text));
  std::int64_t bounds[2] = {0, length};
  for (std::size_t i = 0; i < 2; ++i) {
    if (!call.has(i + 1)) continue;
    HEARTH_TRY(bounds[i], call.whole_or(i + 1, 0));
    if (bounds[i] < 0) bounds[i] = std::max<std::int64_t>(bounds[i] + length, 0);
  }
  const std::int64_t start = bounds[0];
  const std::int64_t stop = std::min(bounds[1], length);
  if (start > stop) return std::nullopt;
  const std::size_t begin = byte_of(text, start);
  return Window{text.substr(begin, byte_of(text, stop) - begin), start};
}

/// As text.rfind(part), in time that a hostile text cannot make quadratic.
std::size_t rfind_text(std::string_view text, std::string_view part) {
  constexpr std::size_t kShort = 32;
  if (part.size() <= kShort) return text.rfind(part);
  const std::string backwards(text.rbegin(), text.rend());
  const std::string part_backwards(part.rbegin(), part.rend());
  const std::size_t at = find_text(backwards, part_backwards);
  return at == std::string_view::npos ? at : text.size() - at - part.size();
}

/// The character at which the part is found, or -1.
Result<std::int64_t> found_at(const Call& call, bool from_right) {
  HEARTH_TRY(const std::string* part, call.text(0));
  HEARTH_TRY(const auto where, window(call));
  if (!where) return -1;
  const std::size_t at =
      from_right ? rfind_text(where->text, *part) : find_text(where->text, *part);
  if (at == std::string_view::npos) return -1;
  return where->start + static_cast<std::int64_t>(utf8_length(where->text.substr(0, at)));
}

template <bool from_right, bool must_be_there>
Result<Value> method_find(const Call& call) {
  HEARTH_TRY(const std::int64_t at, found_at(call, from_right));
  if (must_be_there && at < 0) return call.wrong("the part is not found");
  return Value::integer(at);
}

Result<Value> method_count(const Call& call) {
  HEARTH_TRY(const std::string* part, call.text(0));
  HEARTH_TRY(const auto where, window(call));
  if (!where) return Value::integer(0);
  if (part->empty()) return Value::size(utf8_length(where->text) + 1);
  std::int64_t count = 0;
  for (std::size_t at = find_text(where->text, *part); at != std::string_view::npos;
       at = find_text(where->text, *part, at + part->size())) {
    ++count;
  }
  return Value::integer(count);
}

template <bool at_start>
Result<Value> method_affix(const Call& call) {
  HEARTH_TRY(const auto where, window(call));
  const auto matches = [&](const Value& affix) {
    return where && (at_start ? where->text.starts_with(*affix.as_string())
                              : where->text.ends_with(*affix.as_string()));
  };
  if (call.at(0).is_string()) return Value::boolean(matches(call.at(0)));
  const List* list = call.at(0).as_list();
  if (list == nullptr || !list->is_tuple()) {
    return call.wrong("needs a string or a tuple of strings, not " + call.at(0).describe());
  }
  for (const Value& affix : list->items) {
    if (!affix.is_string()) return call.wrong("needs strings, not " + affix.describe());
    if (matches(affix)) return Value::boolean(true);
  }
  return Value::boolean(false);
}

/// "" is found between all characters, as Python does.
std::string replaced_between(std::string_view text, std::string_view to, std::int64_t most) {
  std::string out;
  for (; most != 0; --most) {
    out += to;
    if (text.empty()) return out;
    const std::size_t length = utf8_step(text).length;
    out += text.substr(0, length);
    text.remove_prefix(length);
  }
  return out.append(text);
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to,
                     std::int64_t most) {
  std::string out;
  for (; most != 0; --most) {
    const std::size_t at = find_text(text, from);
    if (at == std::string_view::npos) break;
    out += text.substr(0, at);
    out += to;
    text.remove_prefix(at + from.size());
  }
  return out.append(text);
}

Result<Value> method_replace(const Call& call) {
  const std::string& text = self_text(call);
  HEARTH_TRY(const std::string* from, call.text(0));
  HEARTH_TRY(const std::string* to, call.text(1));
  HEARTH_TRY(const std::int64_t most, call.whole_or(2, -1));
  // The longest that may come out, known before it is made.
  std::size_t places = from->empty() ? text.size() + 1 : text.size() / from->size();
  if (most >= 0) places = std::min(places, static_cast<std::size_t>(most));
  if (to->size() > from->size()) {
    HEARTH_TRY_VOID(call.budget.charge_text(text.size() + places * (to->size() - from->size())));
  } else {
    HEARTH_TRY_VOID(call.budget.charge_text(text.size()));
  }
  return Value::string(from->empty() ? replaced_between(text, *to, most)
                                     : replaced(text, *from, *to, most));
}

Result<Value> method_join(const Call& call) {
  HEARTH_TRY(const auto list, iterate(call.at(0), call.budget));
  const std::string& separator = self_text(call);
  std::string out;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const std::string* item = list->items[i].as_string();
    if (item == nullptr) return call.wrong("needs strings, not " + list->items[i].describe());
    HEARTH_TRY_VOID(call.budget.charge_text(out.size() / 64 + separator.size() + item->size()));
    if (i > 0) out += separator;
    out += *item;
  }
  HEARTH_TRY_VOID(call.budget.charge_text(out.size()));
  return Value::string(std::move(out));
}

enum class Side { kLeft, kRight, kBoth };

/// Padded to a width, the text standing at `side`.
template <Side side>
Result<Value> method_pad(const Call& call) {
  const std::string& text = self_text(call);
  HEARTH_TRY(const std::int64_t width, call.whole_up_to(0, 0, kFieldWidthMax));
  std::string fill = " ";
  if (call.given(1)) {
    HEARTH_TRY(const std::string* given, call.text(1));
    if (utf8_length(*given) != 1) return call.wrong("fillchar must be one character");
    fill = *given;
  }
  HEARTH_TRY_VOID(call.budget.charge_text(text.size() + kFieldWidthMax));
  const auto length = static_cast<std::int64_t>(utf8_length(text));
  const std::int64_t space = std::max<std::int64_t>(width - length, 0);
  // In the middle of an odd space, Python rounds by the width.
  const std::int64_t left = side == Side::kLeft    ? 0
                            : side == Side::kRight ? space
                                                   : space / 2 + (space & width & 1);
  std::string out;
  for (std::int64_t i = 0; i < left; ++i) out += fill;
  out += text;
  for (std::int64_t i = left; i < space; ++i) out += fill;
  return Value::string(std::move(out));
}

Result<Value> method_zfill(const Call& call) {
  const std::string& text = self_text(call);
  HEARTH_TRY(const std::int64_t width, call.whole_up_to(0, 0, kFieldWidthMax));
  HEARTH_TRY_VOID(call.budget.charge_text(text.size() + kFieldWidthMax));
  const std::int64_t space = width - static_cast<std::int64_t>(utf8_length(text));
  if (space <= 0) return Value::string(text);
  const std::size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  return Value::string(text.substr(0, sign) + std::string(static_cast<std::size_t>(space), '0') +
                       text.substr(sign));
}

Result<Value> method_expandtabs(const Call& call) {
  const std::string& text = self_text(call);
  HEARTH_TRY(const std::int64_t size, call.whole_up_to(0, 8, kFieldWidthMax));
  const auto tabs = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\t'));
  HEARTH_TRY_VOID(call.budget.charge_text(
      text.size() + tabs * static_cast<std::size_t>(std::max<std::int64_t>(size, 0))));
  std::string out;
  std::int64_t column = 0;
  for (const char c : text) {
    if (c != '\t') {
      out += c;
      const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
      column = c == '\n' || c == '\r' ? 0 : column + (continues ? 0 : 1);
    } else if (size > 0) {
      const std::int64_t space = size - column % size;
      out.append(static_cast<std::size_t>(space), ' ');
      column += space;
    }
  }
  return Value::string(std::move(out));
}

Result<Value> method_swapcase(const Call& call) {
  std::string_view text = self_text(call);
  HEARTH_TRY_VOID(call.budget.charge(text.size() * kCaseCost));
  std::string out;
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    const std::string_view letter = text.substr(0, step.length);
    out += letter_case(step.code_point) == LetterCase::kUpper ? to_lower(letter) : to_upper(letter);
    text.remove_prefix(step.length);
  }
  return Value::string(std::move(out));
}

/// A method without arguments that maps the text.
template <std::string (*mapping)(std::string_view), std::size_t cost = 4>
Result<Value> method_map(const Call& call) {
  HEARTH_TRY_VOID(call.budget.charge(self_text(call).size() * cost));
  return Value::string(mapping(self_text(call)));
}

Result<Value> method_format(const Call& call) {
  if (call.self.is_markup()) {
    return fail(ErrorCode::kUnsupported, "on text marked as safe is not supported");
  }
  HEARTH_TRY(std::string out, format_braces(self_text(call), call.all, call.budget));
  return Value::string(std::move(out));
}

constexpr Signature kSearch{.names = {"part", "start", "stop"}, .required = 1, .by_position = true};
constexpr Signature kPad{.names = {"width", "fillchar"}, .required = 1, .by_position = true};
constexpr Signature kOne{.names = {"value"}, .required = 1, .by_position = true};

constexpr Function kStringMethods[] = {
    {"capitalize", {}, method_map<capitalized>},
    {"center", kPad, method_pad<Side::kBoth>},
    {"count", kSearch, method_count},
    {"endswith", kSearch, method_affix<false>},
    {"expandtabs", {.names = {"tabsize"}}, method_expandtabs},
    {"find", kSearch, method_find<false, false>},
    {"format", {.takes_rest = true}, method_format},
    {"index", kSearch, method_find<false, true>},
    {"join", kOne, method_join},
    {"ljust", kPad, method_pad<Side::kLeft>},
    {"lower", {}, method_map<to_lower>},
    {"replace",
     {.names = {"old", "new", "count"}, .required = 2, .by_position = true},
     method_replace},
    {"rfind", kSearch, method_find<true, false>},
    {"rindex", kSearch, method_find<true, true>},
    {"rjust", kPad, method_pad<Side::kRight>},
    {"startswith", kSearch, method_affix<true>},
    {"swapcase", {}, method_swapcase},
    {"title", {}, method_map<titled, kCaseCost>},
    {"upper", {}, method_map<to_upper>},
    {"zfill", kOne, method_zfill},
    // Known, and refused.
    {"casefold", {}, nullptr},
    {"encode", {}, nullptr},
    {"format_map", {}, nullptr},
    {"maketrans", {}, nullptr},
    {"translate", {}, nullptr},
};

}  // namespace

std::span<const Function> string_methods() { return kStringMethods; }

}  // namespace hearth::text::jinja

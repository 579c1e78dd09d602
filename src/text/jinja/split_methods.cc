// Methods of strings that take them apart.
#include <algorithm>

#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

using Parts = std::vector<std::string_view>;

Result<Value> strings(const Call& call, const Parts& parts, ListKind kind = ListKind::kList) {
  HEARTH_TRY_VOID(call.budget.charge(parts.size() * (sizeof(Value) + sizeof(String))));
  std::vector<Value> items;
  items.reserve(parts.size());
  for (const std::string_view part : parts) items.push_back(Value::string(part));
  return Value::list(std::move(items), kind);
}

/// The runs between white space.
Parts words_of(std::string_view text) {
  Parts words;
  for (;;) {
    text = strip(text, true, false);
    if (text.empty()) return words;
    std::size_t end = 0;
    while (end < text.size()) {
      const Utf8Step step = utf8_step(text.substr(end));
      if (is_python_space(step.code_point)) break;
      end += step.length;
    }
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

/// The words, all but `most` of them in one piece with the white space between (and, on the side
/// where the counting ends, around).
Parts split_spaces(std::string_view text, std::int64_t most, bool from_right) {
  Parts words = words_of(text);
  const auto count = static_cast<std::size_t>(most);
  if (most < 0 || words.size() <= count) return words;
  if (from_right) {
    const std::size_t joined = words.size() - count;
    const char* const end = words[joined - 1].data() + words[joined - 1].size();
    const std::string_view rest = text.substr(0, static_cast<std::size_t>(end - text.data()));
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(joined));
    words.insert(words.begin(), rest);
    return words;
  }
  const auto begin = static_cast<std::size_t>(words[count].data() - text.data());
  words.resize(count);
  words.push_back(text.substr(begin));
  return words;
}

Parts split_by(std::string_view text, std::string_view separator, std::int64_t most) {
  Parts parts;
  while (most < 0 || static_cast<std::int64_t>(parts.size()) < most) {
    const std::size_t at = find_text(text, separator);
    if (at == std::string_view::npos) break;
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  parts.push_back(text);
  return parts;
}

/// From the right: the text is split backwards, so that each search begins where the last ended.
Parts split_by_from_right(std::string_view text, std::string_view separator, std::int64_t most) {
  const std::string backwards(text.rbegin(), text.rend());
  const std::string separator_backwards(separator.rbegin(), separator.rend());
  Parts parts = split_by(backwards, separator_backwards, most);
  for (std::string_view& part : parts) {
    const auto end = static_cast<std::size_t>(part.data() - backwards.data()) + part.size();
    part = text.substr(text.size() - end, part.size());
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

Result<Value> split(const Call& call, bool from_right) {
  const std::string& text = *call.self.as_string();
  HEARTH_TRY(const std::int64_t most, call.whole_or(1, -1));
  HEARTH_TRY_VOID(call.budget.charge(text.size()));
  if (!call.has(0)) return strings(call, split_spaces(text, most, from_right));
  HEARTH_TRY(const std::string* separator, call.text(0));
  if (separator->empty()) return call.wrong("the separator is empty");
  return strings(call, from_right ? split_by_from_right(text, *separator, most)
                                  : split_by(text, *separator, most));
}

Result<Value> method_split(const Call& call) { return split(call, false); }
Result<Value> method_rsplit(const Call& call) { return split(call, true); }

/// What is before, at and after the separator; all is before (or, from the right, after) it where
/// it does not occur.
Result<Value> partition(const Call& call, bool from_right) {
  const std::string& text = *call.self.as_string();
  HEARTH_TRY(const std::string* separator, call.text(0));
  if (separator->empty()) return call.wrong("the separator is empty");
  HEARTH_TRY_VOID(call.budget.charge(text.size()));
  Parts parts =
      from_right ? split_by_from_right(text, *separator, 1) : split_by(text, *separator, 1);
  if (parts.size() == 1) {
    parts = from_right ? Parts{"", "", text} : Parts{text, "", ""};
  } else {
    parts.insert(parts.begin() + 1, *separator);
  }
  return strings(call, parts, ListKind::kTuple);
}

Result<Value> method_partition(const Call& call) { return partition(call, false); }
Result<Value> method_rpartition(const Call& call) { return partition(call, true); }

Result<Value> method_splitlines(const Call& call) {
  const std::string_view text = *call.self.as_string();
  HEARTH_TRY_VOID(call.budget.charge(text.size()));
  Parts lines;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Step step = utf8_step(text.substr(i));
    const char32_t c = step.code_point;
    std::size_t next = i + step.length;
    const bool breaks = (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 ||
                        c == 0x2028 || c == 0x2029;
    if (breaks) {
      if (c == '\r' && next < text.size() && text[next] == '\n') ++next;
      lines.push_back(text.substr(begin, (call.truth(0) ? next : i) - begin));
      begin = next;
    }
    i = next;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return strings(call, lines);
}

Result<Value> stripped(const Call& call, bool left, bool right) {
  const std::string& text = *call.self.as_string();
  std::optional<std::string_view> characters;
  HEARTH_TRY_VOID(call.budget.charge_text(text.size()));
  if (call.has(0)) {
    HEARTH_TRY(const std::string* given, call.text(0));
    // Each character that goes is looked for among them.
    HEARTH_TRY_VOID(call.budget.charge(text.size() / 16 * given->size()));
    characters = *given;
  }
  return Value::string(strip(text, left, right, characters));
}

Result<Value> method_strip(const Call& call) { return stripped(call, true, true); }
Result<Value> method_lstrip(const Call& call) { return stripped(call, true, false); }
Result<Value> method_rstrip(const Call& call) { return stripped(call, false, true); }

Result<Value> method_removeprefix(const Call& call) {
  std::string_view text = *call.self.as_string();
  HEARTH_TRY(const std::string* prefix, call.text(0));
  HEARTH_TRY_VOID(call.budget.charge_text(text.size()));
  if (text.starts_with(*prefix)) text.remove_prefix(prefix->size());
  return Value::string(text);
}

Result<Value> method_removesuffix(const Call& call) {
  std::string_view text = *call.self.as_string();
  HEARTH_TRY(const std::string* suffix, call.text(0));
  HEARTH_TRY_VOID(call.budget.charge_text(text.size()));
  if (text.ends_with(*suffix)) text.remove_suffix(suffix->size());
  return Value::string(text);
}

constexpr Signature kOneText{.names = {"text"}, .required = 1, .by_position = true};
constexpr Signature kCharacters{.names = {"chars"}, .by_position = true};

constexpr Function kSplitMethods[] = {
    {"lstrip", kCharacters, method_lstrip},
    {"partition", kOneText, method_partition},
    {"removeprefix", kOneText, method_removeprefix},
    {"removesuffix", kOneText, method_removesuffix},
    {"rpartition", kOneText, method_rpartition},
    {"rsplit", {.names = {"sep", "maxsplit"}}, method_rsplit},
    {"rstrip", kCharacters, method_rstrip},
    {"split", {.names = {"sep", "maxsplit"}}, method_split},
    {"splitlines", {.names = {"keepends"}}, method_splitlines},
    {"strip", kCharacters, method_strip},
};

}  // namespace

std::span<const Function> split_methods() { return kSplitMethods; }

}  // namespace hearth::text::jinja

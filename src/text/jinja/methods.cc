// Methods of strings, lists and dicts: the part of Python's that templates use.
#include <algorithm>
#include <functional>

#include "text/jinja/builtins.h"
#include "text/letter_case.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

using Bound = std::vector<std::optional<Value>>;

tl::unexpected<Error> wrong(std::string_view method, const std::string& message) {
  return fail(ErrorCode::kInvalidArgument, "the method " + std::string(method) + "(): " + message);
}

/// White space for Python's str.strip(): Unicode's and U+001C to U+001F.
bool is_python_space(char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

std::string_view last_character(std::string_view text) {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return text.substr(begin);
}

Result<Value> strings(const std::vector<std::string_view>& parts) {
  std::vector<Value> items;
  items.reserve(parts.size());
  for (const std::string_view part : parts) items.push_back(Value::string(std::string(part)));
  return Value::list(std::move(items));
}

/// str.split() without separator: runs of white space separate, none at the ends counts.
std::vector<std::string_view> split_spaces(std::string_view text, std::int64_t most) {
  std::vector<std::string_view> parts;
  text = strip(text, true, false);
  while (!text.empty()) {
    if (most >= 0 && static_cast<std::int64_t>(parts.size()) == most) {
      parts.push_back(strip(text, false, true));
      break;
    }
    std::size_t end = 0;
    while (end < text.size()) {
      const Utf8Step step = utf8_step(text.substr(end));
      if (is_python_space(step.code_point)) break;
      end += step.length;
    }
    parts.push_back(text.substr(0, end));
    text = strip(text.substr(end), true, false);
  }
  return parts;
}

std::vector<std::string_view> split_by(std::string_view text, std::string_view separator,
                                       std::int64_t most, bool from_right) {
  std::vector<std::string_view> parts;
  while (most < 0 || static_cast<std::int64_t>(parts.size()) < most) {
    const std::size_t at = from_right ? text.rfind(separator) : text.find(separator);
    if (at == std::string_view::npos) break;
    if (from_right) {
      parts.push_back(text.substr(at + separator.size()));
      text = text.substr(0, at);
    } else {
      parts.push_back(text.substr(0, at));
      text = text.substr(at + separator.size());
    }
  }
  parts.push_back(text);
  if (from_right) std::reverse(parts.begin(), parts.end());
  return parts;
}

Result<Value> split_method(std::string_view text, std::string_view name, const Arguments& given) {
  HEARTH_TRY(const Bound args, given.bind({"sep", "maxsplit"}));
  std::int64_t most = -1;
  if (args[1]) {
    if (!args[1]->is_integer()) return wrong(name, "maxsplit must be a whole number");
    most = to_integer(*args[1]);
  }
  if (!args[0] || args[0]->is_none()) {
    if (name == "rsplit" && most >= 0) {
      return fail(ErrorCode::kUnsupported, "rsplit() by white space with maxsplit");
    }
    return strings(split_spaces(text, most));
  }
  const std::string* separator = args[0]->as_string();
  if (separator == nullptr || separator->empty()) {
    return wrong(name, "the separator must be a string that is not empty");
  }
  return strings(split_by(text, *separator, most, name == "rsplit"));
}

Result<Value> strip_method(std::string_view text, std::string_view name, const Arguments& given) {
  HEARTH_TRY(const Bound args, given.bind({"chars"}));
  std::optional<std::string_view> chars;
  if (args[0] && !args[0]->is_none()) {
    if (args[0]->as_string() == nullptr) return wrong(name, "the characters must be a string");
    chars = *args[0]->as_string();
  }
  return Value::string(std::string(strip(text, name != "rstrip", name != "lstrip", chars)));
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to,
                     std::int64_t most) {
  std::string out;
  if (from.empty()) {  // between all characters, as Python does
    while (most != 0) {
      out += to;
      --most;
      if (text.empty()) return out;
      const std::size_t length = utf8_step(text).length;
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
    return out + std::string(text);
  }
  for (; most != 0; --most) {
    const std::size_t at = text.find(from);
    if (at == std::string_view::npos) break;
    out += text.substr(0, at);
    out += to;
    text.remove_prefix(at + from.size());
  }
  return out + std::string(text);
}

Result<Value> replace_method(const std::string& text, const Arguments& given, Budget& budget) {
  HEARTH_TRY(const Bound args, given.bind({"old", "new", "count"}));
  if (!args[0] || !args[1] || args[0]->as_string() == nullptr || args[1]->as_string() == nullptr ||
      (args[2] && !args[2]->is_integer() && !args[2]->is_none())) {
    return wrong("replace", "expected two strings and an optional count");
  }
  const std::string& from = *args[0]->as_string();
  const std::string& to = *args[1]->as_string();
  // The longest that may come out, known before it is made.
  const std::size_t places = from.empty() ? text.size() + 1 : text.size() / from.size();
  HEARTH_TRY_VOID(budget.charge_text(text.size() + places * to.size()));
  const std::int64_t most = args[2] && args[2]->is_integer() ? to_integer(*args[2]) : -1;
  return Value::string(replaced(text, from, to, most));
}

Result<Value> affix_test(std::string_view text, std::string_view name, const Arguments& given) {
  HEARTH_TRY(const Bound args, given.bind({"affix"}));
  const auto matches = [&](const Value& affix) {
    const std::string* s = affix.as_string();
    return s != nullptr && (name == "startswith" ? text.starts_with(*s) : text.ends_with(*s));
  };
  if (args[0] && args[0]->as_string() != nullptr) return Value::boolean(matches(*args[0]));
  if (args[0] && args[0]->as_list() != nullptr) {
    const auto& items = args[0]->as_list()->items;
    return Value::boolean(std::any_of(items.begin(), items.end(), matches));
  }
  return wrong(name, "expected a string or a tuple of strings");
}

Result<Value> one_string_method(std::string_view text, std::string_view name,
                                const Arguments& given) {
  HEARTH_TRY(const Bound args, given.bind({"text"}));
  if (!args[0] || args[0]->as_string() == nullptr) return wrong(name, "expected a string");
  const std::string& part = *args[0]->as_string();
  if (name == "removeprefix") {
    if (text.starts_with(part)) text.remove_prefix(part.size());
    return Value::string(std::string(text));
  }
  if (name == "removesuffix") {
    if (text.ends_with(part)) text.remove_suffix(part.size());
    return Value::string(std::string(text));
  }
  if (name == "count") {
    if (part.empty()) return Value::integer(static_cast<std::int64_t>(utf8_length(text)) + 1);
    std::int64_t count = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos;
         at = text.find(part, at + part.size())) {
      ++count;
    }
    return Value::integer(count);
  }
  const std::size_t at = name == "find" ? text.find(part) : text.rfind(part);
  if (at == std::string_view::npos) return Value::integer(-1);
  return Value::integer(static_cast<std::int64_t>(utf8_length(text.substr(0, at))));
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Step step = utf8_step(text.substr(i));
    const char32_t c = step.code_point;
    const bool breaks = (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 ||
                        c == 0x2028 || c == 0x2029;
    const std::size_t next = i + step.length;
    if (breaks) {
      lines.push_back(text.substr(begin, i - begin));
      begin = c == 0x0D && next < text.size() && text[next] == '\n' ? next + 1 : next;
      i = begin;
    } else {
      i = next;
    }
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

Result<Value> plain_string_method(const std::string& text, std::string_view name) {
  if (name == "upper") return Value::string(to_upper(text));
  if (name == "lower") return Value::string(to_lower(text));
  if (name == "splitlines") return strings(lines_of(text));
  if (name == "isdigit") {
    return Value::boolean(!text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
      return c >= '0' && c <= '9';
    }));
  }
  if (text.empty()) return Value::string("");  // capitalize
  const std::size_t first = utf8_step(text).length;
  return Value::string(to_upper(text.substr(0, first)) + to_lower(text.substr(first)));
}

Result<Value> string_method(const std::string& text, std::string_view name, const Arguments& given,
                            Budget& budget) {
  HEARTH_TRY_VOID(budget.charge(text.size()));
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    return strip_method(text, name, given);
  }
  if (name == "split" || name == "rsplit") return split_method(text, name, given);
  if (name == "startswith" || name == "endswith") return affix_test(text, name, given);
  if (name == "replace") return replace_method(text, given, budget);
  if (name == "join") {
    Arguments arguments;
    HEARTH_TRY(const Bound args, given.bind({"iterable"}));
    if (!args[0]) return wrong(name, "expected a list");
    arguments.positional.push_back(Value::string(text));
    return apply_filter("join", *args[0], arguments, budget);
  }
  if (name == "find" || name == "rfind" || name == "count" || name == "removeprefix" ||
      name == "removesuffix") {
    return one_string_method(text, name, given);
  }
  HEARTH_TRY(const Bound none, given.bind({}));
  return plain_string_method(text, name);
}

Result<Value> dict_method(const Value& self, std::string_view name, const Arguments& given) {
  const Dict& dict = *self.as_dict();
  if (name == "get") {
    HEARTH_TRY(const Bound args, given.bind({"key", "default"}));
    if (!args[0]) return wrong(name, "expected a key");
    const Value* found =
        args[0]->as_string() != nullptr ? dict.find(*args[0]->as_string()) : nullptr;
    return found != nullptr ? *found : args[1].value_or(Value::none());
  }
  HEARTH_TRY(const Bound none, given.bind({}));
  std::vector<Value> items;
  for (const auto& [key, value] : dict.entries) {
    if (name == "keys") {
      items.push_back(Value::string(key));
    } else if (name == "values") {
      items.push_back(value);
    } else {
      HEARTH_TRY(Value pair, Value::list({Value::string(key), value}, true));
      items.push_back(std::move(pair));
    }
  }
  return Value::list(std::move(items));
}

Result<Value> list_method(const Value& self, std::string_view name, const Arguments& given) {
  HEARTH_TRY(const Bound args, given.bind({"value"}));
  if (!args[0]) return wrong(name, "expected a value");
  const auto& items = self.as_list()->items;
  const auto same = [&](const Value& item) { return equal(item, *args[0]); };
  if (name == "count") return Value::integer(std::count_if(items.begin(), items.end(), same));
  const auto found = std::find_if(items.begin(), items.end(), same);
  if (found == items.end()) return wrong(name, to_repr(*args[0]) + " is not in the list");
  return Value::integer(found - items.begin());
}

}  // namespace

std::string_view strip(std::string_view text, bool left, bool right,
                       std::optional<std::string_view> chars) {
  const auto removable = [&](std::string_view character) {
    if (chars) return chars->find(character) != std::string_view::npos;
    return is_python_space(utf8_step(character).code_point);
  };
  while (left && !text.empty() && removable(text.substr(0, utf8_step(text).length))) {
    text.remove_prefix(utf8_step(text).length);
  }
  while (right && !text.empty() && removable(last_character(text))) {
    text.remove_suffix(last_character(text).size());
  }
  return text;
}

Result<Value> call_method(const Value& self, std::string_view name, const Arguments& arguments,
                          Budget& budget) {
  if (const std::string* text = self.as_string()) {
    return string_method(*text, name, arguments, budget);
  }
  HEARTH_TRY_VOID(budget.charge(self.weight()));
  if (self.as_dict() != nullptr) return dict_method(self, name, arguments);
  if (self.as_list() != nullptr) return list_method(self, name, arguments);
  if (const LoopState* loop = self.as_loop()) {  // cycle
    if (arguments.positional.empty()) return wrong(name, "expected values");
    return arguments.positional[loop->index % arguments.positional.size()];
  }
  return fail(ErrorCode::kUnsupported,
              "the method " + std::string(name) + "() of " + self.describe() + " is not supported");
}

}  // namespace hearth::text::jinja

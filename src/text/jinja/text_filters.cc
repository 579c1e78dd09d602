// Filters of text: anything else prints itself first.
#include <algorithm>

#include "text/jinja/builtins.h"
#include "text/jinja/characters.h"
#include "text/jinja/operators.h"
#include "text/jinja/text_format.h"
#include "text/letter_case.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

/// The input as text; text keeps its mark of being safe.
Result<Value> soft_text(const Call& call) {
  if (call.self.is_string()) return call.self;
  HEARTH_TRY_VOID(call.budget.charge_text(call.self.text_weight()));
  return Value::string(to_text(call.self));
}

/// A filter that does what a method of strings does, with the same arguments.
Result<Value> as_method(const Call& call, std::string_view method) {
  HEARTH_TRY(const Value text, soft_text(call));
  return call_method(*find_method(text, method), text, call.all, call.runtime);
}

Result<Value> filter_string(const Call& call) { return soft_text(call); }
Result<Value> filter_upper(const Call& call) { return as_method(call, "upper"); }
Result<Value> filter_lower(const Call& call) { return as_method(call, "lower"); }
Result<Value> filter_capitalize(const Call& call) { return as_method(call, "capitalize"); }

Result<Value> filter_trim(const Call& call) {
  HEARTH_TRY(const Value text, soft_text(call));
  Arguments arguments;
  if (call.given(0)) arguments.positional.push_back(call.at(0));
  return call_method(*find_method(text, "strip"), text, arguments, call.runtime);
}

Result<Value> filter_center(const Call& call) {
  HEARTH_TRY(const Value text, soft_text(call));
  const Arguments arguments{{call.value_or(0, Value::integer(80))}, {}};
  return call_method(*find_method(text, "center"), text, arguments, call.runtime);
}

/// All three arguments print themselves, which text.replace() would not do.
Result<Value> filter_replace(const Call& call) {
  HEARTH_TRY_VOID(call.budget.charge_text(call.self.text_weight() + call.at(0).text_weight() +
                                          call.at(1).text_weight()));
  Arguments arguments{{Value::string(to_text(call.at(0))), Value::string(to_text(call.at(1)))}, {}};
  if (call.has(2)) arguments.positional.push_back(call.at(2));
  const Value text = Value::string(to_text(call.self));
  return call_method(*find_method(text, "replace"), text, arguments, call.runtime);
}

/// Words begin after white space, '-' and opening brackets only, unlike in str.title().
Result<Value> filter_title(const Call& call) {
  HEARTH_TRY(const Value input, soft_text(call));
  std::string_view text = *input.as_string();
  HEARTH_TRY_VOID(call.budget.charge(text.size() * kCaseCost));
  std::string out;
  bool begins = true;
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    const std::string_view letter = text.substr(0, step.length);
    const bool separates = is_python_space(step.code_point) ||
                           std::string_view("-({[<").find(letter) != std::string_view::npos;
    out += begins ? to_upper(letter) : to_lower(letter);
    begins = separates;
    text.remove_prefix(step.length);
  }
  return Value::string(std::move(out), input.is_markup());
}

Result<Value> filter_wordcount(const Call& call) {
  HEARTH_TRY(const Value input, soft_text(call));
  std::string_view text = *input.as_string();
  HEARTH_TRY_VOID(call.budget.charge(text.size() * kClassCost));
  std::int64_t count = 0;
  bool in_word = false;
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    const bool word = is_word(step.code_point);
    if (word && !in_word) ++count;
    in_word = word;
    text.remove_prefix(step.length);
  }
  return Value::integer(count);
}

constexpr std::int64_t kIndentMax = 10'000;

/// Lines in Python's sense come out separated by "\n", whatever separated them.
Result<Value> filter_indent(const Call& call) {
  if (!call.self.is_string()) return call.wrong("needs text, not " + call.self.describe());
  std::string prefix(4, ' ');
  if (call.given(0) && call.at(0).is_string()) {
    prefix = *call.at(0).as_string();
  } else if (call.given(0)) {
    HEARTH_TRY(const std::int64_t width, call.whole_up_to(0, 4, kIndentMax));
    prefix.assign(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
  }
  const std::string& text = *call.self.as_string();
  const Value with_end = Value::string(text + "\n");
  HEARTH_TRY(const Value split,
             call_method(*find_method(with_end, "splitlines"), with_end, {}, call.runtime));
  const auto& lines = split.as_list()->items;
  HEARTH_TRY_VOID(call.budget.charge_text(text.size() + lines.size() * prefix.size()));
  const bool first = call.truth(1);
  const bool blank = call.truth(2);
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = *lines[i].as_string();
    if (i > 0) out += '\n';
    if (i == 0 ? first : blank || !line.empty()) out += prefix;
    out += line;
  }
  return Value::string(std::move(out), call.self.is_markup());
}

/// The first `count` characters.
std::string_view prefix_of(std::string_view text, std::int64_t count) {
  std::size_t end = 0;
  for (std::int64_t i = 0; i < count && end < text.size(); ++i) {
    end += utf8_step(text.substr(end)).length;
  }
  return text.substr(0, end);
}

Result<Value> filter_truncate(const Call& call) {
  HEARTH_TRY(const std::int64_t length, call.whole_or(0, 255));
  const std::string end = call.given(2) ? to_text(call.at(2)) : "...";
  std::int64_t leeway = 5;
  if (call.has(3)) {
    HEARTH_TRY(leeway, call.whole_or(3, 5));
  }
  const auto end_length = static_cast<std::int64_t>(utf8_length(end));
  if (length < end_length || leeway < 0) {
    return call.wrong("length must not be less than that of the end, nor leeway less than 0");
  }
  HEARTH_TRY_VOID(call.budget.charge_text(call.self.weight() + end.size()));
  HEARTH_TRY(const std::size_t size, length_of(call.self));
  if (static_cast<std::int64_t>(size) - length <= leeway) return call.self;
  if (!call.self.is_string()) return call.wrong("needs text, not " + call.self.describe());
  const std::string& text = *call.self.as_string();
  std::string_view kept = prefix_of(text, length - end_length);
  if (!call.truth(1)) kept = kept.substr(0, kept.rfind(' '));  // not in the middle of a word
  return Value::string(std::string(kept) + end, call.self.is_markup());
}

/// "%s %s" | format(a, b)
Result<Value> filter_format(const Call& call) {
  HEARTH_TRY(const Value text, soft_text(call));
  const auto& [positional, named] = call.all;
  if (!positional.empty() && !named.empty()) {
    return call.wrong("takes arguments with names or without, not both");
  }
  if (named.empty()) {
    HEARTH_TRY(const Value values, Value::list(positional, ListKind::kTuple));
    return format_percent(text, values, call.budget);
  }
  std::vector<std::pair<Value, Value>> entries;
  for (const auto& [name, value] : named) entries.emplace_back(Value::string(name), value);
  HEARTH_TRY(const Value values, Value::dict(std::move(entries)));
  return format_percent(text, values, call.budget);
}

constexpr Function kTextFilters[] = {
    {"capitalize", {}, filter_capitalize},
    {"center", {.names = {"width"}}, filter_center},
    {"format", {.takes_rest = true}, filter_format},
    {"indent", {.names = {"width", "first", "blank"}}, filter_indent},
    {"lower", {}, filter_lower},
    {"replace", {.names = {"old", "new", "count"}, .required = 2}, filter_replace},
    {"string", {}, filter_string},
    {"title", {}, filter_title},
    {"trim", {.names = {"chars"}}, filter_trim},
    {"truncate", {.names = {"length", "killwords", "end", "leeway"}}, filter_truncate},
    {"upper", {}, filter_upper},
    {"wordcount", {}, filter_wordcount},
};

}  // namespace

std::span<const Function> text_filters() { return kTextFilters; }

}  // namespace hearth::text::jinja

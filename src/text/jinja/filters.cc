// Filters: value | name(arguments).
#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/jinja/builtins.h"
#include "text/letter_case.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

using Bound = std::vector<std::optional<Value>>;

tl::unexpected<Error> wrong(std::string_view filter, const std::string& message) {
  return fail(ErrorCode::kInvalidArgument, "the filter " + std::string(filter) + ": " + message);
}

/// Text that a filter of strings works on: anything prints itself first, as in Jinja.
std::string text_of(const Value& value) { return to_text(value); }

Result<Value> filter_tojson(const Value& input, const Arguments& given, Budget& budget) {
  HEARTH_TRY(const Bound args, given.bind({"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ensure_ascii = args[0] && args[0]->truthy();
  style.sort_keys = args[3] && args[3]->truthy();
  if (args[1] && !args[1]->is_none()) {
    if (!args[1]->is_integer() || to_integer(*args[1]) < 0 || to_integer(*args[1]) > 64) {
      return wrong("tojson", "indent must be a whole number from 0 to 64");
    }
    style.indent = static_cast<int>(to_integer(*args[1]));
    style.item_separator = ",";
  }
  if (args[2] && !args[2]->is_none()) {
    const List* pair = args[2]->as_list();
    if (pair == nullptr || pair->items.size() != 2 || pair->items[0].as_string() == nullptr ||
        pair->items[1].as_string() == nullptr) {
      return wrong("tojson", "separators must be two strings");
    }
    style.item_separator = *pair->items[0].as_string();
    style.key_separator = *pair->items[1].as_string();
  }
  // Each item may need a line with its indent.
  const std::size_t per_item = 8 + (style.indent > 0 ? input.depth() * 64 : 0);
  HEARTH_TRY_VOID(budget.charge(input.weight() * (style.indent < 0 ? 1 : per_item / 8)));
  HEARTH_TRY(std::string json, to_json(input, style));
  HEARTH_TRY_VOID(budget.charge_text(json.size()));
  return Value::string(std::move(json));
}

Result<Value> filter_join(const Value& input, const Arguments& given, Budget& budget) {
  HEARTH_TRY(const Bound args, given.bind({"d", "attribute"}));
  const std::string separator = args[0] ? text_of(*args[0]) : "";
  HEARTH_TRY(const auto list, iterate(input));
  std::string out;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    Value item = list->items[i];
    if (args[1]) {
      HEARTH_TRY(item, get_item(item, *args[1]));
    }
    HEARTH_TRY_VOID(budget.charge_text(out.size() / 64 + separator.size() + item.weight()));
    if (i > 0) out += separator;
    out += text_of(item);
  }
  HEARTH_TRY_VOID(budget.charge_text(out.size()));
  return Value::string(std::move(out));
}

Result<Value> filter_default(const Value& input, const Arguments& given) {
  HEARTH_TRY(const Bound args, given.bind({"default_value", "boolean"}));
  const bool falsy_too = args[1] && args[1]->truthy();
  if (!input.is_undefined() && !(falsy_too && !input.truthy())) return input;
  return args[0].value_or(Value::string(""));
}

Result<Value> filter_int(const Value& input, const Arguments& given) {
  HEARTH_TRY(const Bound args, given.bind({"default"}));
  const Value fallback = args[0].value_or(Value::integer(0));
  if (input.is_integer() || input.is_bool()) return Value::integer(to_integer(input));
  double number = 0.0;
  if (input.is_float()) {
    number = to_double(input);
  } else {
    if (input.as_string() == nullptr) return fallback;
    const std::string_view text = strip(*input.as_string(), true, true);
    const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
    std::int64_t whole = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), whole);
    if (parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size()) {
      return Value::integer(whole);
    }
    const auto as_float = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (as_float.ec != std::errc() || as_float.ptr != digits.data() + digits.size()) {
      return fallback;
    }
  }
  if (!(std::fabs(number) < 9.2e18)) return fallback;
  return Value::integer(static_cast<std::int64_t>(number));
}

Result<Value> filter_float(const Value& input, const Arguments& given) {
  HEARTH_TRY(const Bound args, given.bind({"default"}));
  if (input.is_number()) return Value::number(to_double(input));
  if (const std::string* s = input.as_string()) {
    std::string_view text = strip(*s, true, true);
    if (text.starts_with('+')) text.remove_prefix(1);
    double number = 0.0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) {
      return Value::number(number);
    }
  }
  return args[0].value_or(Value::number(0.0));
}

Result<Value> filter_edge(std::string_view name, const Value& input, const Arguments& given) {
  HEARTH_TRY(const Bound none, given.bind({}));
  HEARTH_TRY(const auto list, iterate(input));
  if (list->items.empty()) return Value::undefined("the " + std::string(name) + " item of nothing");
  return name == "first" ? list->items.front() : list->items.back();
}

Result<Value> filter_reverse(const Value& input, const Arguments& given) {
  HEARTH_TRY(const Bound none, given.bind({}));
  HEARTH_TRY(const auto list, iterate(input));
  std::vector<Value> items(list->items.rbegin(), list->items.rend());
  if (input.as_string() == nullptr) return Value::list(std::move(items));
  std::string out;
  for (const Value& item : items) out += *item.as_string();
  return Value::string(std::move(out));
}

Result<Value> filter_indent(const Value& input, const Arguments& given, Budget& budget) {
  HEARTH_TRY(const Bound args, given.bind({"width", "first", "blank"}));
  std::string prefix(4, ' ');
  if (args[0] && args[0]->as_string() != nullptr) {
    prefix = *args[0]->as_string();
  } else if (args[0]) {
    if (!args[0]->is_integer() || to_integer(*args[0]) < 0 || to_integer(*args[0]) > 1000) {
      return wrong("indent", "width must be a string or a whole number from 0 to 1000");
    }
    prefix.assign(static_cast<std::size_t>(to_integer(*args[0])), ' ');
  }
  const bool first = args[1] && args[1]->truthy();
  const bool blank = args[2] && args[2]->truthy();
  const std::string text = text_of(input);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  HEARTH_TRY_VOID(budget.charge_text(text.size() + lines * prefix.size()));
  std::string out;
  for (std::size_t begin = 0, line = 0; begin <= text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (line > 0) out += '\n';
    if ((line > 0 || first) && (blank || end > begin)) out += prefix;
    out.append(text, begin, end - begin);
    begin = end + 1;
  }
  return Value::string(std::move(out));
}

Result<Value> filter_dictsort(const Value& input, const Arguments& given) {
  HEARTH_TRY(const Bound args, given.bind({"case_sensitive"}));
  const Dict* dict = input.as_dict();
  if (dict == nullptr) return wrong("dictsort", "expected a dict, not " + input.describe());
  const bool exact = args[0] && args[0]->truthy();
  auto entries = dict->entries;
  std::stable_sort(entries.begin(), entries.end(), [&](const auto& a, const auto& b) {
    return exact ? a.first < b.first : to_lower(a.first) < to_lower(b.first);
  });
  std::vector<Value> pairs;
  for (auto& [key, value] : entries) {
    HEARTH_TRY(Value pair, Value::list({Value::string(key), value}, true));
    pairs.push_back(std::move(pair));
  }
  return Value::list(std::move(pairs));
}

/// select, reject, selectattr and rejectattr: items for which a test holds, or does not.
Result<Value> filter_select(std::string_view name, const Value& input, const Arguments& given,
                            Budget& budget) {
  const bool by_attribute = name.ends_with("attr");
  const bool keep = name.starts_with("select");
  Arguments test;
  test.positional = given.positional;
  Value attribute;
  if (by_attribute) {
    if (test.positional.empty()) return wrong(name, "expected the name of an attribute");
    attribute = test.positional.front();
    test.positional.erase(test.positional.begin());
  }
  std::optional<std::string> test_name;
  if (!test.positional.empty()) {
    if (test.positional.front().as_string() == nullptr) return wrong(name, "expected a test name");
    test_name = *test.positional.front().as_string();
    test.positional.erase(test.positional.begin());
  }
  HEARTH_TRY(const auto list, iterate(input));
  std::vector<Value> kept;
  for (const Value& item : list->items) {
    HEARTH_TRY_VOID(budget.charge(sizeof(Value)));
    Value subject = item;
    if (by_attribute) {
      HEARTH_TRY(subject, get_item(item, attribute));
    }
    bool holds = subject.truthy();
    if (test_name) {
      HEARTH_TRY(holds, apply_test(*test_name, subject, test));
    }
    if (holds == keep) kept.push_back(item);
  }
  return Value::list(std::move(kept));
}

/// map(attribute=..., default=...) or map('filter', arguments...).
Result<Value> filter_map(const Value& input, const Arguments& given, Budget& budget) {
  HEARTH_TRY(const auto list, iterate(input));
  std::vector<Value> out;
  Arguments inner;
  std::optional<Value> attribute;
  std::optional<Value> fallback;
  if (given.positional.empty()) {
    HEARTH_TRY(const Bound args, given.bind({"attribute", "default"}));
    attribute = args[0];
    fallback = args[1];
    if (!attribute) return wrong("map", "expected a filter or attribute=");
  } else {
    inner.positional.assign(given.positional.begin() + 1, given.positional.end());
    inner.named = given.named;
    if (given.positional.front().as_string() == nullptr) return wrong("map", "expected a name");
  }
  for (const Value& item : list->items) {
    HEARTH_TRY_VOID(budget.charge(sizeof(Value)));
    Value mapped;
    if (attribute) {
      HEARTH_TRY(mapped, get_item(item, *attribute));
      if (mapped.is_undefined() && fallback) mapped = *fallback;
    } else {
      HEARTH_TRY(mapped, apply_filter(*given.positional.front().as_string(), item, inner, budget));
    }
    out.push_back(std::move(mapped));
  }
  return Value::list(std::move(out));
}

/// Filters that are methods of strings too.
std::optional<std::string_view> method_for(std::string_view filter) {
  if (filter == "trim") return "strip";
  if (filter == "upper" || filter == "lower" || filter == "replace" || filter == "capitalize") {
    return filter;
  }
  return std::nullopt;
}

Result<Value> filter_of_list(std::string_view name, const Value& input, const Arguments& given,
                             Budget& budget) {
  if (name == "first" || name == "last") return filter_edge(name, input, given);
  if (name == "reverse") return filter_reverse(input, given);
  if (name == "join") return filter_join(input, given, budget);
  if (name == "map") return filter_map(input, given, budget);
  if (name == "select" || name == "reject" || name == "selectattr" || name == "rejectattr") {
    return filter_select(name, input, given, budget);
  }
  if (name == "list") {
    HEARTH_TRY(const Bound none, given.bind({}));
    HEARTH_TRY(const auto list, iterate(input));
    return Value::list(list->items);
  }
  if (name == "items") {
    HEARTH_TRY(const Bound none, given.bind({}));
    if (input.is_undefined()) return Value::list({});
    if (input.as_dict() == nullptr) {
      return wrong(name, "expected a dict, not " + input.describe());
    }
    return call_method(input, "items", {}, budget);
  }
  if (name == "dictsort") return filter_dictsort(input, given);
  return fail(ErrorCode::kUnsupported, "the filter " + std::string(name) + " is not supported");
}

}  // namespace

Result<Value> apply_filter(std::string_view name, const Value& input, const Arguments& given,
                           Budget& budget) {
  HEARTH_TRY_VOID(budget.charge(input.weight()));
  if (name == "tojson") return filter_tojson(input, given, budget);
  if (name == "default" || name == "d") return filter_default(input, given);
  if (name == "length" || name == "count") {
    HEARTH_TRY(const Bound none, given.bind({}));
    HEARTH_TRY(const std::size_t length, length_of(input));
    return Value::integer(static_cast<std::int64_t>(length));
  }
  if (name == "string" || name == "safe") {
    HEARTH_TRY(const Bound none, given.bind({}));
    return name == "safe" && input.as_string() != nullptr ? input : Value::string(text_of(input));
  }
  if (name == "int") return filter_int(input, given);
  if (name == "float") return filter_float(input, given);
  if (name == "abs" && input.is_number()) {
    HEARTH_TRY(const Bound none, given.bind({}));
    if (input.is_float()) return Value::number(std::fabs(to_double(input)));
    return to_integer(input) < 0 ? binary("-", Value::integer(0), input, budget)
                                 : Result<Value>(Value::integer(to_integer(input)));
  }
  if (name == "indent") return filter_indent(input, given, budget);
  if (const auto method = method_for(name)) {
    return call_method(Value::string(text_of(input)), *method, given, budget);
  }
  return filter_of_list(name, input, given, budget);
}

}  // namespace hearth::text::jinja

// The table of filters, and the filters of any value.
#include <unordered_map>

#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"

namespace hearth::text::jinja {
namespace {

Result<Value> filter_default(const Call& call) {
  const bool falsy_too = call.truth(1);
  if (!call.self.is_undefined() && !(falsy_too && !call.self.truthy())) return call.self;
  return call.value_or(0, Value::string(""));
}

Result<Value> filter_attr(const Call& call) {
  HEARTH_TRY(const std::string* name, call.text(0));
  // Only attributes, never entries.
  if (call.self.as_dict() == nullptr) return get_attribute(call.self, call.at(0));
  const Function* method = find_method(call.self, *name);
  if (method == nullptr) return Value::undefined("'" + *name + "' of a dict");
  return Value::method(*method, call.self);
}

constexpr std::int64_t kIndentMax = 64;

Result<JsonStyle> json_style(const Call& call) {
  JsonStyle style;
  style.ensure_ascii = call.truth(0);
  style.sort_keys = call.truth(3);
  if (call.has(1)) {
    style.indents = true;
    style.item_separator = ",";
    if (const std::string* text = call.at(1).as_string()) {
      style.indent = *text;
    } else {
      HEARTH_TRY(const std::int64_t width, call.whole_up_to(1, 0, kIndentMax));
      style.indent.assign(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
    }
  }
  if (call.has(2)) {
    const List* pair = call.at(2).as_list();
    if (pair == nullptr || pair->items.size() != 2 || !pair->items[0].is_string() ||
        !pair->items[1].is_string()) {
      return call.wrong("separators must be two strings");
    }
    style.item_separator = *pair->items[0].as_string();
    style.key_separator = *pair->items[1].as_string();
  }
  return style;
}

/// As Hugging Face defines it: json.dumps(value, ...), nothing escaped for HTML.
Result<Value> filter_tojson(const Call& call) {
  HEARTH_TRY(const JsonStyle style, json_style(call));
  // The most that each part can need: its line with its indent, and both separators.
  const std::size_t parts = call.self.weight() / sizeof(Value);
  const std::size_t per_part = style.item_separator.size() + style.key_separator.size() +
                               (style.indents ? call.self.depth() * style.indent.size() + 1 : 0);
  HEARTH_TRY_VOID(call.budget.charge(call.self.weight() + parts * per_part));
  HEARTH_TRY(std::string json, to_json(call.self, style));
  HEARTH_TRY_VOID(call.budget.charge_text(json.size()));
  return Value::string(std::move(json));
}

constexpr Function kAnyFilters[] = {
    {"attr", {.names = {"name"}, .required = 1}, filter_attr},
    {"d", {.names = {"default_value", "boolean"}}, filter_default},
    {"default", {.names = {"default_value", "boolean"}}, filter_default},
    {"tojson", {.names = {"ensure_ascii", "indent", "separators", "sort_keys"}}, filter_tojson},
    // Known, and refused: no chat template needs them, and their output is not worth imitating.
    {"pprint", {}, nullptr},
    {"random", {}, nullptr},
    {"striptags", {}, nullptr},
    {"urlize", {}, nullptr},
    {"wordwrap", {}, nullptr},
};

using Table = std::unordered_map<std::string_view, const Function*>;

Table joined_tables() {
  Table all;
  for (const std::span<const Function> table :
       {std::span<const Function>(kAnyFilters), text_filters(), number_filters(),
        sequence_filters(), ordering_filters(), html_filters()}) {
    for (const Function& row : table) all.emplace(row.name, &row);
  }
  return all;
}

}  // namespace

const Function* find_filter(std::string_view name) {
  static const Table table = joined_tables();
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

Result<Value> apply_filter(std::string_view name, const Value& input, const Arguments& arguments,
                           Runtime& runtime) {
  const Function* filter = find_filter(name);
  if (filter == nullptr) {
    return fail(ErrorCode::kUnsupported, "the filter " + std::string(name) + " is not supported");
  }
  return call_function(*filter, "filter", input, arguments, runtime);
}

}  // namespace hearth::text::jinja

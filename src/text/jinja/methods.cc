// Methods by the kind of their object; those of lists, dicts, numbers and loops are here.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"

namespace hearth::text::jinja {
namespace {

using Table = std::unordered_map<std::string_view, const Function*>;

// --- lists and tuples

Result<Value> list_count(const Call& call) {
  const List& list = *call.self.as_list();
  HEARTH_TRY_VOID(call.budget.charge(
      list.items.size() + std::min(list.weight, list.items.size() * call.at(0).weight())));
  return Value::integer(std::count_if(list.items.begin(), list.items.end(),
                                      [&](const Value& item) { return equal(item, call.at(0)); }));
}

Result<Value> list_index(const Call& call) {
  const List& list = *call.self.as_list();
  const auto size = static_cast<std::int64_t>(list.items.size());
  HEARTH_TRY_VOID(call.budget.charge(
      list.items.size() + std::min(list.weight, list.items.size() * call.at(0).weight())));
  std::int64_t bounds[2] = {0, size};
  for (std::size_t i = 0; i < 2; ++i) {
    HEARTH_TRY(bounds[i], call.whole_or(i + 1, bounds[i]));
    if (bounds[i] < 0) bounds[i] = std::max<std::int64_t>(bounds[i] + size, 0);
  }
  for (std::int64_t i = bounds[0]; i < std::min(bounds[1], size); ++i) {
    if (equal(list.items[static_cast<std::size_t>(i)], call.at(0))) return Value::integer(i);
  }
  return call.wrong("the value is not in the list");
}

Result<Value> same_value(const Call& call) { return call.self; }

constexpr Signature kValue{.names = {"value"}, .required = 1, .by_position = true};

constexpr Function kListMethods[] = {
    {"copy", {}, same_value},
    {"count", kValue, list_count},
    {"index",
     {.names = {"value", "start", "stop"}, .required = 1, .by_position = true},
     list_index},
};

// --- dicts

Result<Value> dict_get(const Call& call) {
  HEARTH_TRY_VOID(call.budget.charge());
  const Dict& dict = *call.self.as_dict();
  if (!is_hashable(call.at(0))) return call.wrong(call.at(0).describe() + " cannot be a key");
  const Value* found = dict.find(call.at(0));
  return found != nullptr ? *found : call.value_or(1, Value::none());
}

/// keys(), values() and items().
template <ListKind kind>
Result<Value> dict_view(const Call& call) {
  const Dict& dict = *call.self.as_dict();
  HEARTH_TRY_VOID(call.budget.charge(dict.entries.size() * (sizeof(Value) + sizeof(List))));
  std::vector<Value> items;
  items.reserve(dict.entries.size());
  for (const auto& [key, value] : dict.entries) {
    if (kind == ListKind::kItems) {
      HEARTH_TRY(Value pair, Value::list({key, value}, ListKind::kTuple));
      items.push_back(std::move(pair));
    } else {
      items.push_back(kind == ListKind::kKeys ? key : value);
    }
  }
  return Value::list(std::move(items), kind);
}

constexpr Function kDictMethods[] = {
    {"copy", {}, same_value},
    {"fromkeys", {}, nullptr},
    {"get", {.names = {"key", "default"}, .required = 1, .by_position = true}, dict_get},
    {"items", {}, dict_view<ListKind::kItems>},
    {"keys", {}, dict_view<ListKind::kKeys>},
    {"values", {}, dict_view<ListKind::kValues>},
};

// --- numbers

Result<Value> float_is_integer(const Call& call) {
  const double value = to_double(call.self);
  return Value::boolean(std::isfinite(value) && value == std::floor(value));
}

Result<Value> int_bit_length(const Call& call) {
  const auto bits = static_cast<std::uint64_t>(to_integer(call.self));
  std::uint64_t magnitude = to_integer(call.self) < 0 ? 0 - bits : bits;
  std::int64_t length = 0;
  for (; magnitude != 0; magnitude >>= 1) ++length;
  return Value::integer(length);
}

constexpr Function kFloatMethods[] = {{"is_integer", {}, float_is_integer}};
constexpr Function kIntMethods[] = {{"bit_length", {}, int_bit_length}};

// --- the variable `loop`

Result<Value> loop_cycle(const Call& call) {
  const auto& values = call.all.positional;
  if (values.empty()) return call.wrong("needs values");
  return values[call.self.as_loop()->index % values.size()];
}

/// True when the arguments differ from those of the last call.
Result<Value> loop_changed(const Call& call) {
  LoopState& loop = *call.self.as_loop();
  HEARTH_TRY(const Value now, Value::list(call.all.positional, ListKind::kTuple));
  HEARTH_TRY(const Value before, Value::list(loop.last_changed, ListKind::kTuple));
  HEARTH_TRY_VOID(call.budget.charge(std::min(now.weight(), before.weight())));
  if (loop.was_changed && equal(now, before)) return Value::boolean(false);
  loop.was_changed = true;
  loop.last_changed = call.all.positional;
  return Value::boolean(true);
}

constexpr Function kLoopMethods[] = {
    {"changed", {.takes_rest = true}, loop_changed},
    {"cycle", {.takes_rest = true}, loop_cycle},
};

const Function* find_string_method(std::string_view name) {
  static const Table table = [] {
    Table all;
    for (const auto rows : {string_methods(), split_methods(), character_methods()}) {
      for (const Function& row : rows) all.emplace(row.name, &row);
    }
    return all;
  }();
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

// --- text that is marked as safe

/// Methods whose arguments markupsafe leaves as they are, and whose results it does not mark.
bool only_looks(std::string_view method) {
  constexpr std::string_view kLooking[] = {"count", "endswith", "find",       "index",
                                           "rfind", "rindex",   "startswith", "format"};
  return method.starts_with("is") ||
         std::find(std::begin(kLooking), std::end(kLooking), method) != std::end(kLooking);
}

Result<Value> escaped(const Value& value, Budget& budget) {
  if (value.is_string() && !value.is_markup()) {
    HEARTH_TRY_VOID(budget.charge_text(value.weight() * 6));
    return Value::string(escape_html(*value.as_string()), true);
  }
  const List* list = value.as_list();
  if (list == nullptr) return value;
  std::vector<Value> items;
  for (const Value& item : list->items) {
    HEARTH_TRY(Value safe, escaped(item, budget));
    items.push_back(std::move(safe));
  }
  return Value::list(std::move(items), list->kind);
}

Result<Value> marked(const Value& value) {
  if (const std::string* text = value.as_string()) return Value::string(*text, true);
  const List* list = value.as_list();
  if (list == nullptr) return value;
  std::vector<Value> items;
  for (const Value& item : list->items) {
    HEARTH_TRY(Value safe, marked(item));
    items.push_back(std::move(safe));
  }
  return Value::list(std::move(items), list->kind);
}

}  // namespace

const Function* find_method(const Value& self, std::string_view name) {
  if (self.is_string()) return find_string_method(name);
  if (self.as_dict() != nullptr) return find_row(kDictMethods, name);
  if (const List* list = self.as_list()) {
    const bool is_view = !list->is_tuple() && list->kind != ListKind::kList;
    if (is_view && list->kind != ListKind::kRange) return nullptr;
    if (name == "copy" && list->kind != ListKind::kList) return nullptr;
    return find_row(kListMethods, name);
  }
  if (self.as_loop() != nullptr) return find_row(kLoopMethods, name);
  if (self.is_float()) return find_row(kFloatMethods, name);
  if (self.is_whole()) return find_row(kIntMethods, name);
  return nullptr;
}

Result<Value> call_method(const Function& method, const Value& self, const Arguments& arguments,
                          Runtime& runtime) {
  if (!self.is_markup() || only_looks(method.name)) {
    return call_function(method, "method", self, arguments, runtime);
  }
  Arguments safe;
  for (const Value& value : arguments.positional) {
    HEARTH_TRY(Value one, escaped(value, runtime.budget));
    safe.positional.push_back(std::move(one));
  }
  for (const auto& [name, value] : arguments.named) {
    HEARTH_TRY(Value one, escaped(value, runtime.budget));
    safe.named.emplace_back(name, std::move(one));
  }
  HEARTH_TRY(const Value result, call_function(method, "method", self, safe, runtime));
  HEARTH_TRY_VOID(runtime.budget.charge_text(result.weight()));
  return marked(result);
}

}  // namespace hearth::text::jinja

// Operators and access to parts of values, with Python's rules.
#include <algorithm>
#include <cmath>
#include <limits>

#include "text/jinja/builtins.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

tl::unexpected<Error> wrong(const std::string& message) {
  return fail(ErrorCode::kInvalidArgument, message);
}

/// The characters of a string, each as its own view.
std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t length = utf8_step(text).length;
    out.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return out;
}

bool known_method(const Value& object, std::string_view name) {
  constexpr std::string_view kString[] = {
      "strip",      "lstrip", "rstrip",  "split",        "rsplit",      "splitlines", "startswith",
      "endswith",   "upper",  "lower",   "replace",      "join",        "find",       "rfind",
      "capitalize", "count",  "isdigit", "removeprefix", "removesuffix"};
  constexpr std::string_view kDict[] = {"items", "keys", "values", "get"};
  constexpr std::string_view kList[] = {"index", "count"};
  const auto among = [&](const auto& names) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  if (object.as_string() != nullptr) return among(kString);
  if (object.as_dict() != nullptr) return among(kDict);
  if (object.as_list() != nullptr) return among(kList);
  return object.as_loop() != nullptr && name == "cycle";
}

Value bind_method(const Value& object, const std::string& name) {
  return Value::callable({name, std::make_shared<const Value>(object), nullptr});
}

Value loop_attribute(const LoopState& loop, const std::string& name) {
  const auto whole = [](std::size_t i) { return Value::integer(static_cast<std::int64_t>(i)); };
  const std::size_t size = loop.items->items.size();
  if (name == "index") return whole(loop.index + 1);
  if (name == "index0") return whole(loop.index);
  if (name == "revindex") return whole(size - loop.index);
  if (name == "revindex0") return whole(size - loop.index - 1);
  if (name == "first") return Value::boolean(loop.index == 0);
  if (name == "last") return Value::boolean(loop.index + 1 == size);
  if (name == "length") return whole(size);
  // The depth of recursive loops, which are not supported: always the first level.
  if (name == "depth") return whole(1);
  if (name == "depth0") return whole(0);
  if (name == "previtem" && loop.index > 0) return loop.items->items[loop.index - 1];
  if (name == "nextitem" && loop.index + 1 < size) return loop.items->items[loop.index + 1];
  return Value::undefined("loop." + name);
}

/// The entry of that name; nothing when there is none.
std::optional<Value> entry(const Value& object, const std::string& name) {
  if (const Dict* dict = object.as_dict()) {
    if (const Value* value = dict->find(name)) return *value;
  }
  if (Namespace* space = object.as_namespace()) {
    if (const Value* value = space->find(name)) return *value;
  }
  return std::nullopt;
}

/// A Python index into `size` items; nothing when out of range.
std::optional<std::size_t> index_in(std::int64_t index, std::size_t size) {
  if (index < 0) index += static_cast<std::int64_t>(size);
  if (index < 0 || index >= static_cast<std::int64_t>(size)) return std::nullopt;
  return static_cast<std::size_t>(index);
}

Result<Value> number_result(std::string_view op, const Value& left, const Value& right) {
  if (left.is_float() || right.is_float() || op == "/") {
    const double a = to_double(left);
    const double b = to_double(right);
    if (op == "+") return Value::number(a + b);
    if (op == "-") return Value::number(a - b);
    if (op == "*") return Value::number(a * b);
    if (b == 0.0) return wrong("division by zero");
    if (op == "/") return Value::number(a / b);
    if (op == "//") return Value::number(std::floor(a / b));
    const double rest = std::fmod(a, b);
    return Value::number(rest != 0.0 && (rest < 0.0) != (b < 0.0) ? rest + b : rest);
  }
  const std::int64_t a = to_integer(left);
  const std::int64_t b = to_integer(right);
  std::int64_t out = 0;
  bool overflow = false;
  if (op == "+") {
    overflow = __builtin_add_overflow(a, b, &out);
  } else if (op == "-") {
    overflow = __builtin_sub_overflow(a, b, &out);
  } else if (op == "*") {
    overflow = __builtin_mul_overflow(a, b, &out);
  } else {
    if (b == 0) return wrong("division by zero");
    overflow = a == std::numeric_limits<std::int64_t>::min() && b == -1;
    if (!overflow) {
      const bool adjust = a % b != 0 && (a % b < 0) != (b < 0);  // floor, as in Python
      out = op == "//" ? a / b - (adjust ? 1 : 0) : a % b + (adjust ? b : 0);
    }
  }
  if (overflow) return fail(ErrorCode::kUnsupported, "a whole number beyond 64 bits");
  return Value::integer(out);
}

/// "text" * 3 and [item] * 3.
Result<Value> repeat(const Value& what, std::int64_t times, Budget& budget) {
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(times, 0));
  if (count > 0 && what.weight() > kValueWeightMax / count) {
    return fail(ErrorCode::kResourceExhausted, "a repetition that makes too large a value");
  }
  HEARTH_TRY_VOID(budget.charge_text(what.weight() * count));
  if (const std::string* text = what.as_string()) {
    std::string out;
    out.reserve(text->size() * count);
    for (std::size_t i = 0; i < count; ++i) out += *text;
    return Value::string(std::move(out));
  }
  const List& list = *what.as_list();
  std::vector<Value> items;
  items.reserve(list.items.size() * count);
  for (std::size_t i = 0; i < count; ++i) {
    items.insert(items.end(), list.items.begin(), list.items.end());
  }
  return Value::list(std::move(items), list.is_tuple);
}

Result<bool> contains(const Value& container, const Value& item) {
  if (const std::string* text = container.as_string()) {
    const std::string* part = item.as_string();
    if (part == nullptr) return wrong("'in' of a string needs a string, not " + item.describe());
    return text->find(*part) != std::string::npos;
  }
  if (const Dict* dict = container.as_dict()) {
    return item.as_string() != nullptr && dict->find(*item.as_string()) != nullptr;
  }
  if (const List* list = container.as_list()) {
    return std::any_of(list->items.begin(), list->items.end(),
                       [&](const Value& other) { return equal(other, item); });
  }
  if (container.is_undefined()) return false;
  return wrong("'in' cannot look into " + container.describe());
}

}  // namespace

Result<Value> get_attribute(const Value& object, const std::string& name) {
  if (object.is_undefined()) return wrong("'." + name + "' of " + object.describe());
  if (known_method(object, name)) return bind_method(object, name);
  if (const LoopState* loop = object.as_loop()) return loop_attribute(*loop, name);
  if (auto value = entry(object, name)) return *value;
  return Value::undefined("'" + name + "' of " + object.describe());
}

Result<Value> get_item(const Value& object, const Value& key) {
  if (object.is_undefined()) return wrong("a part of " + object.describe());
  if (const std::string* name = key.as_string()) {
    if (auto value = entry(object, *name)) return *value;
    return get_attribute(object, *name);
  }
  if (key.is_integer() || key.is_bool()) {
    if (const List* list = object.as_list()) {
      if (const auto at = index_in(to_integer(key), list->items.size())) return list->items[*at];
    }
    if (const std::string* text = object.as_string()) {
      const auto all = characters(*text);
      if (const auto at = index_in(to_integer(key), all.size())) {
        return Value::string(std::string(all[*at]));
      }
    }
  }
  return Value::undefined("[" + to_repr(key) + "] of " + object.describe());
}

Result<Value> get_slice(const Value& object, const Value& start, const Value& stop,
                        const Value& step) {
  for (const Value* bound : {&start, &stop, &step}) {
    if (!bound->is_none() && !bound->is_integer() && !bound->is_bool()) {
      return wrong("a slice with " + bound->describe() + " as bound");
    }
  }
  const std::string* text = object.as_string();
  const List* list = object.as_list();
  if (text == nullptr && list == nullptr) return wrong("a slice of " + object.describe());
  const std::vector<std::string_view> all =
      text != nullptr ? characters(*text) : std::vector<std::string_view>();
  const auto size = static_cast<std::int64_t>(text != nullptr ? all.size() : list->items.size());
  const std::int64_t stride = step.is_none() ? 1 : to_integer(step);
  if (stride == 0) return wrong("a slice with step 0");
  const auto clamp = [&](const Value& bound, std::int64_t absent) {
    if (bound.is_none()) return absent;
    std::int64_t at = to_integer(bound);
    if (at < 0) at = at < -size ? -1 : at + size;
    if (stride > 0) return std::clamp<std::int64_t>(at, 0, size);
    return std::clamp<std::int64_t>(at, -1, size - 1);
  };
  const std::int64_t first = clamp(start, stride > 0 ? 0 : size - 1);
  const std::int64_t last = clamp(stop, stride > 0 ? size : -1);
  std::string out_text;
  std::vector<Value> out_items;
  for (std::int64_t i = first; stride > 0 ? i < last : i > last;) {
    const auto at = static_cast<std::size_t>(i);
    if (text != nullptr) {
      out_text += all[at];
    } else {
      out_items.push_back(list->items[at]);
    }
    // A step larger than what is left ends the slice (and must not overflow).
    if (stride > 0 ? stride >= last - i : stride <= last - i) break;
    i += stride;
  }
  if (text != nullptr) return Value::string(std::move(out_text));
  return Value::list(std::move(out_items), list->is_tuple);
}

Result<Value> binary(std::string_view op, const Value& left, const Value& right, Budget& budget) {
  if (op == "~") {
    HEARTH_TRY_VOID(budget.charge_text(left.weight() + right.weight()));
    return Value::string(to_text(left) + to_text(right));
  }
  if (left.is_number() && right.is_number()) return number_result(op, left, right);
  if (op == "+" && left.as_string() != nullptr && right.as_string() != nullptr) {
    HEARTH_TRY_VOID(budget.charge_text(left.weight() + right.weight()));
    return Value::string(*left.as_string() + *right.as_string());
  }
  const List* a = left.as_list();
  const List* b = right.as_list();
  if (op == "+" && a != nullptr && b != nullptr && a->is_tuple == b->is_tuple) {
    HEARTH_TRY_VOID(budget.charge((a->items.size() + b->items.size()) * sizeof(Value)));
    std::vector<Value> items = a->items;
    items.insert(items.end(), b->items.begin(), b->items.end());
    return Value::list(std::move(items), a->is_tuple);
  }
  const auto repeatable = [](const Value& value) {
    return value.as_string() != nullptr || value.as_list() != nullptr;
  };
  if (op == "*" && repeatable(left) && (right.is_integer() || right.is_bool())) {
    return repeat(left, to_integer(right), budget);
  }
  if (op == "*" && repeatable(right) && (left.is_integer() || left.is_bool())) {
    return repeat(right, to_integer(left), budget);
  }
  if (op == "%" && left.as_string() != nullptr) {
    return fail(ErrorCode::kUnsupported, "the operator % on a string is not supported");
  }
  return wrong("the operator " + std::string(op) + " on " + left.describe() + " and " +
               right.describe());
}

Result<bool> compare(std::string_view op, const Value& left, const Value& right) {
  if (op == "==") return equal(left, right);
  if (op == "!=") return !equal(left, right);
  if (op == "in") return contains(right, left);
  if (op == "not in") {
    HEARTH_TRY(const bool found, contains(right, left));
    return !found;
  }
  if (op == "<") return less(left, right);
  if (op == ">") return less(right, left);
  const bool at_most = op == "<=";
  HEARTH_TRY(const bool below, at_most ? less(left, right) : less(right, left));
  return below || equal(left, right);
}

Result<std::shared_ptr<const List>> iterate(const Value& value) {
  if (const auto* list = value.get<std::shared_ptr<const List>>()) return *list;
  std::vector<Value> items;
  if (const Dict* dict = value.as_dict()) {
    for (const auto& [key, unused] : dict->entries) items.push_back(Value::string(key));
  } else if (const std::string* text = value.as_string()) {
    for (const std::string_view c : characters(*text))
      items.push_back(Value::string(std::string(c)));
  } else if (!value.is_undefined()) {
    return wrong("a loop over " + value.describe());
  }
  HEARTH_TRY(const Value list, Value::list(std::move(items)));
  return *list.get<std::shared_ptr<const List>>();
}

Result<std::size_t> length_of(const Value& value) {
  if (const List* list = value.as_list()) return list->items.size();
  if (const Dict* dict = value.as_dict()) return dict->entries.size();
  if (const std::string* text = value.as_string()) return utf8_length(*text);
  if (value.is_undefined()) return 0;
  return wrong("the length of " + value.describe());
}

}  // namespace hearth::text::jinja

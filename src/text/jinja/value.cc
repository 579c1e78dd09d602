// Value: construction, truth, equality and order.
#include "text/jinja/value.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace hearth::text::jinja {
namespace {

/// Depth and weight of a container, summed up over its parts.
struct Extent {
  std::size_t depth = 1;
  std::size_t weight = 1;

  Result<void> add(const Value& part) {
    if (part.as_namespace() != nullptr || part.as_loop() != nullptr) {
      return fail(ErrorCode::kUnsupported, "a namespace or loop inside of another value");
    }
    depth = std::max(depth, part.depth() + 1);
    weight += part.weight();
    if (depth > kValueDepthMax) {
      return fail(ErrorCode::kUnsupported,
                  "values nested deeper than " + std::to_string(kValueDepthMax) + " levels");
    }
    if (weight > kValueWeightMax) {
      return fail(ErrorCode::kUnsupported,
                  "a value of more than " + std::to_string(kValueWeightMax) + " bytes");
    }
    return {};
  }
};

}  // namespace

const Value* Dict::find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

Value* Namespace::find(std::string_view key) {
  for (auto& [name, value] : entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

Value Value::undefined(std::string hint) {
  return Value(Data(Undefined{std::make_shared<const std::string>(std::move(hint))}));
}

Value Value::string(std::string s) {
  return Value(Data(std::make_shared<const std::string>(std::move(s))));
}

Value Value::callable(Callable c) {
  return Value(Data(std::make_shared<const Callable>(std::move(c))));
}

Result<Value> Value::list(std::vector<Value> items, bool is_tuple) {
  Extent extent;
  for (const Value& item : items) {
    HEARTH_TRY_VOID(extent.add(item));
  }
  return Value(Data(
      std::make_shared<const List>(List{std::move(items), extent.depth, extent.weight, is_tuple})));
}

Result<Value> Value::dict(std::vector<std::pair<std::string, Value>> entries) {
  Extent extent;
  for (const auto& [key, value] : entries) {
    extent.weight += key.size();
    HEARTH_TRY_VOID(extent.add(value));
  }
  return Value(
      Data(std::make_shared<const Dict>(Dict{std::move(entries), extent.depth, extent.weight})));
}

Result<Value> Value::from_json(const OrderedJson& json) {
  switch (json.type()) {
    case OrderedJson::value_t::null:
      return none();
    case OrderedJson::value_t::boolean:
      return boolean(json.get<bool>());
    case OrderedJson::value_t::number_integer:
      return integer(json.get<std::int64_t>());
    case OrderedJson::value_t::number_unsigned:
      if (json.get<std::uint64_t>() >
          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return fail(ErrorCode::kUnsupported,
                    "the whole number " + json.dump() + " has more than 63 bits");
      }
      return integer(json.get<std::int64_t>());
    case OrderedJson::value_t::number_float:
      return number(json.get<double>());
    case OrderedJson::value_t::string:
      return string(json.get<std::string>());
    case OrderedJson::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const OrderedJson& item : json) {
        HEARTH_TRY(Value value, from_json(item));
        items.push_back(std::move(value));
      }
      return list(std::move(items));
    }
    case OrderedJson::value_t::object: {
      std::vector<std::pair<std::string, Value>> entries;
      entries.reserve(json.size());
      for (const auto& [key, item] : json.items()) {
        HEARTH_TRY(Value value, from_json(item));
        entries.emplace_back(key, std::move(value));
      }
      return dict(std::move(entries));
    }
    default:
      return fail(ErrorCode::kUnsupported, "binary JSON");
  }
}

const std::string* Value::as_string() const {
  const auto* p = get<std::shared_ptr<const std::string>>();
  return p == nullptr ? nullptr : p->get();
}
const List* Value::as_list() const {
  const auto* p = get<std::shared_ptr<const List>>();
  return p == nullptr ? nullptr : p->get();
}
const Dict* Value::as_dict() const {
  const auto* p = get<std::shared_ptr<const Dict>>();
  return p == nullptr ? nullptr : p->get();
}
Namespace* Value::as_namespace() const {
  const auto* p = get<std::shared_ptr<Namespace>>();
  return p == nullptr ? nullptr : p->get();
}
LoopState* Value::as_loop() const {
  const auto* p = get<std::shared_ptr<LoopState>>();
  return p == nullptr ? nullptr : p->get();
}
const Callable* Value::as_callable() const {
  const auto* p = get<std::shared_ptr<const Callable>>();
  return p == nullptr ? nullptr : p->get();
}

std::size_t Value::depth() const {
  if (const List* l = as_list()) return l->depth;
  if (const Dict* d = as_dict()) return d->depth;
  if (const Callable* c = as_callable()) return c->self == nullptr ? 0 : c->self->depth() + 1;
  return 0;
}

std::size_t Value::weight() const {
  if (const std::string* s = as_string()) return s->size() + 1;
  if (const List* l = as_list()) return l->weight;
  if (const Dict* d = as_dict()) return d->weight;
  return 1;
}

bool Value::truthy() const {
  if (is_undefined() || is_none()) return false;
  if (const bool* b = get<bool>()) return *b;
  if (const auto* i = get<std::int64_t>()) return *i != 0;
  if (const double* d = get<double>()) return *d != 0.0;
  if (const std::string* s = as_string()) return !s->empty();
  if (const List* l = as_list()) return !l->items.empty();
  if (const Dict* d = as_dict()) return !d->entries.empty();
  return true;
}

std::string_view Value::type_name() const {
  constexpr std::string_view kNames[] = {"undefined", "None", "bool",      "int",  "float",   "str",
                                         "list",      "dict", "namespace", "loop", "function"};
  return kNames[data_.index()];
}

std::string Value::describe() const {
  if (const Undefined* u = get<Undefined>()) {
    return u->hint == nullptr ? "an undefined value" : *u->hint + ", which is undefined";
  }
  return "a value of type " + std::string(type_name());
}

double to_double(const Value& number) {
  if (const double* d = number.get<double>()) return *d;
  return static_cast<double>(to_integer(number));
}

std::int64_t to_integer(const Value& whole_number) {
  if (const bool* b = whole_number.get<bool>()) return *b ? 1 : 0;
  const auto* i = whole_number.get<std::int64_t>();
  HEARTH_CHECK(i != nullptr);
  return *i;
}

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_float() || b.is_float()) return to_double(a) == to_double(b);
    return to_integer(a) == to_integer(b);
  }
  if (a.as_string() != nullptr && b.as_string() != nullptr) return *a.as_string() == *b.as_string();
  if (a.as_list() != nullptr && b.as_list() != nullptr) {
    return a.as_list()->is_tuple == b.as_list()->is_tuple &&
           std::equal(a.as_list()->items.begin(), a.as_list()->items.end(),
                      b.as_list()->items.begin(), b.as_list()->items.end(), equal);
  }
  if (a.as_dict() != nullptr && b.as_dict() != nullptr) {
    const auto& left = a.as_dict()->entries;
    return left.size() == b.as_dict()->entries.size() &&
           std::all_of(left.begin(), left.end(), [&](const auto& entry) {
             const Value* other = b.as_dict()->find(entry.first);
             return other != nullptr && equal(entry.second, *other);
           });
  }
  if (a.as_namespace() != nullptr) return a.as_namespace() == b.as_namespace();
  return (a.is_none() && b.is_none()) || (a.is_undefined() && b.is_undefined());
}

Result<bool> less(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_float() || b.is_float()) return to_double(a) < to_double(b);
    return to_integer(a) < to_integer(b);
  }
  if (a.as_string() != nullptr && b.as_string() != nullptr) return *a.as_string() < *b.as_string();
  if (a.as_list() != nullptr && b.as_list() != nullptr) {
    const auto& left = a.as_list()->items;
    const auto& right = b.as_list()->items;
    for (std::size_t i = 0; i < left.size() && i < right.size(); ++i) {
      if (!equal(left[i], right[i])) return less(left[i], right[i]);
    }
    return left.size() < right.size();
  }
  return fail(ErrorCode::kInvalidArgument,
              a.describe() + " cannot be ordered against " + b.describe());
}

}  // namespace hearth::text::jinja

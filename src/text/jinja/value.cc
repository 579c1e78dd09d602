// Value: construction, access, truth.
#include "text/jinja/value.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "text/jinja/function.h"

namespace hearth::text::jinja {
namespace {

using Entries = std::vector<std::pair<Value, Value>>;

/// Dicts of more entries than this keep an index.
constexpr std::size_t kSmallDict = 8;

/// Depth and weight of a container, summed up over its parts.
struct Extent {
  std::size_t depth = 1;
  std::size_t weight = sizeof(List);

  Result<void> add(const Value& part) {
    const Callable* callable = part.as_callable();
    const bool is_mutable = part.as_namespace() != nullptr || part.as_loop() != nullptr ||
                            part.as_iterator() != nullptr ||
                            (callable != nullptr && callable->self.as_loop() != nullptr);
    if (is_mutable) {
      return fail(ErrorCode::kUnsupported,
                  "a " + std::string(part.type_name()) + " inside of another value");
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

/// The places of the entries in the order of their keys, equal ones in order of insertion.
std::vector<std::uint32_t> sorted_places(const Entries& entries) {
  std::vector<std::uint32_t> places(entries.size());
  std::iota(places.begin(), places.end(), 0);
  std::stable_sort(places.begin(), places.end(), [&](std::uint32_t a, std::uint32_t b) {
    return order_keys(entries[a].first, entries[b].first) < 0;
  });
  return places;
}

/// For each entry whether an earlier one has its key; the earlier one then has its value.
std::vector<bool> merge_duplicates(Entries& entries, const std::vector<std::uint32_t>& places) {
  std::vector<bool> repeated(entries.size(), false);
  for (std::size_t i = 1, first = 0; i < places.size(); ++i) {
    if (order_keys(entries[places[first]].first, entries[places[i]].first) != 0) {
      first = i;
      continue;
    }
    entries[places[first]].second = std::move(entries[places[i]].second);
    repeated[places[i]] = true;
  }
  return repeated;
}

/// Entries without duplicates, and the index for large dicts.
std::vector<std::uint32_t> index_entries(Entries& entries) {
  std::vector<std::uint32_t> places = sorted_places(entries);
  const std::vector<bool> repeated = merge_duplicates(entries, places);
  if (std::find(repeated.begin(), repeated.end(), true) != repeated.end()) {
    Entries kept;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (!repeated[i]) kept.push_back(std::move(entries[i]));
    }
    entries = std::move(kept);
    places = sorted_places(entries);
  }
  if (entries.size() <= kSmallDict) places.clear();
  return places;
}

}  // namespace

Value Value::undefined(std::string hint) {
  return Value(Data(Undefined{std::make_shared<const std::string>(std::move(hint))}));
}

Value Value::string(std::string s, bool is_markup) {
  // Not make_shared<const String>: own_text() hands the text out for changes.
  return Value(Data(
      std::shared_ptr<const String>(std::make_shared<String>(String{std::move(s), is_markup}))));
}

Value Value::callable(Callable c) {
  return Value(Data(std::make_shared<const Callable>(std::move(c))));
}

Value Value::function(const Function& function) {
  Callable callable;
  callable.function = &function;
  return Value::callable(std::move(callable));
}

Value Value::method(const Function& method, Value self) {
  Callable callable;
  callable.function = &method;
  callable.self = std::move(self);
  return Value::callable(std::move(callable));
}

Value Value::name_space(Namespace n) {
  return Value(Data(std::make_shared<Namespace>(std::move(n))));
}

Result<Value> Value::list(std::vector<Value> items, ListKind kind) {
  Extent extent;
  for (const Value& item : items) HEARTH_TRY_VOID(extent.add(item));
  return Value(Data(
      std::make_shared<const List>(List{std::move(items), extent.depth, extent.weight, kind, {}})));
}

Value Value::range(std::int64_t start, std::int64_t stop, std::int64_t step) {
  List list;
  list.kind = ListKind::kRange;
  list.range = {start, stop, step};
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
    list.items.push_back(integer(i));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  list.weight = sizeof(List) + list.items.size() * sizeof(Value);
  return Value(Data(std::make_shared<const List>(std::move(list))));
}

Result<Value> Value::iterator(std::vector<Value> items) {
  HEARTH_TRY(const Value all, list(std::move(items)));
  return Value(
      Data(std::make_shared<Iterator>(Iterator{*all.get<std::shared_ptr<const List>>(), 0})));
}

Result<Value> Value::dict(Entries entries) {
  Extent extent;
  for (const auto& [key, value] : entries) {
    if (!is_hashable(key)) {
      return fail(ErrorCode::kInvalidArgument, "a dict with " + key.describe() + " as key");
    }
    HEARTH_TRY_VOID(extent.add(key));
    HEARTH_TRY_VOID(extent.add(value));
  }
  std::vector<std::uint32_t> sorted = index_entries(entries);
  return Value(Data(std::make_shared<const Dict>(
      Dict{std::move(entries), extent.depth, extent.weight, std::move(sorted)})));
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
      return string(json.get_ref<const std::string&>());
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
      Entries entries;
      entries.reserve(json.size());
      for (const auto& [key, item] : json.items()) {
        HEARTH_TRY(Value value, from_json(item));
        entries.emplace_back(string(key), std::move(value));
      }
      return dict(std::move(entries));
    }
    default:
      return fail(ErrorCode::kUnsupported, "binary JSON");
  }
}

bool Value::is_markup() const {
  const auto* p = get<std::shared_ptr<const String>>();
  return p != nullptr && (*p)->is_markup;
}
const std::string* Value::as_string() const {
  const auto* p = get<std::shared_ptr<const String>>();
  return p == nullptr ? nullptr : &(*p)->text;
}
const List* Value::as_list() const {
  const auto* p = get<std::shared_ptr<const List>>();
  return p == nullptr ? nullptr : p->get();
}
const Dict* Value::as_dict() const {
  const auto* p = get<std::shared_ptr<const Dict>>();
  return p == nullptr ? nullptr : p->get();
}
Iterator* Value::as_iterator() const {
  const auto* p = get<std::shared_ptr<Iterator>>();
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

std::string* Value::own_text() {
  const auto* p = get<std::shared_ptr<const String>>();
  if (p == nullptr || p->use_count() != 1 || (*p)->is_markup) return nullptr;
  // The object was made without const, and nobody else can see it.
  return &const_cast<String&>(**p).text;
}

std::size_t Value::depth() const {
  if (const List* l = as_list()) return l->depth;
  if (const Dict* d = as_dict()) return d->depth;
  if (const Callable* c = as_callable()) return c->self.depth() + 1;
  return 0;
}

std::size_t Value::weight() const {
  if (const std::string* s = as_string()) return sizeof(Value) + sizeof(String) + s->size();
  if (const List* l = as_list()) return sizeof(Value) + l->weight;
  if (const Dict* d = as_dict()) return sizeof(Value) + d->weight;
  return sizeof(Value);
}

std::size_t Value::text_weight() const {
  if (const std::string* s = as_string()) return s->size();
  // In repr(), a byte becomes up to four: "\x00".
  return 4 * weight();
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
  if (const List* l = as_list()) {
    constexpr std::string_view kKinds[] = {"list",      "tuple",       "tuple",     "range",
                                           "dict_keys", "dict_values", "dict_items"};
    return kKinds[static_cast<std::size_t>(l->kind)];
  }
  constexpr std::string_view kNames[] = {"undefined", "None",      "bool", "int",
                                         "float",     "str",       "list", "dict",
                                         "generator", "namespace", "loop", "function"};
  return kNames[data_.index()];
}

std::string Value::describe() const {
  if (const Undefined* u = get<Undefined>()) {
    return u->hint == nullptr ? "an undefined value" : *u->hint + ", which is undefined";
  }
  return "a value of type " + std::string(type_name());
}

const Value* Dict::find(const Value& key) const {
  if (!is_hashable(key)) return nullptr;
  if (sorted.empty()) {
    for (const auto& [name, value] : entries) {
      if (equal(name, key)) return &value;
    }
    return nullptr;
  }
  const auto at = std::lower_bound(
      sorted.begin(), sorted.end(), key,
      [&](std::uint32_t place, const Value& k) { return order_keys(entries[place].first, k) < 0; });
  if (at == sorted.end() || order_keys(entries[*at].first, key) != 0) return nullptr;
  return &entries[*at].second;
}

const Value* Dict::find(std::string_view key) const {
  if (!sorted.empty()) return find(Value::string(key));
  for (const auto& [name, value] : entries) {
    const std::string* text = name.as_string();
    if (text != nullptr && *text == key) return &value;
  }
  return nullptr;
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

}  // namespace hearth::text::jinja

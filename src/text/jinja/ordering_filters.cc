// Filters that compare items: sort, unique, min, max, groupby, dictsort.
#include <algorithm>
#include <numeric>

#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"
#include "text/letter_case.h"

namespace hearth::text::jinja {
namespace {

/// An item and what it is ordered by.
struct Keyed {
  Value key;
  Value item;
};

/// Python's < over keys. The first failure is kept, and from then on nothing is less: a sort comes
/// to its end quickly and without harm.
class KeyOrder {
 public:
  explicit KeyOrder(Budget& budget) : budget_(budget) {}

  bool operator()(const Value& a, const Value& b) {
    if (!state_) return false;
    state_ = budget_.charge(std::min(a.weight(), b.weight()));
    if (!state_) return false;
    const auto is_less = less(a, b);
    if (!is_less) state_ = tl::unexpected<Error>(is_less.error());
    return is_less && *is_less;
  }

  const Result<void>& state() const { return state_; }

 private:
  Budget& budget_;
  Result<void> state_;
};

/// Stable both ways: items that compare equal keep their order in reverse too.
Result<void> sort_by_key(std::vector<Keyed>& items, bool reverse, Budget& budget) {
  KeyOrder is_less(budget);
  std::stable_sort(items.begin(), items.end(), [&](const Keyed& a, const Keyed& b) {
    return reverse ? is_less(b.key, a.key) : is_less(a.key, b.key);
  });
  return is_less.state();
}

/// Strings are compared without their case unless asked otherwise.
Value folded(Value key, bool case_sensitive) {
  if (case_sensitive || !key.is_string()) return key;
  return Value::string(to_lower(*key.as_string()));
}

Result<std::vector<Keyed>> keyed_items(const Call& call, const AttributePath& path,
                                       bool case_sensitive) {
  HEARTH_TRY(const auto list, iterate(call.self, call.budget));
  std::vector<Keyed> items;
  items.reserve(list->items.size());
  for (const Value& item : list->items) {
    HEARTH_TRY(Value key, path.of(item, call.budget));
    HEARTH_TRY_VOID(call.budget.charge(sizeof(Keyed) + (key.is_string() ? key.weight() : 0)));
    items.push_back({folded(std::move(key), case_sensitive), item});
  }
  return items;
}

Result<AttributePath> path_argument(const Call& call, std::size_t i) {
  return AttributePath::parse(call.value_or(i, Value::none()));
}

/// "a,b.c" of sort(attribute=): several paths, of which earlier ones count more.
Result<std::vector<AttributePath>> sort_paths(const Value& attribute) {
  std::vector<AttributePath> paths;
  const std::string* text = attribute.as_string();
  for (std::size_t begin = 0; text != nullptr && begin <= text->size();) {
    const std::size_t end = std::min(text->find(',', begin), text->size());
    HEARTH_TRY(AttributePath path,
               AttributePath::parse(Value::string(text->substr(begin, end - begin))));
    paths.push_back(std::move(path));
    begin = end + 1;
  }
  if (text == nullptr) {
    HEARTH_TRY(AttributePath path, AttributePath::parse(attribute));
    paths.push_back(std::move(path));
  }
  return paths;
}

Result<Value> items_of(std::vector<Keyed> keyed) {
  std::vector<Value> items;
  items.reserve(keyed.size());
  for (Keyed& one : keyed) items.push_back(std::move(one.item));
  return Value::list(std::move(items));
}

Result<Value> filter_sort(const Call& call) {
  HEARTH_TRY(const auto paths, sort_paths(call.value_or(2, Value::none())));
  HEARTH_TRY(const auto list, iterate(call.self, call.budget));
  std::vector<Keyed> items;
  items.reserve(list->items.size());
  for (const Value& item : list->items) {
    std::vector<Value> keys;
    for (const AttributePath& path : paths) {
      HEARTH_TRY(Value key, path.of(item, call.budget));
      keys.push_back(folded(std::move(key), call.truth(1)));
    }
    HEARTH_TRY(Value key, Value::list(std::move(keys)));
    HEARTH_TRY_VOID(call.budget.charge(key.weight()));
    items.push_back({std::move(key), item});
  }
  HEARTH_TRY_VOID(sort_by_key(items, call.truth(0), call.budget));
  return items_of(std::move(items));
}

Result<Value> filter_unique(const Call& call) {
  HEARTH_TRY(const AttributePath path, path_argument(call, 1));
  HEARTH_TRY(const std::vector<Keyed> items, keyed_items(call, path, call.truth(0)));
  std::vector<std::pair<Value, Value>> entries;
  for (std::size_t i = 0; i < items.size(); ++i) {
    HEARTH_TRY_VOID(call.budget.charge(items[i].key.weight()));
    entries.emplace_back(items[i].key, Value::size(i));
  }
  // Of equal keys a dict keeps the last value: fed backwards, the first.
  std::reverse(entries.begin(), entries.end());
  HEARTH_TRY(const Value firsts, Value::dict(std::move(entries)));
  std::vector<std::size_t> places;
  for (const auto& [key, place] : firsts.as_dict()->entries) {
    places.push_back(static_cast<std::size_t>(to_integer(place)));
  }
  std::sort(places.begin(), places.end());
  std::vector<Value> out;
  for (const std::size_t place : places) out.push_back(items[place].item);
  return Value::iterator(std::move(out));
}

Result<Value> extreme(const Call& call, bool largest) {
  HEARTH_TRY(const AttributePath path, path_argument(call, 1));
  HEARTH_TRY(const std::vector<Keyed> items, keyed_items(call, path, call.truth(0)));
  if (items.empty()) return Value::undefined("the extreme of nothing");
  KeyOrder is_less(call.budget);
  const Keyed* best = &items.front();
  for (const Keyed& item : items) {
    if (&item == best) continue;
    const bool better = largest ? is_less(best->key, item.key) : is_less(item.key, best->key);
    if (better) best = &item;
  }
  if (!is_less.state()) return tl::unexpected<Error>(is_less.state().error());
  return best->item;
}

Result<Value> filter_min(const Call& call) { return extreme(call, false); }
Result<Value> filter_max(const Call& call) { return extreme(call, true); }

/// A list of (key, items); the key is spelled as the first item of its group spells it.
Result<Value> filter_groupby(const Call& call) {
  std::optional<Value> fallback;
  if (call.given(1)) fallback = call.at(1);
  HEARTH_TRY(const AttributePath path, AttributePath::parse(call.at(0), fallback));
  HEARTH_TRY(std::vector<Keyed> items, keyed_items(call, path, call.truth(2)));
  HEARTH_TRY_VOID(sort_by_key(items, false, call.budget));
  std::vector<Value> groups;
  for (std::size_t begin = 0, end = 0; begin < items.size(); begin = end) {
    std::vector<Value> group{items[begin].item};
    for (end = begin + 1; end < items.size() && equal(items[end].key, items[begin].key); ++end) {
      group.push_back(items[end].item);
    }
    HEARTH_TRY(Value key, path.of(items[begin].item, call.budget));
    HEARTH_TRY(Value all, Value::list(std::move(group)));
    HEARTH_TRY(Value pair, Value::list({std::move(key), std::move(all)}, ListKind::kGroup));
    HEARTH_TRY_VOID(call.budget.charge(pair.weight()));
    groups.push_back(std::move(pair));
  }
  return Value::list(std::move(groups));
}

Result<Value> filter_dictsort(const Call& call) {
  const Dict* dict = call.self.as_dict();
  if (dict == nullptr) return call.wrong("needs a dict, not " + call.self.describe());
  const std::string by = call.given(1) ? to_text(call.at(1)) : "key";
  if (by != "key" && by != "value") return call.wrong("by must be key or value");
  std::vector<Keyed> items;
  for (const auto& [key, value] : dict->entries) {
    HEARTH_TRY(Value pair, Value::list({key, value}, ListKind::kTuple));
    const Value& chosen = by == "key" ? key : value;
    HEARTH_TRY_VOID(call.budget.charge(pair.weight() + chosen.weight()));
    items.push_back({folded(chosen, call.truth(0)), std::move(pair)});
  }
  HEARTH_TRY_VOID(sort_by_key(items, call.truth(2), call.budget));
  return items_of(std::move(items));
}

constexpr Function kOrderingFilters[] = {
    {"dictsort", {.names = {"case_sensitive", "by", "reverse"}}, filter_dictsort},
    {"groupby",
     {.names = {"attribute", "default", "case_sensitive"}, .required = 1},
     filter_groupby},
    {"max", {.names = {"case_sensitive", "attribute"}}, filter_max},
    {"min", {.names = {"case_sensitive", "attribute"}}, filter_min},
    {"sort", {.names = {"reverse", "case_sensitive", "attribute"}}, filter_sort},
    {"unique", {.names = {"case_sensitive", "attribute"}}, filter_unique},
};

}  // namespace

std::span<const Function> ordering_filters() { return kOrderingFilters; }

}  // namespace hearth::text::jinja

// Filters of everything that can be iterated over.
#include <algorithm>

#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"

namespace hearth::text::jinja {
namespace {

Result<Value> filter_length(const Call& call) {
  if (call.self.is_string()) HEARTH_TRY_VOID(call.budget.charge(call.self.weight() / 8));
  HEARTH_TRY(const std::size_t length, length_of(call.self));
  return Value::size(length);
}

Result<Value> filter_first(const Call& call) {
  if (Iterator* iterator = call.self.as_iterator()) {
    const auto& items = iterator->items->items;
    if (iterator->next == items.size()) return Value::undefined("the first item of nothing");
    return items[iterator->next++];
  }
  HEARTH_TRY(const auto list, iterate(call.self, call.budget));
  if (list->items.empty()) return Value::undefined("the first item of nothing");
  return list->items.front();
}

Result<Value> filter_last(const Call& call) {
  if (call.self.as_iterator() != nullptr) return call.wrong("a generator has no end to begin at");
  HEARTH_TRY(const auto list, iterate(call.self, call.budget));
  if (list->items.empty()) return Value::undefined("the last item of nothing");
  return list->items.back();
}

Result<Value> filter_list(const Call& call) {
  HEARTH_TRY(const auto list, iterate(call.self, call.budget));
  HEARTH_TRY_VOID(call.budget.charge(list->items.size() * sizeof(Value)));
  return Value::list(list->items);
}

Result<Value> filter_items(const Call& call) {
  if (call.self.is_undefined()) return Value::iterator({});
  if (call.self.as_dict() == nullptr) {
    return call.wrong("needs a dict, not " + call.self.describe());
  }
  HEARTH_TRY(const Value items,
             call_method(*find_method(call.self, "items"), call.self, {}, call.runtime));
  return Value::iterator(items.as_list()->items);
}

Result<Value> filter_reverse(const Call& call) {
  HEARTH_TRY(const auto list, iterate(call.self, call.budget));
  HEARTH_TRY_VOID(call.budget.charge(list->items.size() * sizeof(Value)));
  std::vector<Value> items(list->items.rbegin(), list->items.rend());
  // What cannot be walked through backwards is made a list first, as in Jinja.
  if (call.self.as_iterator() != nullptr) return Value::list(std::move(items));
  if (!call.self.is_string()) return Value::iterator(std::move(items));
  std::string out;
  for (const Value& item : items) out += *item.as_string();
  return Value::string(std::move(out), call.self.is_markup());
}

Result<Value> filter_join(const Call& call) {
  std::optional<AttributePath> path;
  if (call.has(1)) {
    HEARTH_TRY(path, AttributePath::parse(call.at(1)));
  }
  const std::string separator = call.given(0) ? to_text(call.at(0)) : "";
  HEARTH_TRY(const auto list, iterate(call.self, call.budget));
  std::string out;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    Value item = list->items[i];
    if (path) {
      HEARTH_TRY(item, path->of(item, call.budget));
    }
    HEARTH_TRY_VOID(call.budget.charge(separator.size() + item.text_weight()));
    if (i > 0) out += separator;
    append_text(item, out);
    HEARTH_TRY_VOID(call.budget.charge_text(out.size() / 64));
  }
  HEARTH_TRY_VOID(call.budget.charge_text(out.size()));
  return Value::string(std::move(out));
}

Result<Value> filter_sum(const Call& call) {
  std::optional<AttributePath> path;
  if (call.has(0)) {
    HEARTH_TRY(path, AttributePath::parse(call.at(0)));
  }
  Value sum = call.value_or(1, Value::integer(0));
  if (sum.is_string()) return call.wrong("cannot add strings, join them instead");
  HEARTH_TRY(const auto list, iterate(call.self, call.budget));
  for (Value item : list->items) {
    if (path) {
      HEARTH_TRY(item, path->of(item, call.budget));
    }
    HEARTH_TRY(sum, binary(BinaryOp::kAdd, std::move(sum), item, call.budget));
  }
  return sum;
}

Result<Value> filter_batch(const Call& call) {
  HEARTH_TRY(const std::int64_t count, call.whole_or(0, 0));
  HEARTH_TRY(const auto list, iterate(call.self, call.budget));
  std::vector<Value> batches;
  std::vector<Value> batch;
  const auto flush = [&]() -> Result<void> {
    HEARTH_TRY(Value whole, Value::list(std::exchange(batch, {})));
    batches.push_back(std::move(whole));
    return {};
  };
  for (const Value& item : list->items) {
    HEARTH_TRY_VOID(call.budget.charge(sizeof(Value)));
    if (static_cast<std::int64_t>(batch.size()) == count) HEARTH_TRY_VOID(flush());
    batch.push_back(item);
  }
  if (batch.empty()) return Value::iterator(std::move(batches));
  if (call.has(1) && count > static_cast<std::int64_t>(batch.size())) {
    HEARTH_TRY_VOID(call.budget.charge(static_cast<std::size_t>(
        std::min<std::int64_t>(count, std::int64_t{1} << 40) * std::int64_t{sizeof(Value)})));
    batch.resize(static_cast<std::size_t>(count), call.at(1));
  }
  HEARTH_TRY_VOID(flush());
  return Value::iterator(std::move(batches));
}

/// As many lists as asked for, the first ones longer by one where it does not come out even.
Result<Value> filter_slice(const Call& call) {
  HEARTH_TRY(const std::int64_t slices, call.whole_or(0, 0));
  HEARTH_TRY(const auto list, iterate(call.self, call.budget));
  if (slices == 0) return call.wrong("cannot make 0 slices");
  const auto& items = list->items;
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(slices, 0));
  HEARTH_TRY_VOID(call.budget.charge((items.size() + std::min(count, std::size_t{1} << 40)) *
                                     (sizeof(Value) + sizeof(List))));
  std::vector<Value> out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const bool longer = i < items.size() % count;
    const std::size_t end = begin + items.size() / count + (longer ? 1 : 0);
    std::vector<Value> slice(items.begin() + static_cast<std::ptrdiff_t>(begin),
                             items.begin() + static_cast<std::ptrdiff_t>(end));
    if (call.has(1) && !longer) slice.push_back(call.at(1));
    HEARTH_TRY(Value whole, Value::list(std::move(slice)));
    out.push_back(std::move(whole));
    begin = end;
  }
  return Value::iterator(std::move(out));
}

/// The name in front of the arguments that map() and select() pass on.
Result<const std::string*> leading_name(const Call& call, const Arguments& rest) {
  const std::string* name = rest.positional.front().as_string();
  if (name == nullptr) return call.wrong("needs a name, not " + rest.positional.front().describe());
  return name;
}

/// map(attribute=..., default=...)
Result<Value> map_attribute(const Call& call, const List& list) {
  std::optional<Value> attribute;
  std::optional<Value> fallback;
  for (const auto& [name, value] : call.all.named) {
    if (name == "attribute") {
      attribute = value;
    } else if (name == "default") {
      fallback = value;
    } else {
      return call.wrong("has no argument " + name + "=");
    }
  }
  if (!attribute) return call.wrong("needs a filter or attribute=");
  HEARTH_TRY(const AttributePath path, AttributePath::parse(*attribute, fallback));
  std::vector<Value> out;
  for (const Value& item : list.items) {
    HEARTH_TRY(Value value, path.of(item, call.budget));
    out.push_back(std::move(value));
  }
  return Value::iterator(std::move(out));
}

/// map('filter', arguments...), or by attribute.
Result<Value> filter_map(const Call& call) {
  if (!call.self.truthy()) return Value::iterator({});
  HEARTH_TRY(const auto list, iterate(call.self, call.budget));
  if (call.all.positional.empty()) return map_attribute(call, *list);
  HEARTH_TRY(const std::string* filter, leading_name(call, call.all));
  const Arguments rest{{call.all.positional.begin() + 1, call.all.positional.end()},
                       call.all.named};
  std::vector<Value> out;
  for (const Value& item : list->items) {
    HEARTH_TRY_VOID(call.budget.charge(sizeof(Value)));
    HEARTH_TRY(Value value, apply_filter(*filter, item, rest, call.runtime));
    out.push_back(std::move(value));
  }
  return Value::iterator(std::move(out));
}

/// The items for which a test holds (or, if not `keep`, does not); with `by_attribute` the test is
/// of an attribute, whose name comes first. Without a test, truth decides.
Result<Value> selected(const Call& call, bool keep, bool by_attribute) {
  if (!call.self.truthy()) return Value::iterator({});
  Arguments rest = call.all;
  std::optional<AttributePath> path;
  if (by_attribute) {
    if (rest.positional.empty()) return call.wrong("needs the name of an attribute");
    HEARTH_TRY(path, AttributePath::parse(rest.positional.front()));
    rest.positional.erase(rest.positional.begin());
  }
  std::optional<std::string> test;
  if (!rest.positional.empty()) {
    HEARTH_TRY(const std::string* name, leading_name(call, rest));
    test = *name;
    rest.positional.erase(rest.positional.begin());
  }
  HEARTH_TRY(const auto list, iterate(call.self, call.budget));
  std::vector<Value> kept;
  for (const Value& item : list->items) {
    HEARTH_TRY_VOID(call.budget.charge(sizeof(Value)));
    Value subject = item;
    if (path) {
      HEARTH_TRY(subject, path->of(item, call.budget));
    }
    bool holds = subject.truthy();
    if (test) {
      HEARTH_TRY(holds, apply_test(*test, subject, rest, call.runtime));
    }
    if (holds == keep) kept.push_back(item);
  }
  return Value::iterator(std::move(kept));
}

Result<Value> filter_select(const Call& call) { return selected(call, true, false); }
Result<Value> filter_reject(const Call& call) { return selected(call, false, false); }
Result<Value> filter_selectattr(const Call& call) { return selected(call, true, true); }
Result<Value> filter_rejectattr(const Call& call) { return selected(call, false, true); }

constexpr Function kSequenceFilters[] = {
    {"batch", {.names = {"linecount", "fill_with"}, .required = 1}, filter_batch},
    {"count", {}, filter_length},
    {"first", {}, filter_first},
    {"items", {}, filter_items},
    {"join", {.names = {"d", "attribute"}}, filter_join},
    {"last", {}, filter_last},
    {"length", {}, filter_length},
    {"list", {}, filter_list},
    {"map", {.takes_rest = true}, filter_map},
    {"reject", {.takes_rest = true}, filter_reject},
    {"rejectattr", {.takes_rest = true}, filter_rejectattr},
    {"reverse", {}, filter_reverse},
    {"select", {.takes_rest = true}, filter_select},
    {"selectattr", {.takes_rest = true}, filter_selectattr},
    {"slice", {.names = {"slices", "fill_with"}, .required = 1}, filter_slice},
    {"sum", {.names = {"attribute", "start"}}, filter_sum},
};

/// A step of a path: whole numbers are indexes.
Value path_step(std::string_view step) {
  const bool is_number =
      !step.empty() && step.size() < 18 &&
      std::all_of(step.begin(), step.end(), [](char c) { return c >= '0' && c <= '9'; });
  return is_number ? Value::integer(std::stoll(std::string(step))) : Value::string(step);
}

}  // namespace

std::span<const Function> sequence_filters() { return kSequenceFilters; }

Result<AttributePath> AttributePath::parse(const Value& attribute, std::optional<Value> fallback) {
  AttributePath path;
  if (fallback && !fallback->is_none()) path.fallback_ = std::move(fallback);
  const std::string* text = attribute.as_string();
  if (text == nullptr) {
    if (!attribute.is_none()) path.keys_.push_back(attribute);
    return path;
  }
  std::string_view rest = *text;
  for (;;) {
    const std::size_t dot = rest.find('.');
    path.keys_.push_back(path_step(rest.substr(0, dot)));
    if (dot == std::string_view::npos) return path;
    rest.remove_prefix(dot + 1);
  }
}

Result<Value> AttributePath::of(const Value& item, Budget& budget) const {
  Value value = item;
  for (const Value& key : keys_) {
    HEARTH_TRY_VOID(budget.charge());
    HEARTH_TRY(value, get_item(value, key, budget));
    if (fallback_ && value.is_undefined()) value = *fallback_;
  }
  return value;
}

}  // namespace hearth::text::jinja

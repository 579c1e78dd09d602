// Equality and order of values, as Python has them.
#include <algorithm>
#include <cmath>

#include "text/jinja/operators.h"
#include "text/jinja/value.h"

namespace hearth::text::jinja {
namespace {

/// Lists, tuples, ranges and the views of dicts equal only their own kind.
bool same_kind(const List& a, const List& b) {
  return a.kind == b.kind || (a.is_tuple() && b.is_tuple());
}

/// The items of dict.keys() or dict.items() in the order of the keys.
std::vector<Value> by_key(const List& view) {
  std::vector<Value> items = view.items;
  const auto key = [&](const Value& item) -> const Value& {
    return view.kind == ListKind::kItems ? item.as_list()->items[0] : item;
  };
  std::sort(items.begin(), items.end(),
            [&](const Value& x, const Value& y) { return order_keys(key(x), key(y)) < 0; });
  return items;
}

/// dict.keys() and dict.items() compare as sets do; dict.values() only with itself.
bool equal_lists(const List& a, const List& b) {
  if (&a == &b) return true;
  if (!same_kind(a, b) || a.items.size() != b.items.size()) return false;
  if (a.kind == ListKind::kValues) return false;
  if (a.kind != ListKind::kKeys && a.kind != ListKind::kItems) {
    return std::equal(a.items.begin(), a.items.end(), b.items.begin(), equal);
  }
  const std::vector<Value> left = by_key(a);
  const std::vector<Value> right = by_key(b);
  return std::equal(left.begin(), left.end(), right.begin(), equal);
}

bool equal_dicts(const Dict& a, const Dict& b) {
  return a.entries.size() == b.entries.size() &&
         std::all_of(a.entries.begin(), a.entries.end(), [&](const auto& entry) {
           const Value* other = b.find(entry.first);
           return other != nullptr && equal(entry.second, *other);
         });
}

/// A whole number against a float, exactly: 2^53 + 1 is no float.
int order_mixed(std::int64_t whole, double number) {
  if (number >= 9223372036854775808.0) return -1;
  if (number < -9223372036854775808.0) return 1;
  const auto floor = static_cast<std::int64_t>(std::floor(number));
  if (whole != floor) return whole < floor ? -1 : 1;
  return number > std::floor(number) ? -1 : 0;
}

/// nan has no place; it comes out as greater than everything.
int order_numbers(const Value& a, const Value& b) {
  if (a.is_float() && b.is_float()) {
    const double x = to_double(a);
    const double y = to_double(b);
    return x < y ? -1 : x == y ? 0 : 1;
  }
  if (a.is_float()) return std::isnan(to_double(a)) ? 1 : -order_mixed(to_integer(b), to_double(a));
  if (b.is_float()) return std::isnan(to_double(b)) ? 1 : order_mixed(to_integer(a), to_double(b));
  const std::int64_t x = to_integer(a);
  const std::int64_t y = to_integer(b);
  return x < y ? -1 : x == y ? 0 : 1;
}

/// Which of the kinds of keys this is.
int key_class(const Value& key) {
  if (key.is_number()) return 0;
  if (key.is_string()) return 1;
  if (key.is_none()) return 2;
  return key.is_undefined() ? 3 : 4;  // 4: a tuple
}

bool is_nan(const Value& value) { return value.is_float() && std::isnan(to_double(value)); }

}  // namespace

bool equal(const Value& a, const Value& b) {
  if (a.is_string() && b.is_string()) return *a.as_string() == *b.as_string();
  if (a.is_number() && b.is_number()) return order_numbers(a, b) == 0;
  if (a.as_list() != nullptr && b.as_list() != nullptr) {
    return equal_lists(*a.as_list(), *b.as_list());
  }
  if (a.as_dict() != nullptr && b.as_dict() != nullptr) {
    return a.as_dict() == b.as_dict() || equal_dicts(*a.as_dict(), *b.as_dict());
  }
  if (a.as_namespace() != nullptr) return a.as_namespace() == b.as_namespace();
  if (a.as_callable() != nullptr) return a.as_callable() == b.as_callable();
  return (a.is_none() && b.is_none()) || (a.is_undefined() && b.is_undefined());
}

Result<bool> less(const Value& a, const Value& b) {
  if (a.is_string() && b.is_string()) return *a.as_string() < *b.as_string();
  if (a.is_number() && b.is_number()) return order_numbers(a, b) < 0;
  const List* left = a.as_list();
  const List* right = b.as_list();
  const auto ordered = [](const List* l) { return l->kind == ListKind::kList || l->is_tuple(); };
  if (left != nullptr && right != nullptr && same_kind(*left, *right) && ordered(left)) {
    for (std::size_t i = 0; i < left->items.size() && i < right->items.size(); ++i) {
      if (!equal(left->items[i], right->items[i])) return less(left->items[i], right->items[i]);
    }
    return left->items.size() < right->items.size();
  }
  return fail(ErrorCode::kInvalidArgument,
              a.describe() + " cannot be ordered against " + b.describe());
}

int order_keys(const Value& a, const Value& b) {
  if (key_class(a) != key_class(b)) return key_class(a) < key_class(b) ? -1 : 1;
  if (a.is_number()) return order_numbers(a, b);
  if (a.is_string()) return a.as_string()->compare(*b.as_string());
  if (a.is_none() || a.is_undefined()) return 0;
  const auto& left = a.as_list()->items;
  const auto& right = b.as_list()->items;
  for (std::size_t i = 0; i < left.size() && i < right.size(); ++i) {
    if (const int order = order_keys(left[i], right[i]); order != 0) return order;
  }
  return left.size() < right.size() ? -1 : left.size() == right.size() ? 0 : 1;
}

bool is_hashable(const Value& value) {
  if (is_nan(value)) return false;  // not equal to itself: a dict could not find it again
  if (value.is_number() || value.is_string() || value.is_none() || value.is_undefined()) {
    return true;
  }
  const List* list = value.as_list();
  return list != nullptr && list->is_tuple() &&
         std::all_of(list->items.begin(), list->items.end(), is_hashable);
}

Result<bool> contains(const Value& container, const Value& item, Budget& budget) {
  if (const std::string* text = container.as_string()) {
    const std::string* part = item.as_string();
    if (part == nullptr) {
      return fail(ErrorCode::kInvalidArgument,
                  "'in' of a string needs a string, not " + item.describe());
    }
    HEARTH_TRY_VOID(budget.charge(text->size()));
    return find_text(*text, *part) != std::string::npos;
  }
  if (const Dict* dict = container.as_dict()) {
    if (!is_hashable(item)) {
      return fail(ErrorCode::kInvalidArgument, item.describe() + " cannot be a key");
    }
    return dict->find(item) != nullptr;
  }
  HEARTH_TRY(const auto list, iterate(container));
  HEARTH_TRY_VOID(budget.charge(std::min(list->weight, list->items.size() * item.weight())));
  return std::any_of(list->items.begin(), list->items.end(),
                     [&](const Value& other) { return equal(other, item); });
}

Result<bool> compare(CompareOp op, const Value& left, const Value& right, Budget& budget) {
  if (op == CompareOp::kIn) return contains(right, left, budget);
  if (op == CompareOp::kNotIn) {
    HEARTH_TRY(const bool found, contains(right, left, budget));
    return !found;
  }
  HEARTH_TRY_VOID(budget.charge(std::min(left.weight(), right.weight())));
  switch (op) {
    case CompareOp::kEqual:
      return equal(left, right);
    case CompareOp::kNotEqual:
      return !equal(left, right);
    case CompareOp::kLess:
      return less(left, right);
    case CompareOp::kGreater:
      return less(right, left);
    default:
      break;
  }
  const bool at_most = op == CompareOp::kLessEqual;
  HEARTH_TRY(const bool below, at_most ? less(left, right) : less(right, left));
  return below || equal(left, right);
}

}  // namespace hearth::text::jinja

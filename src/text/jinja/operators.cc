// The operators + - ~ * / // % and ** by the kinds of their operands.
#include "text/jinja/operators.h"

#include <algorithm>

#include "text/jinja/text_format.h"

namespace hearth::text::jinja {
namespace {

/// left ~ right, and the + of two strings.
Result<Value> joined_text(Value left, const Value& right, Budget& budget) {
  // Text that is added to in place grows by what is added; everything else is copied.
  std::string* own = left.own_text();
  HEARTH_TRY_VOID(
      budget.charge_text((own == nullptr ? left.text_weight() : 0) + right.text_weight()));
  if (own != nullptr) {
    HEARTH_TRY_VOID(budget.charge_text(own->size() / 64 + right.text_weight()));
    append_text(right, *own);
    return left;
  }
  std::string out;
  if (const std::string* text = left.as_string()) {
    out.reserve(text->size() + right.text_weight() + 64);
    out = *text;
  } else {
    append_text(left, out);
  }
  append_text(right, out);
  return Value::string(std::move(out));
}

/// + where one of two strings is marked as safe: the other one is escaped.
Result<Value> joined_markup(const Value& left, const Value& right, Budget& budget) {
  HEARTH_TRY_VOID(budget.charge_text((left.weight() + right.weight()) * 6));
  const auto safe = [](const Value& value) {
    return value.is_markup() ? *value.as_string() : escape_html(*value.as_string());
  };
  return Value::string(safe(left) + safe(right), true);
}

/// The lists or tuples that + and * take; not ranges or the views of dicts.
const List* plain_list(const Value& value) {
  const List* list = value.as_list();
  return list != nullptr && (list->kind == ListKind::kList || list->is_tuple()) ? list : nullptr;
}

ListKind joined_kind(const List& list) {
  return list.is_tuple() ? ListKind::kTuple : ListKind::kList;
}

Result<Value> joined_lists(const List& a, const List& b, Budget& budget) {
  HEARTH_TRY_VOID(budget.charge((a.items.size() + b.items.size()) * sizeof(Value)));
  std::vector<Value> items = a.items;
  items.insert(items.end(), b.items.begin(), b.items.end());
  return Value::list(std::move(items), joined_kind(a));
}

/// "text" * 3 and [item] * 3.
Result<Value> repeat(const Value& what, std::int64_t times, Budget& budget) {
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(times, 0));
  if (count > 0 && what.weight() > kValueWeightMax / count) {
    return fail(ErrorCode::kResourceExhausted, "a repetition that makes too large a value");
  }
  if (const std::string* text = what.as_string()) {
    HEARTH_TRY_VOID(budget.charge_text(text->size() * count));
    std::string out;
    out.reserve(text->size() * count);
    for (std::size_t i = 0; i < count; ++i) out += *text;
    return Value::string(std::move(out), what.is_markup());
  }
  const List& list = *what.as_list();
  HEARTH_TRY_VOID(budget.charge((list.items.size() * sizeof(Value) + 1) * count));
  std::vector<Value> items;
  items.reserve(list.items.size() * count);
  for (std::size_t i = 0; i < count; ++i) {
    items.insert(items.end(), list.items.begin(), list.items.end());
  }
  return Value::list(std::move(items), joined_kind(list));
}

bool is_repeatable(const Value& value) { return value.is_string() || plain_list(value) != nullptr; }

}  // namespace

std::string_view spelling(BinaryOp op) {
  constexpr std::string_view kSpellings[] = {"+", "-", "~", "*", "/", "//", "%", "**"};
  return kSpellings[static_cast<std::size_t>(op)];
}

Result<Value> binary(BinaryOp op, Value left, const Value& right, Budget& budget) {
  if (op == BinaryOp::kConcat) return joined_text(std::move(left), right, budget);
  if (left.is_number() && right.is_number()) return arithmetic(op, left, right);
  if (op == BinaryOp::kAdd && left.is_string() && right.is_string()) {
    if (left.is_markup() || right.is_markup()) return joined_markup(left, right, budget);
    return joined_text(std::move(left), right, budget);
  }
  if (op == BinaryOp::kAdd) {
    const List* a = plain_list(left);
    const List* b = plain_list(right);
    if (a != nullptr && b != nullptr && a->is_tuple() == b->is_tuple()) {
      return joined_lists(*a, *b, budget);
    }
  }
  if (op == BinaryOp::kMultiply && is_repeatable(left) && right.is_whole()) {
    return repeat(left, to_integer(right), budget);
  }
  if (op == BinaryOp::kMultiply && is_repeatable(right) && left.is_whole()) {
    return repeat(right, to_integer(left), budget);
  }
  if (op == BinaryOp::kModulo && left.is_string()) return format_percent(left, right, budget);
  return fail(ErrorCode::kInvalidArgument, "the operator " + std::string(spelling(op)) + " on " +
                                               left.describe() + " and " + right.describe());
}

}  // namespace hearth::text::jinja

// Expressions, except for calls.
#include "text/jinja/evaluator.h"

namespace hearth::text::jinja {
namespace {

// With blocks and macros counted in, as in statements.cc.
constexpr int kRecursionMax = 500;

}  // namespace

Result<Value> Evaluator::eval(const Expression& node) {
  HEARTH_TRY_VOID(budget_.charge());
  if (recursion_ >= kRecursionMax) return too_deep();
  ++recursion_;
  auto value = eval_kind(node);
  --recursion_;
  if (!value && error_line_ == 0) error_line_ = node.line;
  return value;
}

Result<Value> Evaluator::eval_kind(const Expression& node) {
  using Kind = Expression::Kind;
  switch (node.kind) {
    case Kind::kLiteral:
      return node.literal;
    case Kind::kName:
      return eval_name(node);
    case Kind::kList:
    case Kind::kTuple: {
      HEARTH_TRY(std::vector<Value> items, eval_all(node.parts));
      HEARTH_TRY_VOID(budget_.charge(items.size() * sizeof(Value)));
      return Value::list(std::move(items),
                         node.kind == Kind::kTuple ? ListKind::kTuple : ListKind::kList);
    }
    case Kind::kDict:
      return eval_dict(node);
    case Kind::kNot: {
      HEARTH_TRY(const Value operand, eval(*node.parts[0]));
      return Value::boolean(!operand.truthy());
    }
    case Kind::kNegate:
    case Kind::kPlus: {
      HEARTH_TRY(const Value operand, eval(*node.parts[0]));
      return node.kind == Kind::kNegate ? negate(operand) : plus(operand);
    }
    case Kind::kAnd:
    case Kind::kOr:
      return eval_logical(node);
    case Kind::kBinary:
      return eval_chain(node);
    case Kind::kCompare:
      return eval_compare(node);
    case Kind::kConditional:
      return eval_conditional(node);
    case Kind::kAttribute: {
      HEARTH_TRY(const Value object, eval(*node.parts[0]));
      return get_attribute(object, node.literal);
    }
    case Kind::kSubscript: {
      HEARTH_TRY(const Value object, eval(*node.parts[0]));
      HEARTH_TRY(const Value key, eval(*node.parts[1]));
      return get_item(object, key, budget_);
    }
    case Kind::kSlice:
      return eval_slice(node);
    case Kind::kCall:
      return eval_call(node, nullptr);
    case Kind::kFilter:
      return eval_function(node, "filter");
    case Kind::kTest:
      return eval_function(node, "test");
  }
  return Value();
}

Result<Value> Evaluator::eval_name(const Expression& node) {
  if (const Value* value = scope_->find(node.symbol)) return *value;
  return Value::undefined("'" + program_.symbols.name(node.symbol) + "'");
}

Result<std::vector<Value>> Evaluator::eval_all(const std::vector<ExpressionPtr>& nodes) {
  std::vector<Value> values;
  values.reserve(nodes.size());
  for (const ExpressionPtr& node : nodes) {
    HEARTH_TRY(Value value, eval(*node));
    values.push_back(std::move(value));
  }
  return values;
}

/// The first operand that decides, or the last one.
Result<Value> Evaluator::eval_logical(const Expression& node) {
  const bool decides = node.kind == Expression::Kind::kOr;
  for (std::size_t i = 0; i + 1 < node.parts.size(); ++i) {
    HEARTH_TRY(Value value, eval(*node.parts[i]));
    if (value.truthy() == decides) return value;
  }
  return eval(*node.parts.back());
}

Result<Value> Evaluator::eval_chain(const Expression& node) {
  HEARTH_TRY(Value value, eval(*node.parts[0]));
  for (std::size_t i = 0; i < node.operators.size(); ++i) {
    HEARTH_TRY(const Value right, eval(*node.parts[i + 1]));
    HEARTH_TRY(value, binary(node.operators[i], std::move(value), right, budget_));
  }
  return value;
}

Result<Value> Evaluator::eval_compare(const Expression& node) {
  HEARTH_TRY(Value left, eval(*node.parts[0]));
  for (std::size_t i = 0; i < node.comparisons.size(); ++i) {
    HEARTH_TRY(Value right, eval(*node.parts[i + 1]));
    HEARTH_TRY(const bool holds, compare(node.comparisons[i], left, right, budget_));
    if (!holds) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Result<Value> Evaluator::eval_conditional(const Expression& node) {
  HEARTH_TRY(const Value condition, eval(*node.parts[0]));
  if (condition.truthy()) return eval(*node.parts[1]);
  if (node.parts[2] != nullptr) return eval(*node.parts[2]);
  return Value::undefined("the 'else' of an inline if");
}

Result<Value> Evaluator::eval_dict(const Expression& node) {
  HEARTH_TRY(std::vector<Value> parts, eval_all(node.parts));
  HEARTH_TRY_VOID(budget_.charge(parts.size() * sizeof(Value)));
  std::vector<std::pair<Value, Value>> entries;
  entries.reserve(parts.size() / 2);
  for (std::size_t i = 0; i + 1 < parts.size(); i += 2) {
    entries.emplace_back(std::move(parts[i]), std::move(parts[i + 1]));
  }
  return Value::dict(std::move(entries));
}

Result<Value> Evaluator::eval_slice(const Expression& node) {
  HEARTH_TRY(const Value object, eval(*node.parts[0]));
  Value bounds[3] = {Value::none(), Value::none(), Value::none()};
  for (std::size_t i = 0; i < 3; ++i) {
    if (node.parts[i + 1] == nullptr) continue;
    HEARTH_TRY(bounds[i], eval(*node.parts[i + 1]));
  }
  return get_slice(object, bounds[0], bounds[1], bounds[2], budget_);
}

/// A filter or a test.
Result<Value> Evaluator::eval_function(const Expression& node, std::string_view kind) {
  HEARTH_TRY(const Value input, eval(*node.parts[0]));
  if (node.function == nullptr) {
    return fail(ErrorCode::kUnsupported,
                "the " + std::string(kind) + " " + node.name + " is not supported");
  }
  if (node.arguments == nullptr) return call_function(*node.function, kind, input, {}, runtime_);
  HEARTH_TRY(const Arguments arguments, eval_arguments(*node.arguments));
  return call_function(*node.function, kind, input, arguments, runtime_);
}

}  // namespace hearth::text::jinja

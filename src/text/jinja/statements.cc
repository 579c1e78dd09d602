// Statements, except for loops and calls.
#include "text/jinja/evaluator.h"

namespace hearth::text::jinja {
namespace {

// Expressions, blocks and macros inside of one another, counted together: deeper nesting is refused
// before the stack is at risk.
constexpr int kRecursionMax = 500;

}  // namespace

tl::unexpected<Error> Evaluator::too_deep() const {
  return fail(ErrorCode::kResourceExhausted, "the template nests too deep");
}

Result<Evaluator::Flow> Evaluator::block(const Block& body) {
  if (recursion_ >= kRecursionMax) return too_deep();
  ++recursion_;
  for (const Statement& node : body) {
    auto flow = statement(node);
    if (!flow || *flow != Flow::kNext) {
      --recursion_;
      return flow;
    }
  }
  --recursion_;
  return Flow::kNext;
}

Result<Evaluator::Flow> Evaluator::statement(const Statement& node) {
  HEARTH_TRY_VOID(budget_.charge());
  auto flow = run_statement(node);
  if (!flow && error_line_ == 0) error_line_ = node.line;
  return flow;
}

Result<Evaluator::Flow> Evaluator::run_statement(const Statement& node) {
  switch (node.kind) {
    case Statement::Kind::kText:
      HEARTH_TRY_VOID(print(node.text));
      return Flow::kNext;
    case Statement::Kind::kOutput: {
      HEARTH_TRY(const Value value, eval(*node.expression));
      HEARTH_TRY_VOID(print(value));
      return Flow::kNext;
    }
    case Statement::Kind::kDo:
      HEARTH_TRY_VOID(eval(*node.expression));
      return Flow::kNext;
    case Statement::Kind::kIf:
      return if_statement(node);
    case Statement::Kind::kFor:
      return for_statement(node);
    case Statement::Kind::kSet: {
      HEARTH_TRY(Value value, eval(*node.expression));
      HEARTH_TRY_VOID(assign(node.target, std::move(value)));
      return Flow::kNext;
    }
    case Statement::Kind::kSetBlock:
      return set_block(node);
    case Statement::Kind::kFilterBlock:
      return filter_block(node);
    case Statement::Kind::kWith:
      return with_statement(node);
    case Statement::Kind::kMacro:
      scope_->set(node.macro->symbol, macro_value(*node.macro));
      return Flow::kNext;
    case Statement::Kind::kCallBlock:
      return call_block(node);
    case Statement::Kind::kBreak:
      return Flow::kBreak;
    case Statement::Kind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNext;
}

Result<void> Evaluator::print(std::string_view text) {
  HEARTH_TRY_VOID(budget_.charge_text(text.size()));
  if (out_.size() + text.size() > budget_.text_bytes_max()) {
    return budget_.charge_text(out_.size() + text.size());
  }
  out_ += text;
  return {};
}

Result<void> Evaluator::print(const Value& value) {
  if (const std::string* text = value.as_string()) return print(std::string_view(*text));
  if (value.as_iterator() != nullptr) {
    return fail(ErrorCode::kUnsupported,
                "printing a generator is not supported (its items are: | list)");
  }
  HEARTH_TRY_VOID(budget_.charge(value.text_weight()));
  return print(std::string_view(to_text(value)));
}

Result<Evaluator::Flow> Evaluator::if_statement(const Statement& node) {
  for (const auto& [condition, body] : node.branches) {
    if (condition != nullptr) {
      HEARTH_TRY(const Value value, eval(*condition));
      if (!value.truthy()) continue;
    }
    return block(body);
  }
  return Flow::kNext;
}

Result<Evaluator::Captured> Evaluator::captured(const Block& body) {
  std::string outer = std::exchange(out_, {});
  const auto flow = block(body);
  std::string text = std::exchange(out_, std::move(outer));
  if (!flow) return tl::unexpected<Error>(flow.error());
  return Captured{*flow, std::move(text)};
}

/// What the body prints, in a scope of its own, through the filters of the tag; nothing when
/// {% break %} or {% continue %} left it, for then the tag has no effect.
Result<Evaluator::Flow> Evaluator::filtered_block(const Statement& node, Value& value) {
  const ScopeGuard guard(*this, inner_scope());
  HEARTH_TRY(Captured body, captured(node.body));
  if (body.flow != Flow::kNext) return body.flow;
  scope_->set(SymbolTable::kBlockText, Value::string(std::move(body.text)));
  HEARTH_TRY(value, eval(*node.expression));
  return Flow::kNext;
}

Result<Evaluator::Flow> Evaluator::set_block(const Statement& node) {
  Value value;
  HEARTH_TRY(const Flow flow, filtered_block(node, value));
  if (flow == Flow::kNext) HEARTH_TRY_VOID(assign(node.target, std::move(value)));
  return flow;
}

Result<Evaluator::Flow> Evaluator::filter_block(const Statement& node) {
  Value value;
  HEARTH_TRY(const Flow flow, filtered_block(node, value));
  if (flow == Flow::kNext) HEARTH_TRY_VOID(print(value));
  return flow;
}

/// All values are those of the scope outside.
Result<Evaluator::Flow> Evaluator::with_statement(const Statement& node) {
  std::vector<Value> values;
  for (const auto& [target, expression] : node.assignments) {
    HEARTH_TRY(Value value, eval(*expression));
    values.push_back(std::move(value));
  }
  const ScopeGuard guard(*this, inner_scope());
  for (std::size_t i = 0; i < values.size(); ++i) {
    HEARTH_TRY_VOID(assign(node.assignments[i].first, std::move(values[i])));
  }
  return block(node.body);
}

Result<void> Evaluator::assign(const Target& target, Value value) {
  if (!target.attribute.empty()) return assign_attribute(target, std::move(value));
  if (!target.parts.empty()) return unpack(target.parts, value);
  scope_->set(target.symbol, std::move(value));
  return {};
}

Result<void> Evaluator::unpack(const std::vector<Target>& parts, const Value& value) {
  HEARTH_TRY(const auto items, iterate(value, budget_));
  if (items->items.size() != parts.size()) {
    return fail(ErrorCode::kInvalidArgument,
                "cannot unpack " + std::to_string(items->items.size()) + " values into " +
                    std::to_string(parts.size()) + " names");
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    HEARTH_TRY_VOID(assign(parts[i], items->items[i]));
  }
  return {};
}

Result<void> Evaluator::assign_attribute(const Target& target, Value value) {
  const Value* object = scope_->find(target.symbol);
  Namespace* space = object == nullptr ? nullptr : object->as_namespace();
  if (space == nullptr) {
    return fail(ErrorCode::kUnsupported, "cannot set " + program_.symbols.name(target.symbol) +
                                             "." + target.attribute +
                                             ": only a namespace can be changed");
  }
  if (value.as_namespace() != nullptr) {
    return fail(ErrorCode::kUnsupported, "a namespace cannot hold a namespace");
  }
  space->entries.insert_or_assign(target.attribute, std::move(value));
  return {};
}

}  // namespace hearth::text::jinja

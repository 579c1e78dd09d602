// For loops, the recursive ones too.
#include "text/jinja/evaluator.h"

namespace hearth::text::jinja {
namespace {

// Each level takes more of the stack than other nesting does.
constexpr std::size_t kLoopDepthMax = 64;

}  // namespace

Result<Evaluator::Flow> Evaluator::for_statement(const Statement& node) {
  HEARTH_TRY(const Value iterable, eval(*node.expression));
  return run_loop(node, iterable, 1);
}

/// The items that the loop's own `if` lets through.
Result<std::shared_ptr<const List>> Evaluator::loop_items(const Statement& node,
                                                          const Value& iterable) {
  HEARTH_TRY(const auto items, iterate(iterable, budget_));
  if (node.condition == nullptr) return items;
  std::vector<Value> kept;
  for (const Value& item : items->items) {
    const ScopeGuard guard(*this, inner_scope());
    HEARTH_TRY_VOID(assign(node.target, item));
    HEARTH_TRY(const Value condition, eval(*node.condition));
    if (condition.truthy()) kept.push_back(item);
  }
  HEARTH_TRY(const Value list, Value::list(std::move(kept)));
  return *list.get<std::shared_ptr<const List>>();
}

Result<Evaluator::Flow> Evaluator::run_loop(const Statement& node, const Value& iterable,
                                            std::size_t depth) {
  if (depth > kLoopDepthMax) return too_deep();
  const auto loop = std::make_shared<LoopState>();
  HEARTH_TRY(loop->items, loop_items(node, iterable));
  loop->depth = depth;
  if (node.is_recursive) {
    loop->statement = &node;
    loop->outer = scope_;
  }
  HEARTH_TRY(const bool any_finished, run_items(node, loop));
  if (any_finished) return Flow::kNext;
  // As in Jinja, also when {% break %} or {% continue %} left each round that there was.
  const ScopeGuard guard(*this, inner_scope());
  return block(node.otherwise);
}

/// True when the body came to its end for one item at least.
Result<bool> Evaluator::run_items(const Statement& node, const std::shared_ptr<LoopState>& loop) {
  const ScopeGuard guard(*this, inner_scope());
  const Value loop_value = Value(Value::Data(loop));
  const std::vector<Value>& items = loop->items->items;
  bool any_finished = false;
  for (std::size_t i = 0; i < items.size(); ++i) {
    HEARTH_TRY_VOID(budget_.charge());
    loop->index = i;
    scope_->clear();
    scope_->set(SymbolTable::kLoop, loop_value);
    HEARTH_TRY_VOID(assign(node.target, items[i]));
    HEARTH_TRY(const Flow flow, block(node.body));
    if (flow == Flow::kBreak) break;
    any_finished = any_finished || flow == Flow::kNext;
  }
  return any_finished;
}

/// loop(items) of a recursive loop: the loop again, one level deeper, as text.
Result<Value> Evaluator::call_loop(LoopState& loop, const Arguments& arguments) {
  const auto outer = loop.outer.lock();
  if (loop.statement == nullptr || outer == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "loop() needs a loop that is recursive");
  }
  if (arguments.positional.size() != 1 || !arguments.named.empty()) {
    return fail(ErrorCode::kInvalidArgument, "loop() takes one argument");
  }
  const Statement& node = *static_cast<const Statement*>(loop.statement);
  const ScopeGuard guard(*this, outer);
  std::string before = std::exchange(out_, {});
  const auto flow = run_loop(node, arguments.positional[0], loop.depth + 1);
  std::string text = std::exchange(out_, std::move(before));
  if (!flow) return tl::unexpected<Error>(flow.error());
  return Value::string(std::move(text));
}

}  // namespace hearth::text::jinja

// Evaluator: the state of one run, and the walk over the syntax tree. What it does is in
// statements.cc, expressions.cc and calls.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/jinja/ast.h"
#include "text/jinja/builtins.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/scope.h"

namespace hearth::text::jinja {

class Evaluator {
 public:
  Evaluator(const Program& program, std::vector<std::pair<std::string, Value>>&& variables,
            const RunLimits& limits, const LocalClock& clock);

  Result<std::string> run();

 private:
  enum class Flow { kNext, kBreak, kContinue };

  /// What a block printed, and how it ended.
  struct Captured {
    Flow flow = Flow::kNext;
    std::string text;
  };

  /// Makes a scope the current one for as long as it lives.
  class ScopeGuard {
   public:
    ScopeGuard(Evaluator& evaluator, std::shared_ptr<Scope> scope)
        : evaluator_(evaluator), outer_(std::exchange(evaluator.scope_, std::move(scope))) {}
    ~ScopeGuard() { evaluator_.scope_ = std::move(outer_); }
    ScopeGuard(const ScopeGuard&) = delete;
    ScopeGuard& operator=(const ScopeGuard&) = delete;

   private:
    Evaluator& evaluator_;
    std::shared_ptr<Scope> outer_;
  };

  std::shared_ptr<Scope> inner_scope() const { return std::make_shared<Scope>(scope_); }

  // statements.cc
  Result<Flow> block(const Block& body);
  Result<Flow> statement(const Statement& node);
  Result<Flow> run_statement(const Statement& node);
  Result<Flow> if_statement(const Statement& node);
  Result<Flow> set_block(const Statement& node);
  Result<Flow> filter_block(const Statement& node);
  Result<Flow> with_statement(const Statement& node);
  Result<void> print(std::string_view text);
  Result<void> print(const Value& value);
  Result<Captured> captured(const Block& body);
  Result<Flow> filtered_block(const Statement& node, Value& value);
  Result<void> assign(const Target& target, Value value);
  Result<void> unpack(const std::vector<Target>& parts, const Value& value);
  Result<void> assign_attribute(const Target& target, Value value);

  // loops.cc
  Result<Flow> for_statement(const Statement& node);
  Result<std::shared_ptr<const List>> loop_items(const Statement& node, const Value& iterable);
  Result<Flow> run_loop(const Statement& node, const Value& iterable, std::size_t depth);
  Result<bool> run_items(const Statement& node, const std::shared_ptr<LoopState>& loop);
  Result<Value> call_loop(LoopState& loop, const Arguments& arguments);

  // expressions.cc
  Result<Value> eval(const Expression& node);
  Result<Value> eval_kind(const Expression& node);
  Result<Value> eval_name(const Expression& node);
  Result<Value> eval_logical(const Expression& node);
  Result<Value> eval_chain(const Expression& node);
  Result<Value> eval_compare(const Expression& node);
  Result<Value> eval_conditional(const Expression& node);
  Result<Value> eval_dict(const Expression& node);
  Result<Value> eval_slice(const Expression& node);
  Result<Value> eval_function(const Expression& node, std::string_view kind);
  Result<std::vector<Value>> eval_all(const std::vector<ExpressionPtr>& nodes);

  // calls.cc
  Result<Value> eval_call(const Expression& node, const Value* caller);
  Result<Arguments> eval_arguments(const CallArguments& node);
  Result<void> spread(const CallArguments& node, Arguments& arguments);
  Result<Value> call_value(const Value& callee, const Arguments& arguments);
  Result<Value> call_macro(const Callable& callable, const Arguments& arguments);
  Result<void> bind_parameters(const MacroNode& macro, const Arguments& arguments);
  Result<void> bind_rest(const MacroNode& macro, const Arguments& arguments);
  Result<Flow> call_block(const Statement& node);
  Value macro_value(const MacroNode& macro) const;

  tl::unexpected<Error> too_deep() const;

  const Program& program_;
  Budget budget_;
  Runtime runtime_;
  std::shared_ptr<Scope> scope_;
  std::string out_;
  int error_line_ = 0;  ///< of the innermost node that failed
  int recursion_ = 0;
  int macro_depth_ = 0;
};

}  // namespace hearth::text::jinja

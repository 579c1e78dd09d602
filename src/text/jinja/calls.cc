// Calls: of functions, methods and macros.
#include <algorithm>

#include "text/jinja/evaluator.h"
#include "text/jinja/parser_base.h"

namespace hearth::text::jinja {
namespace {

// Macros take more of the stack than other nesting does.
constexpr int kMacroDepthMax = 64;

/// Takes the argument of that name out; nothing when there is none.
std::optional<Value> take_named(Arguments& arguments, std::string_view name) {
  const auto found = std::find_if(arguments.named.begin(), arguments.named.end(),
                                  [&](const auto& argument) { return argument.first == name; });
  if (found == arguments.named.end()) return std::nullopt;
  Value value = std::move(found->second);
  arguments.named.erase(found);
  return value;
}

}  // namespace

Result<Arguments> Evaluator::eval_arguments(const CallArguments& node) {
  Arguments arguments;
  HEARTH_TRY(arguments.positional, eval_all(node.positional));
  for (const auto& [name, expression] : node.named) {
    HEARTH_TRY(Value value, eval(*expression));
    arguments.named.emplace_back(name, std::move(value));
  }
  if (node.rest != nullptr || node.named_rest != nullptr) {
    HEARTH_TRY_VOID(spread(node, arguments));
  }
  return arguments;
}

/// f(*rest, **named_rest)
Result<void> Evaluator::spread(const CallArguments& node, Arguments& arguments) {
  if (node.rest != nullptr) {
    HEARTH_TRY(const Value rest, eval(*node.rest));
    HEARTH_TRY(const auto items, iterate(rest, budget_));
    HEARTH_TRY_VOID(budget_.charge(items->items.size() * sizeof(Value)));
    arguments.positional.insert(arguments.positional.end(), items->items.begin(),
                                items->items.end());
  }
  if (node.named_rest == nullptr) return {};
  HEARTH_TRY(const Value named, eval(*node.named_rest));
  const Dict* dict = named.as_dict();
  if (dict == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "** needs a dict, not " + named.describe());
  }
  if (dict->entries.size() > kPartsMax) {
    return fail(ErrorCode::kUnsupported, "a call with so many arguments");
  }
  for (const auto& [key, value] : dict->entries) {
    if (!key.is_string()) return fail(ErrorCode::kInvalidArgument, "** needs names as keys");
    const std::string& name = *key.as_string();
    const bool repeated = std::any_of(arguments.named.begin(), arguments.named.end(),
                                      [&](const auto& argument) { return argument.first == name; });
    if (repeated) return fail(ErrorCode::kInvalidArgument, "the argument " + name + " twice");
    arguments.named.emplace_back(name, value);
  }
  return {};
}

/// `caller` is the macro that a call block hands over, or null.
Result<Value> Evaluator::eval_call(const Expression& node, const Value* caller) {
  const Expression& target = *node.parts[0];
  Value callee;
  Value object;
  const Function* method = nullptr;
  if (target.kind == Expression::Kind::kAttribute) {
    HEARTH_TRY_VOID(budget_.charge());
    HEARTH_TRY(object, eval(*target.parts[0]));
    // Most calls are of methods of strings: no need to bind them first.
    if (object.is_string()) method = find_method(object, *target.literal.as_string());
    if (method == nullptr) {
      HEARTH_TRY(callee, get_attribute(object, target.literal));
    }
  } else {
    HEARTH_TRY(callee, eval(target));
  }
  HEARTH_TRY(Arguments arguments, eval_arguments(*node.arguments));
  if (caller != nullptr) arguments.named.emplace_back("caller", *caller);
  if (method != nullptr) return call_method(*method, object, arguments, runtime_);
  return call_value(callee, arguments);
}

Result<Value> Evaluator::call_value(const Value& callee, const Arguments& arguments) {
  if (LoopState* loop = callee.as_loop()) return call_loop(*loop, arguments);
  const Callable* callable = callee.as_callable();
  if (callable == nullptr) {
    return fail(ErrorCode::kUnsupported,
                callee.describe() + (callee.is_undefined() ? "," : "") + " cannot be called");
  }
  if (callable->macro != nullptr) return call_macro(*callable, arguments);
  // joiner() needs its own count, and global functions have no object.
  if (callable->calls != nullptr || callable->self.is_undefined()) {
    return call_function(*callable->function, "function", callee, arguments, runtime_);
  }
  return call_method(*callable->function, callable->self, arguments, runtime_);
}

Value Evaluator::macro_value(const MacroNode& macro) const {
  Callable callable;
  callable.macro = &macro;
  callable.scope = scope_;
  return Value::callable(std::move(callable));
}

Result<Value> Evaluator::call_macro(const Callable& callable, const Arguments& arguments) {
  if (macro_depth_ >= kMacroDepthMax) return too_deep();
  const MacroNode& macro = *callable.macro;
  auto outer = callable.scope.lock();
  if (outer == nullptr) {
    return fail(ErrorCode::kUnsupported,
                "the macro " + macro.name + " called outside of the block that defines it");
  }
  const ScopeGuard guard(*this, std::make_shared<Scope>(std::move(outer)));
  HEARTH_TRY_VOID(budget_.charge(macro.parameters.size() * 4 * sizeof(Value)));
  HEARTH_TRY_VOID(bind_parameters(macro, arguments));
  ++macro_depth_;
  auto body = captured(macro.body);
  --macro_depth_;
  if (!body) return tl::unexpected<Error>(body.error());
  return Value::string(std::move(body->text));
}

Result<void> Evaluator::bind_parameters(const MacroNode& macro, const Arguments& arguments) {
  Arguments left = arguments;
  std::vector<bool> is_given(macro.parameters.size(), false);
  for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
    const Symbol parameter = macro.parameters[i];
    std::optional<Value> value;
    if (i < left.positional.size()) {
      value = left.positional[i];
    } else {
      value = take_named(left, program_.symbols.name(parameter));
    }
    is_given[i] = value.has_value();
    if (value) scope_->set(parameter, std::move(*value));
  }
  left.positional.erase(
      left.positional.begin(),
      left.positional.begin() +
          static_cast<std::ptrdiff_t>(std::min(left.positional.size(), macro.parameters.size())));
  HEARTH_TRY_VOID(bind_rest(macro, left));
  // Defaults see the parameters before them.
  const std::size_t required = macro.parameters.size() - macro.defaults.size();
  for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
    if (is_given[i]) continue;
    Value value = Value::undefined("the argument " + program_.symbols.name(macro.parameters[i]));
    if (i >= required) {
      HEARTH_TRY(value, eval(*macro.defaults[i - required]));
    }
    scope_->set(macro.parameters[i], std::move(value));
  }
  return {};
}

/// caller, varargs and kwargs exist in macros that mention them; arguments left over without them
/// are an error.
Result<void> Evaluator::bind_rest(const MacroNode& macro, const Arguments& arguments) {
  Arguments left = arguments;
  if (macro.uses_caller) {
    auto caller = take_named(left, "caller");
    scope_->set(SymbolTable::kCaller,
                caller ? std::move(*caller) : Value::undefined("the caller of " + macro.name));
  }
  if (!macro.uses_kwargs && !left.named.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "the macro " + macro.name + " got an unexpected argument " + left.named[0].first);
  }
  if (!macro.uses_varargs && !left.positional.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the macro " + macro.name + " takes at most " +
                                                 std::to_string(macro.parameters.size()) +
                                                 " arguments");
  }
  if (macro.uses_kwargs) {
    std::vector<std::pair<Value, Value>> entries;
    for (const auto& [name, value] : left.named) entries.emplace_back(Value::string(name), value);
    HEARTH_TRY(Value named, Value::dict(std::move(entries)));
    scope_->set(SymbolTable::kKwargs, std::move(named));
  }
  if (macro.uses_varargs) {
    HEARTH_TRY(Value rest, Value::list(left.positional, ListKind::kTuple));
    scope_->set(SymbolTable::kVarargs, std::move(rest));
  }
  return {};
}

Result<Evaluator::Flow> Evaluator::call_block(const Statement& node) {
  const Value caller = macro_value(*node.macro);
  HEARTH_TRY(const Value value, eval_call(*node.expression, &caller));
  HEARTH_TRY_VOID(print(value));
  return Flow::kNext;
}

}  // namespace hearth::text::jinja

// Interpreter: a walk over the syntax tree. Every step is charged to the budget.
#include "text/jinja/interpreter.h"

#include <algorithm>

#include "text/jinja/builtins.h"

namespace hearth::text::jinja {

Result<void> Budget::charge(std::size_t bytes) {
  steps_ += 1 + bytes / 16;
  if (steps_ <= steps_max_) return {};
  return fail(ErrorCode::kResourceExhausted,
              "the template takes more than " + std::to_string(steps_max_) + " steps");
}

Result<void> Budget::charge_text(std::size_t bytes) {
  if (bytes > bytes_max_) {
    return fail(ErrorCode::kResourceExhausted,
                "the template makes a text of more than " + std::to_string(bytes_max_) + " bytes");
  }
  return charge(bytes);
}

Result<std::vector<std::optional<Value>>> Arguments::bind(
    std::initializer_list<std::string_view> parameters) const {
  std::vector<std::optional<Value>> bound(parameters.size());
  if (positional.size() > parameters.size()) {
    return fail(ErrorCode::kUnsupported, "called with " + std::to_string(positional.size()) +
                                             " arguments, at most " +
                                             std::to_string(parameters.size()) + " are supported");
  }
  for (std::size_t i = 0; i < positional.size(); ++i) bound[i] = positional[i];
  for (const auto& [name, value] : named) {
    const auto* const found = std::find(parameters.begin(), parameters.end(), name);
    if (found == parameters.end()) {
      return fail(ErrorCode::kUnsupported, "the argument " + name + "= is not supported");
    }
    bound[static_cast<std::size_t>(found - parameters.begin())] = value;
  }
  return bound;
}

namespace {

// Expressions, blocks and macros inside of one another, counted together, and calls of macros,
// which take more of the stack: deeper nesting is refused before the stack is at risk.
constexpr int kRecursionMax = 400;
constexpr int kMacroDepthMax = 64;
// As Jinja's sandbox limits range().
constexpr std::int64_t kRangeMax = 100'000;

using Variables = std::vector<std::pair<std::string, Value>>;

class Interpreter {
 public:
  Interpreter(const Program& program, Variables variables, const RunLimits& limits)
      : program_(program), budget_(limits.steps_max, limits.output_bytes_max), limits_(limits) {
    for (const char* name : {"range", "namespace", "dict", "raise_exception"}) {
      variables.emplace_back(name, Value::callable({name, nullptr, nullptr}));
    }
    scopes_.push_back(std::move(variables));
    scopes_.emplace_back();  // what the template sets at its top
  }

  Result<std::string> run() {
    auto flow = block(program_.body);
    if (!flow) {
      return fail_within("chat template " + program_.name + ": line " + std::to_string(line_),
                         flow.error());
    }
    return std::move(out_);
  }

 private:
  enum class Flow { kNext, kBreak, kContinue };

  /// A scope for as long as it lives.
  class ScopeGuard {
   public:
    explicit ScopeGuard(std::vector<Variables>& scopes) : scopes_(scopes) {
      scopes_.emplace_back();
    }
    ~ScopeGuard() { scopes_.pop_back(); }
    ScopeGuard(const ScopeGuard&) = delete;
    ScopeGuard& operator=(const ScopeGuard&) = delete;

   private:
    std::vector<Variables>& scopes_;
  };

  // --- variables ---------------------------------------------------------------------------

  const Value* find_in(const Variables& scope, std::string_view name) const {
    for (const auto& [key, value] : scope) {
      if (key == name) return &value;
    }
    return nullptr;
  }

  /// Innermost first; inside of a macro only its own scopes and the template's top are seen.
  Value lookup(const std::string& name) const {
    for (std::size_t i = scopes_.size(); i > floor_; --i) {
      if (const Value* value = find_in(scopes_[i - 1], name)) return *value;
    }
    for (std::size_t i = std::min(floor_, kTopScopes); i > 0; --i) {
      if (const Value* value = find_in(scopes_[i - 1], name)) return *value;
    }
    return Value::undefined("'" + name + "'");
  }

  void define(const std::string& name, Value value) {
    Variables& scope = scopes_.back();
    for (auto& [key, old] : scope) {
      if (key == name) {
        old = std::move(value);
        return;
      }
    }
    scope.emplace_back(name, std::move(value));
  }

  Result<void> assign(const Target& target, Value value) {
    if (!target.attribute.empty()) return assign_attribute(target, std::move(value));
    if (target.names.size() == 1) {
      define(target.names[0], std::move(value));
      return {};
    }
    HEARTH_TRY(const auto items, iterate(value));
    if (items->items.size() != target.names.size()) {
      return fail(ErrorCode::kInvalidArgument,
                  "cannot unpack " + std::to_string(items->items.size()) + " values into " +
                      std::to_string(target.names.size()) + " names");
    }
    for (std::size_t i = 0; i < target.names.size(); ++i) define(target.names[i], items->items[i]);
    return {};
  }

  Result<void> assign_attribute(const Target& target, Value value) {
    const Value object = lookup(target.names[0]);
    Namespace* space = object.as_namespace();
    if (space == nullptr) {
      return fail(ErrorCode::kUnsupported, "cannot set " + target.names[0] + "." +
                                               target.attribute +
                                               ": only a namespace can be changed");
    }
    return set_in_namespace(*space, target.attribute, std::move(value));
  }

  static Result<void> set_in_namespace(Namespace& space, const std::string& name, Value value) {
    if (value.as_namespace() != nullptr || value.as_loop() != nullptr ||
        value.as_callable() != nullptr) {
      return fail(ErrorCode::kUnsupported, "a namespace cannot hold " + value.describe());
    }
    if (Value* old = space.find(name)) {
      *old = std::move(value);
    } else {
      space.entries.emplace_back(name, std::move(value));
    }
    return {};
  }

  // --- statements --------------------------------------------------------------------------

  tl::unexpected<Error> too_deep() const {
    return fail(ErrorCode::kResourceExhausted, "the template recurses too deep");
  }

  Result<Flow> block(const Block& body) {
    if (recursion_ >= kRecursionMax) return too_deep();
    ++recursion_;
    for (const Statement& next : body) {
      HEARTH_TRY(const Flow flow, statement(next));
      if (flow != Flow::kNext) {
        --recursion_;
        return flow;
      }
    }
    --recursion_;
    return Flow::kNext;
  }

  Result<void> print(std::string_view text) {
    if (text.size() > limits_.output_bytes_max - out_.size()) {
      return fail(
          ErrorCode::kResourceExhausted,
          "the template prints more than " + std::to_string(limits_.output_bytes_max) + " bytes");
    }
    HEARTH_TRY_VOID(budget_.charge(text.size()));
    out_ += text;
    return {};
  }

  Result<Flow> statement(const Statement& node) {
    line_ = node.line;
    HEARTH_TRY_VOID(budget_.charge());
    switch (node.kind) {
      case Statement::Kind::kText:
        HEARTH_TRY_VOID(print(node.text));
        return Flow::kNext;
      case Statement::Kind::kOutput: {
        HEARTH_TRY(const Value value, eval(*node.expression));
        HEARTH_TRY_VOID(budget_.charge(value.weight()));
        HEARTH_TRY_VOID(print(to_text(value)));
        return Flow::kNext;
      }
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
      case Statement::Kind::kMacro:
        define(node.macro->name, Value::callable({node.macro->name, nullptr, node.macro.get()}));
        return Flow::kNext;
      case Statement::Kind::kBreak:
        return Flow::kBreak;
      case Statement::Kind::kContinue:
        return Flow::kContinue;
      case Statement::Kind::kScope: {
        const ScopeGuard scope(scopes_);
        return block(node.body);
      }
    }
    return Flow::kNext;
  }

  Result<Flow> if_statement(const Statement& node) {
    for (const auto& [condition, body] : node.branches) {
      if (condition != nullptr) {
        HEARTH_TRY(const Value value, eval(*condition));
        if (!value.truthy()) continue;
      }
      return block(body);
    }
    return Flow::kNext;
  }

  /// The items that the loop's own `if` lets through.
  Result<std::shared_ptr<const List>> loop_items(const Statement& node) {
    HEARTH_TRY(const Value iterable, eval(*node.expression));
    HEARTH_TRY_VOID(budget_.charge(iterable.as_string() != nullptr ? iterable.weight() : 0));
    HEARTH_TRY(auto items, iterate(iterable));
    if (node.condition == nullptr) return items;
    std::vector<Value> kept;
    for (const Value& item : items->items) {
      const ScopeGuard scope(scopes_);
      HEARTH_TRY_VOID(assign(node.target, item));
      HEARTH_TRY(const Value condition, eval(*node.condition));
      if (condition.truthy()) kept.push_back(item);
    }
    HEARTH_TRY(const Value list, Value::list(std::move(kept)));
    return *list.get<std::shared_ptr<const List>>();
  }

  Result<Flow> for_statement(const Statement& node) {
    HEARTH_TRY(const auto items, loop_items(node));
    if (items->items.empty()) return block(node.otherwise);
    const auto loop = std::make_shared<LoopState>();
    loop->items = items;
    for (std::size_t i = 0; i < items->items.size(); ++i) {
      loop->index = i;
      const ScopeGuard scope(scopes_);
      define("loop", Value(Value::Data(loop)));
      HEARTH_TRY_VOID(budget_.charge());
      HEARTH_TRY_VOID(assign(node.target, items->items[i]));
      HEARTH_TRY(const Flow inner, block(node.body));
      if (inner == Flow::kBreak) break;
    }
    return Flow::kNext;
  }

  /// What `body` prints, as text of its own.
  Result<std::string> captured(const Block& body) {
    std::string outer = std::exchange(out_, {});
    auto flow = block(body);
    std::string text = std::exchange(out_, std::move(outer));
    if (!flow) return tl::unexpected<Error>(flow.error());
    return text;
  }

  Result<Flow> set_block(const Statement& node) {
    Value value;
    {
      const ScopeGuard scope(scopes_);
      HEARTH_TRY(std::string text, captured(node.body));
      value = Value::string(std::move(text));
      if (node.expression != nullptr) {
        define(kBlockText, value);
        HEARTH_TRY(value, eval(*node.expression));
      }
    }
    HEARTH_TRY_VOID(assign(node.target, std::move(value)));
    return Flow::kNext;
  }

  // --- expressions -------------------------------------------------------------------------

  Result<Value> eval(const Expression& node) {
    HEARTH_TRY_VOID(budget_.charge());
    if (recursion_ >= kRecursionMax) return too_deep();
    ++recursion_;
    const int outer_line = std::exchange(line_, node.line);
    auto value = eval_kind(node);
    --recursion_;
    if (value) line_ = outer_line;  // an error keeps the line where it arose
    return value;
  }

  Result<Value> eval_kind(const Expression& node) {
    using Kind = Expression::Kind;
    switch (node.kind) {
      case Kind::kLiteral:
        return node.literal;
      case Kind::kName:
        return lookup(node.name);
      case Kind::kList:
      case Kind::kTuple: {
        HEARTH_TRY(std::vector<Value> items, eval_all(node, 0));
        return Value::list(std::move(items), node.kind == Kind::kTuple);
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
        return binary(node.kind == Kind::kNegate ? "-" : "+", Value::integer(0), operand, budget_);
      }
      case Kind::kAnd:
      case Kind::kOr: {
        HEARTH_TRY(Value left, eval(*node.parts[0]));
        if (left.truthy() == (node.kind == Kind::kOr)) return left;
        return eval(*node.parts[1]);
      }
      case Kind::kBinary: {
        HEARTH_TRY(const Value left, eval(*node.parts[0]));
        HEARTH_TRY(const Value right, eval(*node.parts[1]));
        return binary(node.name, left, right, budget_);
      }
      case Kind::kCompare:
        return eval_compare(node);
      case Kind::kConditional:
        return eval_conditional(node);
      default:
        return eval_access(node);
    }
  }

  Result<Value> eval_access(const Expression& node) {
    using Kind = Expression::Kind;
    if (node.kind == Kind::kCall) return eval_call(node);
    HEARTH_TRY(const Value object, eval(*node.parts[0]));
    if (node.kind == Kind::kAttribute) return get_attribute(object, node.name);
    if (node.kind == Kind::kSlice) return eval_slice(node, object);
    if (node.kind == Kind::kSubscript) {
      HEARTH_TRY(const Value key, eval(*node.parts[1]));
      HEARTH_TRY_VOID(budget_.charge(object.as_string() != nullptr ? object.weight() : 0));
      return get_item(object, key);
    }
    HEARTH_TRY(const Arguments arguments, eval_arguments(node));
    if (node.kind == Kind::kFilter) return apply_filter(node.name, object, arguments, budget_);
    HEARTH_TRY(const bool holds, apply_test(node.name, object, arguments));
    return Value::boolean(holds);
  }

  Result<std::vector<Value>> eval_all(const Expression& node, std::size_t from) {
    std::vector<Value> values;
    for (std::size_t i = from; i < node.parts.size(); ++i) {
      HEARTH_TRY(Value value, eval(*node.parts[i]));
      values.push_back(std::move(value));
    }
    return values;
  }

  Result<Value> eval_dict(const Expression& node) {
    std::vector<std::pair<std::string, Value>> entries;
    for (std::size_t i = 0; i + 1 < node.parts.size(); i += 2) {
      HEARTH_TRY(const Value key, eval(*node.parts[i]));
      HEARTH_TRY(Value value, eval(*node.parts[i + 1]));
      if (key.as_string() == nullptr) {
        return fail(ErrorCode::kUnsupported, "a dict with " + key.describe() + " as key");
      }
      const auto old = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) {
        return entry.first == *key.as_string();
      });
      if (old != entries.end()) {
        old->second = std::move(value);
      } else {
        entries.emplace_back(*key.as_string(), std::move(value));
      }
    }
    return Value::dict(std::move(entries));
  }

  Result<Value> eval_compare(const Expression& node) {
    HEARTH_TRY(Value left, eval(*node.parts[0]));
    for (std::size_t i = 0; i < node.operators.size(); ++i) {
      HEARTH_TRY(Value right, eval(*node.parts[i + 1]));
      HEARTH_TRY_VOID(budget_.charge(left.weight() + right.weight()));
      HEARTH_TRY(const bool holds, compare(node.operators[i], left, right));
      if (!holds) return Value::boolean(false);
      left = std::move(right);
    }
    return Value::boolean(true);
  }

  Result<Value> eval_conditional(const Expression& node) {
    HEARTH_TRY(const Value condition, eval(*node.parts[0]));
    if (condition.truthy()) return eval(*node.parts[1]);
    if (node.parts[2] != nullptr) return eval(*node.parts[2]);
    return Value::undefined("the 'else' of an inline if");
  }

  Result<Value> eval_slice(const Expression& node, const Value& object) {
    Value bounds[3] = {Value::none(), Value::none(), Value::none()};
    for (std::size_t i = 0; i < 3; ++i) {
      if (node.parts[i + 1] == nullptr) continue;
      HEARTH_TRY(bounds[i], eval(*node.parts[i + 1]));
    }
    HEARTH_TRY_VOID(budget_.charge(object.weight()));
    return get_slice(object, bounds[0], bounds[1], bounds[2]);
  }

  // --- calls -------------------------------------------------------------------------------

  Result<Arguments> eval_arguments(const Expression& node) {
    Arguments arguments;
    HEARTH_TRY(arguments.positional, eval_all(node, 1));
    for (const auto& [name, expression] : node.named) {
      HEARTH_TRY(Value value, eval(*expression));
      arguments.named.emplace_back(name, std::move(value));
    }
    return arguments;
  }

  Result<Value> eval_call(const Expression& node) {
    HEARTH_TRY(const Value callee, eval(*node.parts[0]));
    const Callable* callable = callee.as_callable();
    if (callable == nullptr) {
      const Expression& target = *node.parts[0];
      return fail(ErrorCode::kUnsupported,
                  "the call of " + (target.name.empty() ? callee.describe() : target.name + "()") +
                      " is not supported");
    }
    HEARTH_TRY(const Arguments arguments, eval_arguments(node));
    if (callable->macro != nullptr) return call_macro(*callable->macro, arguments);
    if (callable->self != nullptr) {
      return call_method(*callable->self, callable->name, arguments, budget_);
    }
    return call_function(callable->name, arguments);
  }

  Result<Value> call_function(const std::string& name, const Arguments& arguments) {
    if (name == "range") return call_range(arguments);
    if (name == "raise_exception") {
      HEARTH_TRY(const auto args, arguments.bind({"message"}));
      return fail(ErrorCode::kInvalidArgument,
                  "the template refuses the conversation: " +
                      (args[0] ? to_text(*args[0]) : std::string("no reason given")));
    }
    if (!arguments.positional.empty()) {
      return fail(ErrorCode::kUnsupported, name + "() with positional arguments");
    }
    if (name == "dict") return Value::dict(arguments.named);
    const auto space = std::make_shared<Namespace>();
    for (const auto& [key, value] : arguments.named) {
      HEARTH_TRY_VOID(set_in_namespace(*space, key, value));
    }
    return Value(Value::Data(space));
  }

  Result<Value> call_range(const Arguments& arguments) {
    std::int64_t bounds[3] = {0, 0, 1};
    const auto& given = arguments.positional;
    const bool whole = std::all_of(given.begin(), given.end(), [](const Value& value) {
      return value.is_integer() || value.is_bool();
    });
    if (given.empty() || given.size() > 3 || !arguments.named.empty() || !whole) {
      return fail(ErrorCode::kInvalidArgument, "range() takes one to three whole numbers");
    }
    if (given.size() == 1) {
      bounds[1] = to_integer(given[0]);
    } else {
      for (std::size_t i = 0; i < given.size(); ++i) bounds[i] = to_integer(given[i]);
    }
    const auto [start, stop, step] = bounds;
    if (step == 0) return fail(ErrorCode::kInvalidArgument, "range() with step 0");
    std::vector<Value> items;
    for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
      if (static_cast<std::int64_t>(items.size()) == kRangeMax) {
        return fail(ErrorCode::kResourceExhausted,
                    "range() of more than " + std::to_string(kRangeMax) + " numbers");
      }
      items.push_back(Value::integer(i));
      if (__builtin_add_overflow(i, step, &i)) break;
    }
    HEARTH_TRY_VOID(budget_.charge(items.size() * sizeof(Value)));
    return Value::list(std::move(items));
  }

  Result<Value> call_macro(const MacroNode& macro, const Arguments& arguments) {
    if (macro_depth_ >= kMacroDepthMax) return too_deep();
    Variables bound;
    if (arguments.positional.size() > macro.parameters.size()) {
      return fail(ErrorCode::kInvalidArgument, "the macro " + macro.name + " takes at most " +
                                                   std::to_string(macro.parameters.size()) +
                                                   " arguments");
    }
    for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
      if (i < arguments.positional.size()) {
        bound.emplace_back(macro.parameters[i], arguments.positional[i]);
      }
    }
    for (const auto& [name, value] : arguments.named) {
      if (std::find(macro.parameters.begin(), macro.parameters.end(), name) ==
              macro.parameters.end() ||
          find_in(bound, name) != nullptr) {
        return fail(ErrorCode::kInvalidArgument,
                    "the macro " + macro.name + " got an unexpected argument " + name);
      }
      bound.emplace_back(name, value);
    }
    const std::size_t outer_floor = std::exchange(floor_, scopes_.size());
    scopes_.push_back(std::move(bound));
    ++macro_depth_;
    auto text = macro_text(macro);
    --macro_depth_;
    scopes_.pop_back();
    floor_ = outer_floor;
    if (!text) return tl::unexpected<Error>(text.error());
    return Value::string(std::move(*text));
  }

  /// Fills in defaults, then captures what the body prints.
  Result<std::string> macro_text(const MacroNode& macro) {
    const std::size_t required = macro.parameters.size() - macro.defaults.size();
    for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
      if (find_in(scopes_.back(), macro.parameters[i]) != nullptr) continue;
      Value value = Value::undefined("the argument " + macro.parameters[i]);
      if (i >= required) {
        HEARTH_TRY(value, eval(*macro.defaults[i - required]));
      }
      define(macro.parameters[i], std::move(value));
    }
    return captured(*macro.body);
  }

  static constexpr std::size_t kTopScopes = 2;

  const Program& program_;
  Budget budget_;
  RunLimits limits_;
  std::vector<Variables> scopes_;
  std::size_t floor_ = 0;  // scopes below are not seen, except for the top two
  std::string out_;
  int line_ = 1;
  int recursion_ = 0;
  int macro_depth_ = 0;
};

}  // namespace

Result<std::string> run(const Program& program, Variables variables, const RunLimits& limits) {
  return Interpreter(program, std::move(variables), limits).run();
}

}  // namespace hearth::text::jinja

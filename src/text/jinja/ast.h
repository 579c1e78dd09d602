// The syntax tree of a template.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/jinja/operators.h"
#include "text/jinja/value.h"

namespace hearth::text::jinja {

/// A variable's name as a number.
using Symbol = std::uint32_t;

/// The names that a template mentions. The first ones are those that the language gives a meaning.
class SymbolTable {
 public:
  static constexpr Symbol kLoop = 0;
  static constexpr Symbol kCaller = 1;
  static constexpr Symbol kVarargs = 2;
  static constexpr Symbol kKwargs = 3;
  static constexpr Symbol kBlockText =
      4;  ///< what a filter block printed; no template can write it

  SymbolTable();

  Symbol intern(std::string_view name);

  /// Nothing when the template does not mention the name.
  const Symbol* find(const std::string& name) const;

  const std::string& name(Symbol symbol) const { return names_[symbol]; }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, Symbol> symbols_;
};

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

/// What stands between the parentheses of a call.
struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr rest;        ///< *rest, or null
  ExpressionPtr named_rest;  ///< **named_rest, or null
};

/// One node for all expressions: `kind` says how the others are used.
struct Expression {
  enum class Kind {
    kLiteral,      ///< `literal`
    kName,         ///< variable `symbol`
    kList,         ///< parts: items
    kTuple,        ///< parts: items
    kDict,         ///< parts: key, value, key, value, ...
    kNot,          ///< parts: operand
    kNegate,       ///< parts: operand
    kPlus,         ///< parts: operand
    kAnd,          ///< parts: two or more operands
    kOr,           ///< parts: two or more operands
    kBinary,       ///< parts: operands; `operators`: one fewer, from left to right
    kCompare,      ///< parts: operands; `comparisons`: one fewer, chained as in Python
    kConditional,  ///< parts: condition, value, else (may be null)
    kAttribute,    ///< parts: object; `literal` is the attribute's name
    kSubscript,    ///< parts: object, key
    kSlice,        ///< parts: object, start, stop, step (each of the three may be null)
    kCall,         ///< parts: callee; `arguments`
    kFilter,       ///< `function`, called `name`; parts: input; `arguments`
    kTest,         ///< `function`, called `name`; parts: input; `arguments`
  };

  Kind kind = Kind::kLiteral;
  int line = 1;
  int height = 1;  ///< of the tree below, this node included
  Symbol symbol = 0;
  Value literal;
  std::string name;
  const Function* function = nullptr;  ///< null for a filter or test that is not known
  std::vector<ExpressionPtr> parts;
  std::vector<BinaryOp> operators;
  std::vector<CompareOp> comparisons;
  std::unique_ptr<CallArguments> arguments;  ///< of calls, filters and tests; null for none
};

struct Statement;
using Block = std::vector<Statement>;

/// What `for` and `set` assign to: a name, a namespace's attribute, or several targets to unpack
/// into.
struct Target {
  Symbol symbol = 0;
  std::string attribute;      ///< `set name.attribute = ...`
  std::vector<Target> parts;  ///< not empty: unpack
};

/// A macro, or the body of a call block, which is one without a name.
struct MacroNode {
  std::string name;
  Symbol symbol = 0;
  std::vector<Symbol> parameters;
  std::vector<ExpressionPtr> defaults;  ///< for the last parameters
  Block body;
  bool uses_caller = false;
  bool uses_varargs = false;
  bool uses_kwargs = false;
};

/// One node for all statements.
struct Statement {
  enum class Kind {
    kText,         ///< `text`
    kOutput,       ///< `expression`
    kDo,           ///< `expression`, not printed
    kIf,           ///< `branches`: condition (null for else) and body
    kFor,          ///< `target` in `expression` if `condition`: `body`, else `otherwise`
    kSet,          ///< `target` = `expression`
    kSetBlock,     ///< `target` = what `body` prints, through the filters of `expression`
    kFilterBlock,  ///< what `body` prints, through the filters of `expression`
    kWith,         ///< `assignments` in a scope of their own, then `body`
    kMacro,        ///< `macro`
    kCallBlock,    ///< `expression` is a call, which gets `macro` as its caller
    kBreak,
    kContinue,
  };

  Kind kind = Kind::kText;
  int line = 1;
  bool is_recursive = false;  ///< of kFor
  std::string text;
  Target target;
  ExpressionPtr expression;
  ExpressionPtr condition;
  std::vector<std::pair<ExpressionPtr, Block>> branches;
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  Block body;
  Block otherwise;
  std::unique_ptr<MacroNode> macro;
};

/// A compiled template.
struct Program {
  std::string name;
  std::string source;
  SymbolTable symbols;
  Block body;
};

}  // namespace hearth::text::jinja

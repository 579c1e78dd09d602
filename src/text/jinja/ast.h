// The syntax tree of a template.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja/value.h"

namespace hearth::text::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

/// One node for all expressions: `kind` says how `name` and `parts` are used.
struct Expression {
  enum class Kind {
    kLiteral,      ///< `literal`
    kName,         ///< variable `name`
    kList,         ///< parts: items
    kTuple,        ///< parts: items
    kDict,         ///< parts: key, value, key, value, ...
    kNot,          ///< parts: operand
    kNegate,       ///< parts: operand
    kPlus,         ///< parts: operand
    kAnd,          ///< parts: left, right
    kOr,           ///< parts: left, right
    kBinary,       ///< `name` is the operator; parts: left, right
    kCompare,      ///< parts: operands; `operators`: one fewer, chained as in Python
    kConditional,  ///< parts: condition, value, else (may be null)
    kAttribute,    ///< parts: object; `name` is the attribute
    kSubscript,    ///< parts: object, key
    kSlice,        ///< parts: object, start, stop, step (each of the three may be null)
    kCall,         ///< parts: callee, arguments...; `named`
    kFilter,       ///< `name`; parts: input, arguments...; `named`
    kTest,         ///< `name`; parts: input, arguments...
  };

  Kind kind = Kind::kLiteral;
  int line = 1;
  std::string name;
  Value literal;
  std::vector<ExpressionPtr> parts;
  std::vector<std::string> operators;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
};

struct Statement;
using Block = std::vector<Statement>;

/// The names that `for` and `set` assign: one, or several to unpack into.
struct Target {
  std::vector<std::string> names;
  std::string attribute;  ///< `set name.attribute = ...`
};

struct MacroNode {
  std::string name;
  std::vector<std::string> parameters;
  std::vector<ExpressionPtr> defaults;  ///< for the last parameters
  std::shared_ptr<Block> body;
};

/// One node for all statements.
struct Statement {
  enum class Kind {
    kText,      ///< `text`
    kOutput,    ///< `expression`
    kIf,        ///< `branches`: condition (null for else) and body
    kFor,       ///< `target` in `expression` if `condition`: `body`, else `otherwise`
    kSet,       ///< `target` = `expression`
    kSetBlock,  ///< `target` = what `body` prints
    kMacro,     ///< `macro`
    kBreak,
    kContinue,
    kScope,  ///< `body` (generation tags)
  };

  Kind kind = Kind::kText;
  int line = 1;
  std::string text;
  Target target;
  ExpressionPtr expression;
  ExpressionPtr condition;
  std::vector<std::pair<ExpressionPtr, Block>> branches;
  Block body;
  Block otherwise;
  std::shared_ptr<MacroNode> macro;
};

/// The name under which the filters of a `set` block find its text; no template can write it.
inline constexpr const char* kBlockText = "block text";

/// A compiled template.
struct Program {
  std::string name;
  std::string source;
  Block body;
};

}  // namespace hearth::text::jinja

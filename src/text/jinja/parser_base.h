// What the parsers of expressions and statements share.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/jinja/ast.h"
#include "text/jinja/lexer.h"

namespace hearth::text::jinja {

/// A position in a token list. The last token is kEnd, so that there is always a current one.
class TokenCursor {
 public:
  explicit TokenCursor(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& now() const { return tokens_[at_]; }
  const Token& after() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }

  /// The current token, moved out.
  Token take() { return at_ + 1 < tokens_.size() ? std::move(tokens_[at_++]) : tokens_[at_]; }

  bool is(TokenKind kind) const { return now().kind == kind; }
  bool is_op(std::string_view op) const { return is(TokenKind::kOperator) && now().text == op; }
  bool is_name(std::string_view name) const { return is(TokenKind::kName) && now().text == name; }
  bool take_op(std::string_view op) { return is_op(op) && (take(), true); }
  bool take_name(std::string_view name) { return is_name(name) && (take(), true); }

  Result<void> expect_op(std::string_view op);
  Result<std::string> expect_name(std::string_view what);

  /// "line N: expected WHAT, found the current token".
  tl::unexpected<Error> expected(std::string_view what) const;

  /// "line N: WHAT is not supported".
  tl::unexpected<Error> unsupported(const std::string& what) const;

 private:
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

/// How deep expressions and statements may be nested, how high a tree chains of postfixes and
/// filters may make, and how many parts a call, a target or a macro may have.
inline constexpr int kSyntaxDepthMax = 100;
inline constexpr int kTreeHeightMax = 300;
inline constexpr std::size_t kPartsMax = 255;

/// Counts nesting for as long as it lives.
class DepthGuard {
 public:
  explicit DepthGuard(int& depth) : depth_(depth) { ++depth_; }
  ~DepthGuard() { --depth_; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;

 private:
  int& depth_;
};

/// Parses expressions, with Jinja's precedence.
class ExpressionParser {
 public:
  ExpressionParser(TokenCursor& cursor, SymbolTable& symbols)
      : cursor_(cursor), symbols_(symbols) {}

  Result<ExpressionPtr> expression();

  /// An expression, or several with commas between: a tuple.
  Result<ExpressionPtr> expression_or_tuple();

  /// Without a conditional at the top: the source of `for ... in ... if`, the test of `if`.
  Result<ExpressionPtr> iterable();

  /// The filters after `set x` of a block, applied to what it printed: `| trim | upper`.
  Result<ExpressionPtr> block_filters(bool first_without_bar);

  /// While a macro's body is parsed: names with a meaning for macros are noted in it.
  void open_macro(MacroNode* macro) { macros_.push_back(macro); }
  void close_macro() { macros_.pop_back(); }

 private:
  using Step = Result<ExpressionPtr> (ExpressionParser::*)();

  Result<ExpressionPtr> conditional();
  Result<ExpressionPtr> logical_or();
  Result<ExpressionPtr> logical_and();
  Result<ExpressionPtr> logical_not();
  Result<ExpressionPtr> compare();
  Result<ExpressionPtr> sum();
  Result<ExpressionPtr> concat();
  Result<ExpressionPtr> product();
  Result<ExpressionPtr> power();
  Result<ExpressionPtr> unary();
  Result<ExpressionPtr> signed_value(bool with_filters);
  Result<ExpressionPtr> primary();
  Result<ExpressionPtr> name_or_constant();
  Result<ExpressionPtr> brackets();
  Result<ExpressionPtr> list();
  Result<ExpressionPtr> dict();
  Result<ExpressionPtr> postfix(ExpressionPtr node);
  Result<ExpressionPtr> postfix_and_filters(ExpressionPtr node);
  Result<ExpressionPtr> attribute(ExpressionPtr object);
  Result<ExpressionPtr> subscript(ExpressionPtr object);
  Result<ExpressionPtr> call(ExpressionPtr callee);
  Result<ExpressionPtr> filter(ExpressionPtr input);
  Result<ExpressionPtr> test(ExpressionPtr input);
  Result<std::string> dotted_name(std::string_view what);
  Result<void> arguments(CallArguments& call);
  Result<void> argument(CallArguments& call);

  /// One operand, or a node of `kind` with all that `operators` join.
  Result<ExpressionPtr> logical_chain(Step operand, std::string_view op, Expression::Kind kind);
  Result<ExpressionPtr> binary_chain(
      Step operand, const std::vector<std::pair<std::string_view, BinaryOp>>& operators);
  Result<ExpressionPtr> tuple_rest(ExpressionPtr first, Step item);

  ExpressionPtr make(Expression::Kind kind) const;

  /// The node with its height; kUnsupported when that is too much.
  Result<ExpressionPtr> finished(ExpressionPtr node) const;
  tl::unexpected<Error> too_deep() const;

  TokenCursor& cursor_;
  SymbolTable& symbols_;
  std::vector<MacroNode*> macros_;
  int depth_ = 0;
};

}  // namespace hearth::text::jinja

// TokenCursor: what the parsers of expressions and statements share.
#pragma once

#include <string>
#include <string_view>
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
  Token take() { return at_ + 1 < tokens_.size() ? tokens_[at_++] : tokens_[at_]; }

  bool is(TokenKind kind) const { return now().kind == kind; }
  bool is_op(std::string_view op) const { return is(TokenKind::kOperator) && now().text == op; }
  bool is_name(std::string_view name) const { return is(TokenKind::kName) && now().text == name; }
  bool take_op(std::string_view op) { return is_op(op) && (take(), true); }
  bool take_name(std::string_view name) { return is_name(name) && (take(), true); }

  Result<void> expect_op(std::string_view op);
  Result<std::string> expect_name(std::string_view what);

  /// "line N: expected WHAT, found ..." about the current token.
  tl::unexpected<Error> expected(std::string_view what) const;
  /// "line N: WHAT is not supported" about the current token.
  tl::unexpected<Error> unsupported(const std::string& what) const;

 private:
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

/// How deep expressions and statements may be nested, and how many operators may follow one another
/// without brackets (each makes the tree one level deeper).
inline constexpr int kSyntaxDepthMax = 100;
inline constexpr int kSyntaxChainMax = 250;

/// Parses expressions, with Jinja's precedence.
class ExpressionParser {
 public:
  explicit ExpressionParser(TokenCursor& cursor) : cursor_(cursor) {}

  Result<ExpressionPtr> expression();

  /// An expression, or several with commas between: a tuple.
  Result<ExpressionPtr> expression_or_tuple();

  /// Without a conditional at the top, as the source of `for ... in ... if`.
  Result<ExpressionPtr> iterable();

  /// The filters after `set x` of a block: `| trim | upper`, applied to `input`.
  Result<ExpressionPtr> filters(ExpressionPtr input);

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
  Result<ExpressionPtr> unary(bool with_filters);
  Result<ExpressionPtr> primary();
  Result<ExpressionPtr> name_or_constant();
  Result<ExpressionPtr> brackets();
  Result<ExpressionPtr> list();
  Result<ExpressionPtr> dict();
  Result<ExpressionPtr> postfix(ExpressionPtr node);
  Result<ExpressionPtr> postfix_and_filters(ExpressionPtr node);
  Result<ExpressionPtr> attribute(ExpressionPtr object);
  Result<ExpressionPtr> subscript(ExpressionPtr object);
  Result<ExpressionPtr> filter(ExpressionPtr input);
  Result<ExpressionPtr> test(ExpressionPtr input);
  Result<void> arguments(Expression& call);
  Result<ExpressionPtr> binary_chain(Step operand, const std::vector<std::string_view>& operators);
  Result<ExpressionPtr> tuple_rest(ExpressionPtr first, Step item);

  Result<void> check_chain(int length) const;
  ExpressionPtr make(Expression::Kind kind) const;

  TokenCursor& cursor_;
  int depth_ = 0;
};

}  // namespace hearth::text::jinja

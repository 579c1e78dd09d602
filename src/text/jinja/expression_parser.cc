// Expressions by recursive descent, from the loosest operator (if/else) to the tightest.
#include "text/jinja/parser_base.h"

namespace hearth::text::jinja {
namespace {

std::string spelled(const Token& token) {
  switch (token.kind) {
    case TokenKind::kText:
      return "text";
    case TokenKind::kOutputBegin:
      return "{{";
    case TokenKind::kOutputEnd:
      return "}}";
    case TokenKind::kBlockBegin:
      return "{%";
    case TokenKind::kBlockEnd:
      return "%}";
    case TokenKind::kString:
      return "a string";
    case TokenKind::kEnd:
      return "the end of the template";
    default:
      return "'" + token.text + "'";
  }
}

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

}  // namespace

Result<void> TokenCursor::expect_op(std::string_view op) {
  if (take_op(op)) return {};
  return expected("'" + std::string(op) + "'");
}

Result<std::string> TokenCursor::expect_name(std::string_view what) {
  if (!is(TokenKind::kName)) return expected(what);
  return take().text;
}

tl::unexpected<Error> TokenCursor::expected(std::string_view what) const {
  return fail(ErrorCode::kCorrupt, "line " + std::to_string(now().line) + ": expected " +
                                       std::string(what) + ", found " + spelled(now()));
}

tl::unexpected<Error> TokenCursor::unsupported(const std::string& what) const {
  return fail(ErrorCode::kUnsupported,
              "line " + std::to_string(now().line) + ": " + what + " is not supported");
}

ExpressionPtr ExpressionParser::make(Expression::Kind kind) const {
  auto node = std::make_unique<Expression>();
  node->kind = kind;
  node->line = cursor_.now().line;
  return node;
}

Result<void> ExpressionParser::check_chain(int length) const {
  if (length <= kSyntaxChainMax) return {};
  return cursor_.unsupported("a chain of more than " + std::to_string(kSyntaxChainMax) +
                             " operators");
}

Result<ExpressionPtr> ExpressionParser::expression() { return conditional(); }

Result<ExpressionPtr> ExpressionParser::expression_or_tuple() {
  HEARTH_TRY(ExpressionPtr first, conditional());
  return tuple_rest(std::move(first), &ExpressionParser::conditional);
}

Result<ExpressionPtr> ExpressionParser::iterable() {
  HEARTH_TRY(ExpressionPtr first, logical_or());
  return tuple_rest(std::move(first), &ExpressionParser::logical_or);
}

Result<ExpressionPtr> ExpressionParser::tuple_rest(ExpressionPtr first, Step item) {
  if (!cursor_.is_op(",")) return first;
  ExpressionPtr tuple = make(Expression::Kind::kTuple);
  tuple->parts.push_back(std::move(first));
  while (cursor_.take_op(",")) {
    const bool ends = cursor_.is(TokenKind::kBlockEnd) || cursor_.is(TokenKind::kOutputEnd) ||
                      cursor_.is_op(")") || cursor_.is_op("=");
    if (ends) break;
    HEARTH_TRY(ExpressionPtr next, (this->*item)());
    tuple->parts.push_back(std::move(next));
  }
  return tuple;
}

Result<ExpressionPtr> ExpressionParser::conditional() {
  const DepthGuard guard(depth_);
  if (depth_ > kSyntaxDepthMax) return cursor_.unsupported("an expression nested this deep");
  HEARTH_TRY(ExpressionPtr value, logical_or());
  for (int length = 0; cursor_.is_name("if"); ++length) {
    HEARTH_TRY_VOID(check_chain(length));
    ExpressionPtr node = make(Expression::Kind::kConditional);
    cursor_.take();
    HEARTH_TRY(ExpressionPtr condition, logical_or());
    ExpressionPtr otherwise;
    if (cursor_.take_name("else")) {
      HEARTH_TRY(otherwise, conditional());
    }
    node->parts.push_back(std::move(condition));
    node->parts.push_back(std::move(value));
    node->parts.push_back(std::move(otherwise));
    value = std::move(node);
  }
  return value;
}

Result<ExpressionPtr> ExpressionParser::logical_or() {
  HEARTH_TRY(ExpressionPtr left, logical_and());
  for (int length = 0; cursor_.is_name("or"); ++length) {
    HEARTH_TRY_VOID(check_chain(length));
    ExpressionPtr node = make(Expression::Kind::kOr);
    cursor_.take();
    HEARTH_TRY(ExpressionPtr right, logical_and());
    node->parts.push_back(std::move(left));
    node->parts.push_back(std::move(right));
    left = std::move(node);
  }
  return left;
}

Result<ExpressionPtr> ExpressionParser::logical_and() {
  HEARTH_TRY(ExpressionPtr left, logical_not());
  for (int length = 0; cursor_.is_name("and"); ++length) {
    HEARTH_TRY_VOID(check_chain(length));
    ExpressionPtr node = make(Expression::Kind::kAnd);
    cursor_.take();
    HEARTH_TRY(ExpressionPtr right, logical_not());
    node->parts.push_back(std::move(left));
    node->parts.push_back(std::move(right));
    left = std::move(node);
  }
  return left;
}

Result<ExpressionPtr> ExpressionParser::logical_not() {
  if (!cursor_.is_name("not")) return compare();
  const DepthGuard guard(depth_);
  if (depth_ > kSyntaxDepthMax) return cursor_.unsupported("an expression nested this deep");
  ExpressionPtr node = make(Expression::Kind::kNot);
  cursor_.take();
  HEARTH_TRY(ExpressionPtr operand, logical_not());
  node->parts.push_back(std::move(operand));
  return node;
}

Result<ExpressionPtr> ExpressionParser::compare() {
  HEARTH_TRY(ExpressionPtr left, sum());
  ExpressionPtr node = make(Expression::Kind::kCompare);
  for (;;) {
    std::string op;
    for (const std::string_view candidate : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (cursor_.is_op(candidate)) op = candidate;
    }
    if (cursor_.is_name("in")) op = "in";
    if (cursor_.is_name("not") && cursor_.after().kind == TokenKind::kName &&
        cursor_.after().text == "in") {
      cursor_.take();
      op = "not in";
    }
    if (op.empty()) break;
    cursor_.take();
    HEARTH_TRY(ExpressionPtr right, sum());
    node->operators.push_back(op);
    node->parts.push_back(std::move(right));
  }
  if (node->operators.empty()) return left;
  node->parts.insert(node->parts.begin(), std::move(left));
  return node;
}

Result<ExpressionPtr> ExpressionParser::binary_chain(
    Step operand, const std::vector<std::string_view>& operators) {
  HEARTH_TRY(ExpressionPtr left, (this->*operand)());
  for (int length = 0;; ++length) {
    HEARTH_TRY_VOID(check_chain(length));
    ExpressionPtr node = make(Expression::Kind::kBinary);
    for (const std::string_view op : operators) {
      if (cursor_.is_op(op)) node->name = op;
    }
    if (node->name.empty()) return left;
    cursor_.take();
    HEARTH_TRY(ExpressionPtr right, (this->*operand)());
    node->parts.push_back(std::move(left));
    node->parts.push_back(std::move(right));
    left = std::move(node);
  }
}

Result<ExpressionPtr> ExpressionParser::sum() {
  return binary_chain(&ExpressionParser::concat, {"+", "-"});
}

Result<ExpressionPtr> ExpressionParser::concat() {
  return binary_chain(&ExpressionParser::product, {"~"});
}

Result<ExpressionPtr> ExpressionParser::product() {
  HEARTH_TRY(ExpressionPtr left, unary(true));
  for (int length = 0;; ++length) {
    HEARTH_TRY_VOID(check_chain(length));
    if (cursor_.is_op("**")) return cursor_.unsupported("the operator **");
    ExpressionPtr node = make(Expression::Kind::kBinary);
    for (const std::string_view op : {"*", "/", "//", "%"}) {
      if (cursor_.is_op(op)) node->name = op;
    }
    if (node->name.empty()) return left;
    cursor_.take();
    HEARTH_TRY(ExpressionPtr right, unary(true));
    node->parts.push_back(std::move(left));
    node->parts.push_back(std::move(right));
    left = std::move(node);
  }
}

Result<ExpressionPtr> ExpressionParser::unary(bool with_filters) {
  const DepthGuard guard(depth_);
  if (depth_ > kSyntaxDepthMax) return cursor_.unsupported("an expression nested this deep");
  if (cursor_.is_op("-") || cursor_.is_op("+")) {
    ExpressionPtr node =
        make(cursor_.is_op("-") ? Expression::Kind::kNegate : Expression::Kind::kPlus);
    cursor_.take();
    HEARTH_TRY(ExpressionPtr operand, unary(false));
    node->parts.push_back(std::move(operand));
    if (with_filters) return postfix_and_filters(std::move(node));
    return postfix(std::move(node));
  }
  HEARTH_TRY(ExpressionPtr node, primary());
  HEARTH_TRY(node, postfix(std::move(node)));
  return with_filters ? postfix_and_filters(std::move(node))
                      : Result<ExpressionPtr>(std::move(node));
}

Result<ExpressionPtr> ExpressionParser::primary() {
  ExpressionPtr node = make(Expression::Kind::kLiteral);
  switch (cursor_.now().kind) {
    case TokenKind::kName:
      return name_or_constant();
    case TokenKind::kString: {
      std::string text;
      while (cursor_.is(TokenKind::kString)) text += cursor_.take().text;
      node->literal = Value::string(std::move(text));
      return node;
    }
    case TokenKind::kInteger:
      node->literal = Value::integer(cursor_.take().integer);
      return node;
    case TokenKind::kFloat:
      node->literal = Value::number(cursor_.take().number);
      return node;
    default:
      return brackets();
  }
}

Result<ExpressionPtr> ExpressionParser::name_or_constant() {
  ExpressionPtr node = make(Expression::Kind::kLiteral);
  const std::string name = cursor_.take().text;
  if (name == "true" || name == "True") {
    node->literal = Value::boolean(true);
  } else if (name == "false" || name == "False") {
    node->literal = Value::boolean(false);
  } else if (name == "none" || name == "None") {
    node->literal = Value::none();
  } else {
    node->kind = Expression::Kind::kName;
    node->name = name;
  }
  return node;
}

Result<ExpressionPtr> ExpressionParser::brackets() {
  if (cursor_.is_op("[")) return list();
  if (cursor_.is_op("{")) return dict();
  if (!cursor_.is_op("(")) return cursor_.expected("a value");
  ExpressionPtr empty = make(Expression::Kind::kTuple);
  cursor_.take();
  if (cursor_.take_op(")")) return empty;
  HEARTH_TRY(ExpressionPtr node, expression_or_tuple());
  HEARTH_TRY_VOID(cursor_.expect_op(")"));
  return node;
}

Result<ExpressionPtr> ExpressionParser::list() {
  ExpressionPtr node = make(Expression::Kind::kList);
  cursor_.take();
  while (!cursor_.is_op("]")) {
    HEARTH_TRY(ExpressionPtr item, expression());
    node->parts.push_back(std::move(item));
    if (!cursor_.take_op(",")) break;
  }
  HEARTH_TRY_VOID(cursor_.expect_op("]"));
  return node;
}

Result<ExpressionPtr> ExpressionParser::dict() {
  ExpressionPtr node = make(Expression::Kind::kDict);
  cursor_.take();
  while (!cursor_.is_op("}")) {
    HEARTH_TRY(ExpressionPtr key, expression());
    HEARTH_TRY_VOID(cursor_.expect_op(":"));
    HEARTH_TRY(ExpressionPtr value, expression());
    node->parts.push_back(std::move(key));
    node->parts.push_back(std::move(value));
    if (!cursor_.take_op(",")) break;
  }
  HEARTH_TRY_VOID(cursor_.expect_op("}"));
  return node;
}

Result<ExpressionPtr> ExpressionParser::postfix(ExpressionPtr node) {
  for (int length = 0;; ++length) {
    HEARTH_TRY_VOID(check_chain(length));
    if (cursor_.is_op(".")) {
      HEARTH_TRY(node, attribute(std::move(node)));
    } else if (cursor_.is_op("[")) {
      HEARTH_TRY(node, subscript(std::move(node)));
    } else if (cursor_.is_op("(")) {
      ExpressionPtr call = make(Expression::Kind::kCall);
      call->parts.push_back(std::move(node));
      HEARTH_TRY_VOID(arguments(*call));
      node = std::move(call);
    } else {
      return node;
    }
  }
}

Result<ExpressionPtr> ExpressionParser::postfix_and_filters(ExpressionPtr node) {
  for (int length = 0;; ++length) {
    HEARTH_TRY_VOID(check_chain(length));
    if (cursor_.is_op("|")) {
      HEARTH_TRY(node, filter(std::move(node)));
    } else if (cursor_.is_name("is")) {
      HEARTH_TRY(node, test(std::move(node)));
    } else if (cursor_.is_op("(")) {
      // After a filter or test: calls what it gave.
      HEARTH_TRY(node, postfix(std::move(node)));
    } else {
      return node;
    }
  }
}

Result<ExpressionPtr> ExpressionParser::filters(ExpressionPtr input) {
  for (int length = 0; cursor_.is_op("|"); ++length) {
    HEARTH_TRY_VOID(check_chain(length));
    HEARTH_TRY(input, filter(std::move(input)));
  }
  return input;
}

Result<ExpressionPtr> ExpressionParser::attribute(ExpressionPtr object) {
  ExpressionPtr node = make(Expression::Kind::kAttribute);
  cursor_.take();
  node->parts.push_back(std::move(object));
  if (cursor_.is(TokenKind::kInteger)) {
    node->kind = Expression::Kind::kSubscript;
    ExpressionPtr key = make(Expression::Kind::kLiteral);
    key->literal = Value::integer(cursor_.take().integer);
    node->parts.push_back(std::move(key));
    return node;
  }
  HEARTH_TRY(node->name, cursor_.expect_name("a name after '.'"));
  return node;
}

Result<ExpressionPtr> ExpressionParser::subscript(ExpressionPtr object) {
  ExpressionPtr node = make(Expression::Kind::kSubscript);
  cursor_.take();
  node->parts.push_back(std::move(object));
  ExpressionPtr bounds[3];
  std::size_t colons = 0;
  for (;;) {
    if (cursor_.is_op(":") && colons < 2) {
      cursor_.take();
      ++colons;
    } else if (cursor_.is_op("]")) {
      break;
    } else {
      if (bounds[colons] != nullptr) return cursor_.expected("']'");
      HEARTH_TRY(bounds[colons], expression());
    }
  }
  cursor_.take();
  if (colons == 0) {
    if (bounds[0] == nullptr) return cursor_.expected("a key between '[' and ']'");
    node->parts.push_back(std::move(bounds[0]));
    return node;
  }
  node->kind = Expression::Kind::kSlice;
  for (ExpressionPtr& bound : bounds) node->parts.push_back(std::move(bound));
  return node;
}

Result<ExpressionPtr> ExpressionParser::filter(ExpressionPtr input) {
  ExpressionPtr node = make(Expression::Kind::kFilter);
  cursor_.take();
  HEARTH_TRY(node->name, cursor_.expect_name("the name of a filter after '|'"));
  node->parts.push_back(std::move(input));
  if (cursor_.is_op("(")) HEARTH_TRY_VOID(arguments(*node));
  return node;
}

Result<ExpressionPtr> ExpressionParser::test(ExpressionPtr input) {
  ExpressionPtr node = make(Expression::Kind::kTest);
  cursor_.take();
  const bool negated = cursor_.take_name("not");
  HEARTH_TRY(node->name, cursor_.expect_name("the name of a test after 'is'"));
  node->parts.push_back(std::move(input));
  const Token& next = cursor_.now();
  const bool one_argument = next.kind == TokenKind::kString || next.kind == TokenKind::kInteger ||
                            next.kind == TokenKind::kFloat || cursor_.is_op("[") ||
                            cursor_.is_op("{") ||
                            (next.kind == TokenKind::kName && next.text != "else" &&
                             next.text != "or" && next.text != "and" && next.text != "is" &&
                             next.text != "if" && next.text != "in" && next.text != "not");
  if (cursor_.is_op("(")) {
    HEARTH_TRY_VOID(arguments(*node));
  } else if (one_argument) {
    HEARTH_TRY(ExpressionPtr argument, primary());
    HEARTH_TRY(argument, postfix(std::move(argument)));
    node->parts.push_back(std::move(argument));
  }
  if (!negated) return node;
  ExpressionPtr negation = make(Expression::Kind::kNot);
  negation->parts.push_back(std::move(node));
  return negation;
}

Result<void> ExpressionParser::arguments(Expression& call) {
  HEARTH_TRY_VOID(cursor_.expect_op("("));
  while (!cursor_.is_op(")")) {
    if (cursor_.is_op("*") || cursor_.is_op("**")) {
      return cursor_.unsupported("unpacking of arguments");
    }
    if (cursor_.is(TokenKind::kName) && cursor_.after().kind == TokenKind::kOperator &&
        cursor_.after().text == "=") {
      const std::string name = cursor_.take().text;
      cursor_.take();
      HEARTH_TRY(ExpressionPtr value, expression());
      call.named.emplace_back(name, std::move(value));
    } else {
      if (!call.named.empty()) return cursor_.expected("a named argument");
      HEARTH_TRY(ExpressionPtr value, expression());
      call.parts.push_back(std::move(value));
    }
    if (!cursor_.take_op(",")) break;
  }
  return cursor_.expect_op(")");
}

}  // namespace hearth::text::jinja

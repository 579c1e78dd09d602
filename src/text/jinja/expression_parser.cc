// Expressions by recursive descent, from the loosest operator (if/else) to the tightest.
#include <algorithm>

#include "text/jinja/builtins.h"
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

/// Whether what follows the name of a test is its argument, written without parentheses.
bool begins_argument(const Token& token) {
  constexpr std::string_view kBrackets = "[{";
  constexpr std::string_view kKeywords[] = {"else", "or", "and", "is", "if", "in", "not"};
  switch (token.kind) {
    case TokenKind::kString:
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return true;
    case TokenKind::kOperator:
      return token.text.size() == 1 && kBrackets.find(token.text[0]) != std::string_view::npos;
    case TokenKind::kName:
      return std::find(std::begin(kKeywords), std::end(kKeywords), token.text) ==
             std::end(kKeywords);
    default:
      return false;
  }
}

int height_of(const ExpressionPtr& node) { return node == nullptr ? 0 : node->height; }

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

// --- nodes

ExpressionPtr ExpressionParser::make(Expression::Kind kind) const {
  auto node = std::make_unique<Expression>();
  node->kind = kind;
  node->line = cursor_.now().line;
  return node;
}

tl::unexpected<Error> ExpressionParser::too_deep() const {
  return cursor_.unsupported("an expression nested this deep");
}

Result<ExpressionPtr> ExpressionParser::finished(ExpressionPtr node) const {
  int below = 0;
  for (const ExpressionPtr& part : node->parts) below = std::max(below, height_of(part));
  if (const CallArguments* call = node->arguments.get()) {
    for (const ExpressionPtr& value : call->positional) below = std::max(below, height_of(value));
    for (const auto& [name, value] : call->named) below = std::max(below, height_of(value));
    below = std::max({below, height_of(call->rest), height_of(call->named_rest)});
  }
  node->height = below + 1;
  if (node->height > kTreeHeightMax) return too_deep();
  return node;
}

// --- from the loosest operator to the tightest

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
  return finished(std::move(tuple));
}

Result<ExpressionPtr> ExpressionParser::conditional() {
  const DepthGuard guard(depth_);
  if (depth_ > kSyntaxDepthMax) return too_deep();
  HEARTH_TRY(ExpressionPtr value, logical_or());
  while (cursor_.is_name("if")) {
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
    HEARTH_TRY(value, finished(std::move(node)));
  }
  return value;
}

Result<ExpressionPtr> ExpressionParser::logical_chain(Step operand, std::string_view op,
                                                      Expression::Kind kind) {
  HEARTH_TRY(ExpressionPtr first, (this->*operand)());
  if (!cursor_.is_name(op)) return first;
  ExpressionPtr node = make(kind);
  node->parts.push_back(std::move(first));
  while (cursor_.take_name(op)) {
    HEARTH_TRY(ExpressionPtr next, (this->*operand)());
    node->parts.push_back(std::move(next));
  }
  return finished(std::move(node));
}

Result<ExpressionPtr> ExpressionParser::logical_or() {
  return logical_chain(&ExpressionParser::logical_and, "or", Expression::Kind::kOr);
}

Result<ExpressionPtr> ExpressionParser::logical_and() {
  return logical_chain(&ExpressionParser::logical_not, "and", Expression::Kind::kAnd);
}

Result<ExpressionPtr> ExpressionParser::logical_not() {
  if (!cursor_.is_name("not")) return compare();
  const DepthGuard guard(depth_);
  if (depth_ > kSyntaxDepthMax) return too_deep();
  ExpressionPtr node = make(Expression::Kind::kNot);
  cursor_.take();
  HEARTH_TRY(ExpressionPtr operand, logical_not());
  node->parts.push_back(std::move(operand));
  return finished(std::move(node));
}

Result<ExpressionPtr> ExpressionParser::compare() {
  constexpr std::pair<std::string_view, CompareOp> kOperators[] = {
      {"==", CompareOp::kEqual},        {"!=", CompareOp::kNotEqual}, {"<=", CompareOp::kLessEqual},
      {">=", CompareOp::kGreaterEqual}, {"<", CompareOp::kLess},      {">", CompareOp::kGreater}};
  HEARTH_TRY(ExpressionPtr left, sum());
  ExpressionPtr node = make(Expression::Kind::kCompare);
  for (;;) {
    std::optional<CompareOp> op;
    for (const auto& [spelling, candidate] : kOperators) {
      if (cursor_.is_op(spelling)) op = candidate;
    }
    if (cursor_.is_name("in")) op = CompareOp::kIn;
    if (cursor_.is_name("not") && cursor_.after().kind == TokenKind::kName &&
        cursor_.after().text == "in") {
      cursor_.take();
      op = CompareOp::kNotIn;
    }
    if (!op) break;
    cursor_.take();
    HEARTH_TRY(ExpressionPtr right, sum());
    node->comparisons.push_back(*op);
    node->parts.push_back(std::move(right));
  }
  if (node->comparisons.empty()) return left;
  node->parts.insert(node->parts.begin(), std::move(left));
  return finished(std::move(node));
}

Result<ExpressionPtr> ExpressionParser::binary_chain(
    Step operand, const std::vector<std::pair<std::string_view, BinaryOp>>& operators) {
  const auto next_operator = [&] {
    return std::find_if(operators.begin(), operators.end(),
                        [&](const auto& op) { return cursor_.is_op(op.first); });
  };
  HEARTH_TRY(ExpressionPtr first, (this->*operand)());
  auto op = next_operator();
  if (op == operators.end()) return first;
  ExpressionPtr node = make(Expression::Kind::kBinary);
  node->parts.push_back(std::move(first));
  for (; op != operators.end(); op = next_operator()) {
    cursor_.take();
    HEARTH_TRY(ExpressionPtr next, (this->*operand)());
    node->operators.push_back(op->second);
    node->parts.push_back(std::move(next));
  }
  return finished(std::move(node));
}

Result<ExpressionPtr> ExpressionParser::sum() {
  return binary_chain(&ExpressionParser::concat,
                      {{"+", BinaryOp::kAdd}, {"-", BinaryOp::kSubtract}});
}

Result<ExpressionPtr> ExpressionParser::concat() {
  return binary_chain(&ExpressionParser::product, {{"~", BinaryOp::kConcat}});
}

Result<ExpressionPtr> ExpressionParser::product() {
  return binary_chain(&ExpressionParser::power, {{"*", BinaryOp::kMultiply},
                                                 {"/", BinaryOp::kDivide},
                                                 {"//", BinaryOp::kFloorDivide},
                                                 {"%", BinaryOp::kModulo}});
}

/// From left to right, which is not Python's way but Jinja's.
Result<ExpressionPtr> ExpressionParser::power() {
  return binary_chain(&ExpressionParser::unary, {{"**", BinaryOp::kPower}});
}

Result<ExpressionPtr> ExpressionParser::unary() { return signed_value(true); }

Result<ExpressionPtr> ExpressionParser::signed_value(bool with_filters) {
  const DepthGuard guard(depth_);
  if (depth_ > kSyntaxDepthMax) return too_deep();
  ExpressionPtr node;
  if (cursor_.is_op("-") || cursor_.is_op("+")) {
    node = make(cursor_.is_op("-") ? Expression::Kind::kNegate : Expression::Kind::kPlus);
    cursor_.take();
    HEARTH_TRY(ExpressionPtr operand, signed_value(false));
    node->parts.push_back(std::move(operand));
    HEARTH_TRY(node, finished(std::move(node)));
  } else {
    HEARTH_TRY(node, primary());
  }
  HEARTH_TRY(node, postfix(std::move(node)));
  if (!with_filters) return node;
  return postfix_and_filters(std::move(node));
}

// --- values

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
    node->symbol = symbols_.intern(name);
    for (MacroNode* macro : macros_) {
      macro->uses_caller = macro->uses_caller || node->symbol == SymbolTable::kCaller;
      macro->uses_varargs = macro->uses_varargs || node->symbol == SymbolTable::kVarargs;
      macro->uses_kwargs = macro->uses_kwargs || node->symbol == SymbolTable::kKwargs;
    }
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
  return finished(std::move(node));
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
  return finished(std::move(node));
}

// --- what follows a value

Result<ExpressionPtr> ExpressionParser::postfix(ExpressionPtr node) {
  for (;;) {
    if (cursor_.is_op(".")) {
      HEARTH_TRY(node, attribute(std::move(node)));
    } else if (cursor_.is_op("[")) {
      HEARTH_TRY(node, subscript(std::move(node)));
    } else if (cursor_.is_op("(")) {
      HEARTH_TRY(node, call(std::move(node)));
    } else {
      return node;
    }
  }
}

Result<ExpressionPtr> ExpressionParser::postfix_and_filters(ExpressionPtr node) {
  for (;;) {
    if (cursor_.is_op("|")) {
      cursor_.take();
      HEARTH_TRY(node, filter(std::move(node)));
    } else if (cursor_.is_name("is")) {
      HEARTH_TRY(node, test(std::move(node)));
    } else if (cursor_.is_op("(")) {
      HEARTH_TRY(node, call(std::move(node)));  // of what a filter or test gave
    } else {
      return node;
    }
  }
}

Result<ExpressionPtr> ExpressionParser::block_filters(bool first_without_bar) {
  ExpressionPtr node = make(Expression::Kind::kName);
  node->symbol = SymbolTable::kBlockText;
  if (first_without_bar) {
    HEARTH_TRY(node, filter(std::move(node)));
  }
  while (cursor_.take_op("|")) {
    HEARTH_TRY(node, filter(std::move(node)));
  }
  return node;
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
    return finished(std::move(node));
  }
  HEARTH_TRY(std::string name, cursor_.expect_name("a name after '.'"));
  node->literal = Value::string(std::move(name));
  return finished(std::move(node));
}

Result<ExpressionPtr> ExpressionParser::subscript(ExpressionPtr object) {
  ExpressionPtr node = make(Expression::Kind::kSubscript);
  cursor_.take();
  node->parts.push_back(std::move(object));
  ExpressionPtr bounds[3];
  std::size_t colons = 0;
  while (!cursor_.is_op("]")) {
    if (cursor_.is_op(":") && colons < 2) {
      cursor_.take();
      ++colons;
      continue;
    }
    if (cursor_.is_op(",")) return cursor_.unsupported("a subscript with several parts");
    if (bounds[colons] != nullptr) return cursor_.expected("']'");
    HEARTH_TRY(bounds[colons], expression());
  }
  cursor_.take();
  if (colons == 0) {
    if (bounds[0] == nullptr) return cursor_.expected("a key between '[' and ']'");
    node->parts.push_back(std::move(bounds[0]));
    return finished(std::move(node));
  }
  node->kind = Expression::Kind::kSlice;
  for (ExpressionPtr& bound : bounds) node->parts.push_back(std::move(bound));
  return finished(std::move(node));
}

Result<ExpressionPtr> ExpressionParser::call(ExpressionPtr callee) {
  ExpressionPtr node = make(Expression::Kind::kCall);
  node->parts.push_back(std::move(callee));
  node->arguments = std::make_unique<CallArguments>();
  HEARTH_TRY_VOID(arguments(*node->arguments));
  return finished(std::move(node));
}

Result<std::string> ExpressionParser::dotted_name(std::string_view what) {
  HEARTH_TRY(std::string name, cursor_.expect_name(what));
  while (cursor_.take_op(".")) {
    HEARTH_TRY(const std::string part, cursor_.expect_name(what));
    name += "." + part;
  }
  return name;
}

/// The cursor stands on the filter's name.
Result<ExpressionPtr> ExpressionParser::filter(ExpressionPtr input) {
  ExpressionPtr node = make(Expression::Kind::kFilter);
  HEARTH_TRY(node->name, dotted_name("the name of a filter"));
  node->function = find_filter(node->name);
  node->parts.push_back(std::move(input));
  if (cursor_.is_op("(")) {
    node->arguments = std::make_unique<CallArguments>();
    HEARTH_TRY_VOID(arguments(*node->arguments));
  }
  return finished(std::move(node));
}

Result<ExpressionPtr> ExpressionParser::test(ExpressionPtr input) {
  ExpressionPtr node = make(Expression::Kind::kTest);
  cursor_.take();
  const bool negated = cursor_.take_name("not");
  HEARTH_TRY(node->name, dotted_name("the name of a test after 'is'"));
  node->function = find_test(node->name);
  node->parts.push_back(std::move(input));
  if (cursor_.is_op("(")) {
    node->arguments = std::make_unique<CallArguments>();
    HEARTH_TRY_VOID(arguments(*node->arguments));
  } else if (begins_argument(cursor_.now())) {
    node->arguments = std::make_unique<CallArguments>();
    HEARTH_TRY(ExpressionPtr argument, primary());
    HEARTH_TRY(argument, postfix(std::move(argument)));
    node->arguments->positional.push_back(std::move(argument));
  }
  HEARTH_TRY(node, finished(std::move(node)));
  if (!negated) return node;
  ExpressionPtr negation = make(Expression::Kind::kNot);
  negation->parts.push_back(std::move(node));
  return finished(std::move(negation));
}

Result<void> ExpressionParser::arguments(CallArguments& call) {
  HEARTH_TRY_VOID(cursor_.expect_op("("));
  while (!cursor_.is_op(")")) {
    HEARTH_TRY_VOID(argument(call));
    if (call.positional.size() + call.named.size() > kPartsMax) {
      return cursor_.unsupported("a call with so many arguments");
    }
    if (!cursor_.take_op(",")) break;
  }
  return cursor_.expect_op(")");
}

Result<void> ExpressionParser::argument(CallArguments& call) {
  if (call.named_rest != nullptr) return cursor_.expected("')' after **");
  if (cursor_.take_op("**")) {
    HEARTH_TRY(call.named_rest, expression());
    return {};
  }
  if (cursor_.is_op("*")) {
    if (call.rest != nullptr) return cursor_.expected("one * in a call");
    cursor_.take();
    HEARTH_TRY(call.rest, expression());
    return {};
  }
  const bool is_named = cursor_.is(TokenKind::kName) &&
                        cursor_.after().kind == TokenKind::kOperator && cursor_.after().text == "=";
  if (is_named) {
    std::string name = cursor_.take().text;
    cursor_.take();
    HEARTH_TRY(ExpressionPtr value, expression());
    call.named.emplace_back(std::move(name), std::move(value));
    return {};
  }
  if (!call.named.empty() || call.rest != nullptr) return cursor_.expected("a named argument");
  HEARTH_TRY(ExpressionPtr value, expression());
  call.positional.push_back(std::move(value));
  return {};
}

}  // namespace hearth::text::jinja

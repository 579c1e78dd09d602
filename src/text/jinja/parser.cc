// Statements: {% ... %} tags and what is between them.
#include "text/jinja/parser.h"

#include <algorithm>

#include "text/jinja/parser_base.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

class StatementParser {
 public:
  explicit StatementParser(std::vector<Token> tokens)
      : cursor_(std::move(tokens)), expressions_(cursor_) {}

  Result<Block> run() {
    HEARTH_TRY(Block body, block({}));
    if (!cursor_.is(TokenKind::kEnd)) return cursor_.expected("the end of the template");
    return body;
  }

 private:
  /// Statements up to a tag whose name is among `ends`, whose {% is then taken; with no ends, up to
  /// the end of the template.
  Result<Block> block(const std::vector<std::string_view>& ends) {
    if (++depth_ > kSyntaxDepthMax) return cursor_.unsupported("a block nested this deep");
    Block body;
    while (!cursor_.is(TokenKind::kEnd)) {
      if (cursor_.is(TokenKind::kText)) {
        Statement text = make(Statement::Kind::kText);
        text.text = cursor_.take().text;
        body.push_back(std::move(text));
      } else if (cursor_.is(TokenKind::kOutputBegin)) {
        Statement output = make(Statement::Kind::kOutput);
        cursor_.take();
        HEARTH_TRY(output.expression, expressions_.expression_or_tuple());
        if (!cursor_.is(TokenKind::kOutputEnd)) return cursor_.expected("'}}'");
        cursor_.take();
        body.push_back(std::move(output));
      } else {
        cursor_.take();  // {%
        if (std::any_of(ends.begin(), ends.end(),
                        [&](std::string_view end) { return cursor_.is_name(end); })) {
          --depth_;
          return body;
        }
        HEARTH_TRY(Statement next, statement());
        body.push_back(std::move(next));
      }
    }
    if (!ends.empty()) return cursor_.expected("{% " + std::string(ends.back()) + " %}");
    --depth_;
    return body;
  }

  Statement make(Statement::Kind kind) const {
    Statement statement;
    statement.kind = kind;
    statement.line = cursor_.now().line;
    return statement;
  }

  Result<void> block_end() {
    if (!cursor_.is(TokenKind::kBlockEnd)) return cursor_.expected("'%}'");
    cursor_.take();
    return {};
  }

  Result<Statement> statement() {
    if (!cursor_.is(TokenKind::kName)) return cursor_.expected("the name of a tag");
    if (cursor_.is_name("if")) return if_statement();
    if (cursor_.is_name("for")) return for_statement();
    if (cursor_.is_name("set")) return set_statement();
    if (cursor_.is_name("macro")) return macro_statement();
    if (cursor_.is_name("generation")) return generation_statement();
    if (cursor_.is_name("break")) return loop_control(Statement::Kind::kBreak);
    if (cursor_.is_name("continue")) return loop_control(Statement::Kind::kContinue);
    return cursor_.unsupported("the tag {% " + cursor_.now().text + " %}");
  }

  Result<Statement> if_statement() {
    Statement node = make(Statement::Kind::kIf);
    cursor_.take();
    HEARTH_TRY(ExpressionPtr condition, expressions_.expression_or_tuple());
    for (;;) {
      HEARTH_TRY_VOID(block_end());
      HEARTH_TRY(Block body, block({"elif", "else", "endif"}));
      const bool was_else = condition == nullptr;
      node.branches.emplace_back(std::move(condition), std::move(body));
      if (cursor_.take_name("endif")) break;
      if (was_else) return cursor_.expected("{% endif %}");
      if (cursor_.take_name("elif")) {
        HEARTH_TRY(condition, expressions_.expression_or_tuple());
      } else {
        cursor_.take();
        condition = nullptr;
      }
    }
    HEARTH_TRY_VOID(block_end());
    return node;
  }

  Result<Target> target() {
    Target target;
    const bool bracket = cursor_.take_op("(");
    HEARTH_TRY(std::string name, cursor_.expect_name("the name of a variable"));
    target.names.push_back(std::move(name));
    while (cursor_.take_op(",")) {
      HEARTH_TRY(std::string next, cursor_.expect_name("the name of a variable"));
      target.names.push_back(std::move(next));
    }
    if (bracket) HEARTH_TRY_VOID(cursor_.expect_op(")"));
    return target;
  }

  Result<Statement> for_statement() {
    Statement node = make(Statement::Kind::kFor);
    cursor_.take();
    HEARTH_TRY(node.target, target());
    if (!cursor_.take_name("in")) return cursor_.expected("'in'");
    HEARTH_TRY(node.expression, expressions_.iterable());
    if (cursor_.take_name("if")) {
      HEARTH_TRY(node.condition, expressions_.expression());
    }
    if (cursor_.is_name("recursive")) return cursor_.unsupported("a recursive loop");
    HEARTH_TRY_VOID(block_end());
    ++loops_;
    HEARTH_TRY(node.body, block({"else", "endfor"}));
    --loops_;
    if (cursor_.take_name("else")) {
      HEARTH_TRY_VOID(block_end());
      HEARTH_TRY(node.otherwise, block({"endfor"}));
    }
    cursor_.take();
    HEARTH_TRY_VOID(block_end());
    return node;
  }

  Result<Statement> set_statement() {
    Statement node = make(Statement::Kind::kSet);
    cursor_.take();
    HEARTH_TRY(node.target, target());
    if (node.target.names.size() == 1 && cursor_.take_op(".")) {
      HEARTH_TRY(node.target.attribute, cursor_.expect_name("the name of an attribute"));
    }
    if (cursor_.take_op("=")) {
      HEARTH_TRY(node.expression, expressions_.expression_or_tuple());
      HEARTH_TRY_VOID(block_end());
      return node;
    }
    node.kind = Statement::Kind::kSetBlock;
    if (cursor_.is_op("|")) {
      auto input = std::make_unique<Expression>();
      input->kind = Expression::Kind::kName;
      input->line = node.line;
      input->name = kBlockText;
      HEARTH_TRY(node.expression, expressions_.filters(std::move(input)));
    }
    HEARTH_TRY_VOID(block_end());
    HEARTH_TRY(node.body, block({"endset"}));
    cursor_.take();
    HEARTH_TRY_VOID(block_end());
    return node;
  }

  Result<Statement> macro_statement() {
    Statement node = make(Statement::Kind::kMacro);
    cursor_.take();
    node.macro = std::make_shared<MacroNode>();
    HEARTH_TRY(node.macro->name, cursor_.expect_name("the name of a macro"));
    HEARTH_TRY_VOID(cursor_.expect_op("("));
    while (!cursor_.is_op(")")) {
      HEARTH_TRY(std::string parameter, cursor_.expect_name("the name of a parameter"));
      node.macro->parameters.push_back(std::move(parameter));
      if (cursor_.take_op("=")) {
        HEARTH_TRY(ExpressionPtr value, expressions_.expression());
        node.macro->defaults.push_back(std::move(value));
      } else if (!node.macro->defaults.empty()) {
        return cursor_.expected("a default value, as the parameter before has one");
      }
      if (!cursor_.take_op(",")) break;
    }
    HEARTH_TRY_VOID(cursor_.expect_op(")"));
    HEARTH_TRY_VOID(block_end());
    const int outer_loops = std::exchange(loops_, 0);
    HEARTH_TRY(Block body, block({"endmacro"}));
    loops_ = outer_loops;
    node.macro->body = std::make_shared<Block>(std::move(body));
    cursor_.take();
    if (cursor_.is(TokenKind::kName)) cursor_.take();  // the name may be repeated
    HEARTH_TRY_VOID(block_end());
    return node;
  }

  /// Hugging Face's marks around what the assistant says; they print nothing.
  Result<Statement> generation_statement() {
    Statement node = make(Statement::Kind::kScope);
    cursor_.take();
    HEARTH_TRY_VOID(block_end());
    HEARTH_TRY(node.body, block({"endgeneration"}));
    cursor_.take();
    HEARTH_TRY_VOID(block_end());
    return node;
  }

  Result<Statement> loop_control(Statement::Kind kind) {
    if (loops_ == 0) return cursor_.expected("{% " + cursor_.now().text + " %} inside of a loop");
    Statement node = make(kind);
    cursor_.take();
    HEARTH_TRY_VOID(block_end());
    return node;
  }

  TokenCursor cursor_;
  ExpressionParser expressions_;
  int depth_ = 0;
  int loops_ = 0;
};

}  // namespace

Result<Program> parse(std::string_view source, std::string name) {
  const std::string where = "chat template " + name;
  if (const auto invalid = utf8_find_invalid(source)) {
    return fail(ErrorCode::kCorrupt, where + ": not UTF-8 at byte " + std::to_string(*invalid));
  }
  auto tokens = tokenize(source);
  if (!tokens) return fail_within(where, tokens.error());
  auto body = StatementParser(std::move(*tokens)).run();
  if (!body) return fail_within(where, body.error());
  Program program;
  program.name = std::move(name);
  program.source = std::string(source);
  program.body = std::move(*body);
  return program;
}

}  // namespace hearth::text::jinja

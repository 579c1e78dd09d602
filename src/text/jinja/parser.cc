// Statements: {% ... %} tags and what is between them.
#include "text/jinja/parser.h"

#include <algorithm>
#include <array>

#include "text/jinja/parser_base.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

/// The longest template that is read; published ones have some tens of thousands of bytes.
constexpr std::size_t kSourceBytesMax = std::size_t{512} << 10;

class StatementParser {
 public:
  StatementParser(std::vector<Token> tokens, SymbolTable& symbols)
      : cursor_(std::move(tokens)), symbols_(symbols), expressions_(cursor_, symbols) {}

  Result<Block> run() {
    HEARTH_TRY(Block body, block({}));
    if (!cursor_.is(TokenKind::kEnd)) return cursor_.expected("the end of the template");
    return body;
  }

 private:
  using Ends = std::vector<std::string_view>;

  /// Statements up to a tag whose name is among `ends`, whose {% is then taken; with no ends, up to
  /// the end of the template.
  Result<Block> block(const Ends& ends) {
    const DepthGuard guard(depth_);
    if (depth_ > kSyntaxDepthMax) return cursor_.unsupported("a block nested this deep");
    Block body;
    while (!cursor_.is(TokenKind::kEnd)) {
      if (cursor_.is(TokenKind::kText)) {
        Statement text = make(Statement::Kind::kText);
        text.text = cursor_.take().text;
        body.push_back(std::move(text));
      } else if (cursor_.is(TokenKind::kOutputBegin)) {
        HEARTH_TRY(Statement output, output_tag());
        body.push_back(std::move(output));
      } else {
        cursor_.take();  // {%
        const bool at_end = std::any_of(ends.begin(), ends.end(),
                                        [&](std::string_view end) { return cursor_.is_name(end); });
        if (at_end) return body;
        HEARTH_TRY_VOID(statement(body));
      }
    }
    if (!ends.empty()) return cursor_.expected("{% " + std::string(ends.back()) + " %}");
    return body;
  }

  Statement make(Statement::Kind kind) const {
    Statement statement;
    statement.kind = kind;
    statement.line = cursor_.now().line;
    return statement;
  }

  Result<Statement> output_tag() {
    Statement node = make(Statement::Kind::kOutput);
    cursor_.take();
    HEARTH_TRY(node.expression, expressions_.expression_or_tuple());
    if (!cursor_.is(TokenKind::kOutputEnd)) return cursor_.expected("'}}'");
    cursor_.take();
    return node;
  }

  Result<void> block_end() {
    if (!cursor_.is(TokenKind::kBlockEnd)) return cursor_.expected("'%}'");
    cursor_.take();
    return {};
  }

  /// The rest of a tag, its body, and the tag that ends it.
  Result<Block> body_until(std::string_view end) {
    HEARTH_TRY_VOID(block_end());
    HEARTH_TRY(Block body, block({end}));
    cursor_.take();
    // The name of a macro may be repeated at its end.
    if (end == "endmacro" && cursor_.is(TokenKind::kName)) cursor_.take();
    HEARTH_TRY_VOID(block_end());
    return body;
  }

  struct Tag {
    std::string_view name;
    Result<Statement> (StatementParser::*parse)();
  };

  Result<void> statement(Block& into) {
    static constexpr Tag kTags[] = {
        {"if", &StatementParser::if_tag},
        {"for", &StatementParser::for_tag},
        {"set", &StatementParser::set_tag},
        {"macro", &StatementParser::macro_tag},
        {"call", &StatementParser::call_tag},
        {"filter", &StatementParser::filter_tag},
        {"with", &StatementParser::with_tag},
        {"do", &StatementParser::do_tag},
        {"generation", &StatementParser::generation_tag},
        {"break", &StatementParser::break_tag},
        {"continue", &StatementParser::continue_tag},
    };
    if (!cursor_.is(TokenKind::kName)) return cursor_.expected("the name of a tag");
    for (const Tag& tag : kTags) {
      if (!cursor_.is_name(tag.name)) continue;
      HEARTH_TRY(Statement node, (this->*tag.parse)());
      into.push_back(std::move(node));
      return {};
    }
    return refused_tag();
  }

  tl::unexpected<Error> refused_tag() const {
    constexpr std::string_view kOfFiles[] = {"include", "import", "from", "extends", "block"};
    const std::string& name = cursor_.now().text;
    std::string what = "the tag {% " + name + " %}";
    if (std::find(std::begin(kOfFiles), std::end(kOfFiles), name) != std::end(kOfFiles)) {
      what += ", which puts templates together (a chat template is one text),";
    }
    return cursor_.unsupported(what);
  }

  Result<Statement> if_tag() {
    Statement node = make(Statement::Kind::kIf);
    cursor_.take();
    HEARTH_TRY(ExpressionPtr condition, expressions_.iterable());
    for (;;) {
      HEARTH_TRY_VOID(block_end());
      HEARTH_TRY(Block body, block({"elif", "else", "endif"}));
      const bool was_else = condition == nullptr;
      node.branches.emplace_back(std::move(condition), std::move(body));
      if (cursor_.take_name("endif")) break;
      if (was_else) return cursor_.expected("{% endif %}");
      if (cursor_.take_name("elif")) {
        HEARTH_TRY(condition, expressions_.iterable());
      } else {
        cursor_.take();
        condition = nullptr;
      }
    }
    HEARTH_TRY_VOID(block_end());
    return node;
  }

  /// a, (b, c)
  Result<Target> target() {
    HEARTH_TRY(Target first, target_part());
    if (!cursor_.is_op(",")) return first;
    Target all;
    all.parts.push_back(std::move(first));
    while (cursor_.take_op(",")) {
      const bool ends = cursor_.is_name("in") || cursor_.is_op("=") || cursor_.is_op(")");
      if (ends) break;
      if (all.parts.size() == kPartsMax) return cursor_.unsupported("so many names");
      HEARTH_TRY(Target next, target_part());
      all.parts.push_back(std::move(next));
    }
    return all;
  }

  Result<Target> target_part() {
    if (cursor_.take_op("(")) {
      const DepthGuard guard(depth_);
      if (depth_ > kSyntaxDepthMax) return cursor_.unsupported("a target nested this deep");
      HEARTH_TRY(Target inner, target());
      HEARTH_TRY_VOID(cursor_.expect_op(")"));
      return inner;
    }
    HEARTH_TRY(const Symbol symbol, assigned_name("the name of a variable"));
    Target target;
    target.symbol = symbol;
    return target;
  }

  Result<Symbol> assigned_name(std::string_view what) {
    constexpr std::string_view kConstants[] = {"true", "false", "none", "True", "False", "None"};
    const bool is_constant =
        std::any_of(std::begin(kConstants), std::end(kConstants),
                    [&](std::string_view name) { return cursor_.is_name(name); });
    if (is_constant) return cursor_.expected(what);
    HEARTH_TRY(const std::string name, cursor_.expect_name(what));
    return symbols_.intern(name);
  }

  Result<Statement> for_tag() {
    Statement node = make(Statement::Kind::kFor);
    cursor_.take();
    HEARTH_TRY(node.target, target());
    if (!cursor_.take_name("in")) return cursor_.expected("'in'");
    HEARTH_TRY(node.expression, expressions_.iterable());
    if (cursor_.take_name("if")) {
      HEARTH_TRY(node.condition, expressions_.expression());
    }
    node.is_recursive = cursor_.take_name("recursive");
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

  Result<Statement> set_tag() {
    Statement node = make(Statement::Kind::kSet);
    cursor_.take();
    HEARTH_TRY(node.target, target());
    if (node.target.parts.empty() && cursor_.take_op(".")) {
      HEARTH_TRY(node.target.attribute, cursor_.expect_name("the name of an attribute"));
    }
    if (cursor_.take_op("=")) {
      HEARTH_TRY(node.expression, expressions_.expression_or_tuple());
      HEARTH_TRY_VOID(block_end());
      return node;
    }
    node.kind = Statement::Kind::kSetBlock;
    HEARTH_TRY(node.expression, expressions_.block_filters(false));
    HEARTH_TRY(node.body, body_until("endset"));
    return node;
  }

  Result<Statement> filter_tag() {
    Statement node = make(Statement::Kind::kFilterBlock);
    cursor_.take();
    HEARTH_TRY(node.expression, expressions_.block_filters(true));
    HEARTH_TRY(node.body, body_until("endfilter"));
    return node;
  }

  Result<Statement> with_tag() {
    Statement node = make(Statement::Kind::kWith);
    cursor_.take();
    while (!cursor_.is(TokenKind::kBlockEnd)) {
      HEARTH_TRY(Target name, target_part());
      HEARTH_TRY_VOID(cursor_.expect_op("="));
      HEARTH_TRY(ExpressionPtr value, expressions_.expression());
      node.assignments.emplace_back(std::move(name), std::move(value));
      if (!cursor_.take_op(",")) break;
    }
    HEARTH_TRY(node.body, body_until("endwith"));
    return node;
  }

  Result<Statement> do_tag() {
    Statement node = make(Statement::Kind::kDo);
    cursor_.take();
    HEARTH_TRY(node.expression, expressions_.expression_or_tuple());
    HEARTH_TRY_VOID(block_end());
    return node;
  }

  Result<void> parameters(MacroNode& macro) {
    HEARTH_TRY_VOID(cursor_.expect_op("("));
    while (!cursor_.is_op(")")) {
      HEARTH_TRY(const Symbol parameter, assigned_name("the name of a parameter"));
      macro.parameters.push_back(parameter);
      if (macro.parameters.size() > kPartsMax) return cursor_.unsupported("so many parameters");
      if (cursor_.take_op("=")) {
        HEARTH_TRY(ExpressionPtr value, expressions_.expression());
        macro.defaults.push_back(std::move(value));
      } else if (!macro.defaults.empty()) {
        return cursor_.expected("a default value, as the parameter before has one");
      }
      if (!cursor_.take_op(",")) break;
    }
    return cursor_.expect_op(")");
  }

  /// A loop around a macro is not one that {% break %} inside of it could leave.
  Result<void> macro_body(MacroNode& macro, std::string_view end) {
    const int outer_loops = std::exchange(loops_, 0);
    expressions_.open_macro(&macro);
    HEARTH_TRY(macro.body, body_until(end));
    expressions_.close_macro();
    loops_ = outer_loops;
    return {};
  }

  Result<Statement> macro_tag() {
    Statement node = make(Statement::Kind::kMacro);
    cursor_.take();
    node.macro = std::make_unique<MacroNode>();
    HEARTH_TRY(node.macro->symbol, assigned_name("the name of a macro"));
    node.macro->name = symbols_.name(node.macro->symbol);
    HEARTH_TRY_VOID(parameters(*node.macro));
    HEARTH_TRY_VOID(macro_body(*node.macro, "endmacro"));
    return node;
  }

  Result<Statement> call_tag() {
    Statement node = make(Statement::Kind::kCallBlock);
    cursor_.take();
    node.macro = std::make_unique<MacroNode>();
    node.macro->name = "caller";
    node.macro->symbol = SymbolTable::kCaller;
    if (cursor_.is_op("(")) HEARTH_TRY_VOID(parameters(*node.macro));
    HEARTH_TRY(node.expression, expressions_.expression());
    if (node.expression->kind != Expression::Kind::kCall) {
      return cursor_.expected("a call before the end of {% call %}");
    }
    HEARTH_TRY_VOID(macro_body(*node.macro, "endcall"));
    return node;
  }

  /// Hugging Face's marks around what the assistant says; they print nothing.
  Result<Statement> generation_tag() {
    Statement node = make(Statement::Kind::kWith);
    cursor_.take();
    HEARTH_TRY(node.body, body_until("endgeneration"));
    return node;
  }

  Result<Statement> break_tag() { return loop_control(Statement::Kind::kBreak); }
  Result<Statement> continue_tag() { return loop_control(Statement::Kind::kContinue); }

  Result<Statement> loop_control(Statement::Kind kind) {
    if (loops_ == 0) return cursor_.expected("{% " + cursor_.now().text + " %} inside of a loop");
    Statement node = make(kind);
    cursor_.take();
    HEARTH_TRY_VOID(block_end());
    return node;
  }

  TokenCursor cursor_;
  SymbolTable& symbols_;
  ExpressionParser expressions_;
  int depth_ = 0;
  int loops_ = 0;
};

}  // namespace

Result<Program> parse(std::string_view source, std::string name) {
  const std::string where = "chat template " + name;
  if (source.size() > kSourceBytesMax) {
    return fail(ErrorCode::kUnsupported, where + ": " + std::to_string(source.size()) +
                                             " bytes, more than the " +
                                             std::to_string(kSourceBytesMax) + " that are read");
  }
  if (const auto invalid = utf8_find_invalid(source)) {
    return fail(ErrorCode::kCorrupt, where + ": not UTF-8 at byte " + std::to_string(*invalid));
  }
  auto tokens = tokenize(source);
  if (!tokens) return fail_within(where, tokens.error());
  Program program;
  auto body = StatementParser(std::move(*tokens), program.symbols).run();
  if (!body) return fail_within(where, body.error());
  program.name = std::move(name);
  program.source = std::string(source);
  program.body = std::move(*body);
  return program;
}

}  // namespace hearth::text::jinja

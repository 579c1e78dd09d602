// Lexer: a template's source as tokens, with Jinja's rules of white space (trim_blocks and
// lstrip_blocks on, as Hugging Face renders chat templates).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::text::jinja {

enum class TokenKind {
  kText,         ///< `text` is output as it is
  kOutputBegin,  ///< {{
  kOutputEnd,    ///< }}
  kBlockBegin,   ///< {%
  kBlockEnd,     ///< %}
  kName,
  kString,   ///< `text` is the value, escapes resolved
  kInteger,  ///< `integer` is the value
  kFloat,    ///< `number` is the value
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  std::int64_t integer = 0;
  double number = 0.0;
  int line = 1;
};

/// kCorrupt, "line N: ...", for text that is no Jinja. The last token is kEnd.
Result<std::vector<Token>> tokenize(std::string_view source);

}  // namespace hearth::text::jinja

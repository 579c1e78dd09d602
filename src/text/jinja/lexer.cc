// Lexer: text between tags, then the inside of a tag, in turns.
#include "text/jinja/lexer.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// White space for Python's str.strip() and \s: Unicode's and the four separators U+001C to U+001F.
bool is_space(char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

std::size_t space_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size()) {
    const Utf8Step step = utf8_step(text.substr(length));
    if (step.kind != Utf8Step::Kind::kCharacter || !is_space(step.code_point)) break;
    length += step.length;
  }
  return length;
}

std::string_view strip_end(std::string_view text) {
  while (!text.empty()) {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    const Utf8Step step = utf8_step(text.substr(begin));
    if (step.kind != Utf8Step::Kind::kCharacter || !is_space(step.code_point)) break;
    text = text.substr(0, begin);
  }
  return text;
}

/// \r\n and \r become \n, and one newline at the very end is dropped.
std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalize_newlines(source)), rest_(source_) {}

  Result<std::vector<Token>> run() {
    while (!rest_.empty()) HEARTH_TRY_VOID(text_and_tag());
    push(TokenKind::kEnd);
    return std::move(tokens_);
  }

 private:
  tl::unexpected<Error> error(const std::string& what) const {
    return fail(ErrorCode::kCorrupt, "line " + std::to_string(line_) + ": " + what);
  }

  void push(TokenKind kind, std::string text = {}) {
    Token token;
    token.kind = kind;
    token.text = std::move(text);
    token.line = line_;
    tokens_.push_back(std::move(token));
  }

  void advance(std::size_t count) {
    line_ +=
        static_cast<int>(std::count(rest_.begin(), rest_.begin() + static_cast<long>(count), '\n'));
    rest_.remove_prefix(count);
  }

  /// Where the next tag begins; npos when there is none.
  std::size_t find_tag() const {
    for (std::size_t at = rest_.find('{'); at != std::string_view::npos && at + 1 < rest_.size();
         at = rest_.find('{', at + 1)) {
      const char second = rest_[at + 1];
      if (second == '{' || second == '%' || second == '#') return at;
    }
    return std::string_view::npos;
  }

  /// The text before a tag as white space control leaves it. `sign` is the tag's '-', '+' or 0;
  /// `strips_line` is true for tags that lstrip_blocks concerns.
  std::string_view trimmed_before(std::string_view text, char sign, bool strips_line) const {
    if (sign == '-') return strip_end(text);
    if (sign == '+' || !strips_line) return text;
    const std::size_t newline = text.rfind('\n');
    const std::size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
    if (line_begin == 0 && !line_starting_) return text;
    const std::string_view line = text.substr(line_begin);
    return space_length(line) == line.size() ? text.substr(0, line_begin) : text;
  }

  static char sign_at(std::string_view text, std::size_t at) {
    return at < text.size() && (text[at] == '-' || text[at] == '+') ? text[at] : '\0';
  }

  /// After the end of a block or comment: -%} takes all white space, %} one newline, +%} nothing.
  void after_block(char sign) {
    std::size_t taken = 0;
    if (sign == '-') {
      taken = space_length(rest_);
    } else if (sign == '\0' && rest_.starts_with('\n')) {
      taken = 1;
    }
    line_starting_ = taken > 0 && rest_[taken - 1] == '\n';
    advance(taken);
  }

  Result<void> text_and_tag() {
    const std::size_t at = find_tag();
    if (at == std::string_view::npos) {
      push(TokenKind::kText, std::string(rest_));
      advance(rest_.size());
      return {};
    }
    const char kind = rest_[at + 1];
    const char sign = sign_at(rest_, at + 2);
    const std::string_view text = trimmed_before(rest_.substr(0, at), sign, kind != '{');
    if (!text.empty()) push(TokenKind::kText, std::string(text));
    advance(at + 2 + (sign != '\0' ? 1 : 0));
    if (kind == '#') return comment();
    if (kind == '{') {
      push(TokenKind::kOutputBegin);
      return inside("}}", TokenKind::kOutputEnd);
    }
    if (const auto raw = raw_tag_length("raw", false)) {
      advance(*raw);
      return raw_block();
    }
    push(TokenKind::kBlockBegin);
    return inside("%}", TokenKind::kBlockEnd);
  }

  Result<void> comment() {
    const std::size_t end = rest_.find("#}");
    if (end == std::string_view::npos) return error("a comment {# without #}");
    const char sign = end > 0 ? sign_at(rest_, end - 1) : '\0';
    advance(end + 2);
    after_block(sign);
    return {};
  }

  /// Length of ` NAME -%}` when the tag whose begin was just read is that one; the white space
  /// after -%} of `raw` belongs to it.
  std::optional<std::size_t> raw_tag_length(std::string_view name, bool closing) const {
    std::size_t at = space_length(rest_);
    if (!rest_.substr(at).starts_with(name)) return std::nullopt;
    at += name.size();
    at += space_length(rest_.substr(at));
    const char sign = sign_at(rest_, at);
    if (sign == '+' && !closing) return std::nullopt;
    if (sign != '\0') ++at;
    if (!rest_.substr(at).starts_with("%}")) return std::nullopt;
    at += 2;
    if (sign == '-' && !closing) at += space_length(rest_.substr(at));
    return at;
  }

  Result<void> raw_block() {
    line_starting_ = false;
    const std::string_view all = rest_;
    for (std::size_t at = all.find("{%"); at != std::string_view::npos;
         at = all.find("{%", at + 1)) {
      const char sign = sign_at(all, at + 2);
      const std::size_t tag = at + 2 + (sign != '\0' ? 1 : 0);
      rest_ = all.substr(tag);
      const auto length = raw_tag_length("endraw", true);
      rest_ = all;
      if (!length) continue;
      const std::string_view text = trimmed_before(all.substr(0, at), sign, true);
      if (!text.empty()) push(TokenKind::kText, std::string(text));
      const char end_sign = sign_at(all, tag + *length - 3);
      advance(tag + *length);
      after_block(end_sign);
      return {};
    }
    return error("{% raw %} without {% endraw %}");
  }

  /// Tokens up to the end of a tag. The end is looked for only outside of brackets.
  Result<void> inside(std::string_view end, TokenKind end_kind) {
    std::string open;  // the closing brackets that are due
    for (;;) {
      advance(space_length(rest_));
      if (rest_.empty()) return error("a tag without " + std::string(end));
      if (open.empty()) {
        // "+}}" is no end of an output tag: there the sign is an operator.
        const char sign = sign_at(rest_, 0);
        const std::size_t skip = sign == '-' || (sign == '+' && end == "%}") ? 1 : 0;
        if (rest_.substr(skip).starts_with(end)) {
          push(end_kind);
          advance(skip + 2);
          if (end_kind == TokenKind::kBlockEnd) {
            after_block(skip == 1 ? sign : '\0');
          } else {
            const std::size_t taken = skip == 1 ? space_length(rest_) : 0;
            line_starting_ = taken > 0 && rest_[taken - 1] == '\n';
            advance(taken);
          }
          return {};
        }
      }
      HEARTH_TRY_VOID(token(open));
    }
  }

  Result<void> token(std::string& open) {
    const char c = rest_.front();
    if (is_name_start(c)) {
      std::size_t length = 1;
      while (length < rest_.size() && (is_name_start(rest_[length]) || is_digit(rest_[length]))) {
        ++length;
      }
      push(TokenKind::kName, std::string(rest_.substr(0, length)));
      advance(length);
      return {};
    }
    if (is_digit(c)) return number();
    if (c == '\'' || c == '"') return string();
    return op(open);
  }

  /// 0x1F, 0o17 and 0b101, with underscores between digits; nothing for other numbers.
  std::optional<int> base_prefix() const {
    if (rest_.size() < 3 || rest_[0] != '0') return std::nullopt;
    const char letter = static_cast<char>(rest_[1] | 0x20);
    if (letter == 'x') return 16;
    if (letter == 'o') return 8;
    if (letter == 'b') return 2;
    return std::nullopt;
  }

  std::size_t digits_length(std::size_t from, bool hexadecimal) const {
    std::size_t at = from;
    while (at < rest_.size() &&
           (is_digit(rest_[at]) || rest_[at] == '_' ||
            (hexadecimal && std::isxdigit(static_cast<unsigned char>(rest_[at])) != 0))) {
      ++at;
    }
    return at - from;
  }

  /// Length of the fraction and exponent at `at`, 0 when the number is whole.
  std::size_t fraction_length(std::size_t at) const {
    const auto digit_at = [&](std::size_t i) { return i < rest_.size() && is_digit(rest_[i]); };
    const std::size_t begin = at;
    // In "a.0.1" the dots are subscripts.
    const bool after_dot = !tokens_.empty() && tokens_.back().kind == TokenKind::kOperator &&
                           tokens_.back().text == ".";
    if (after_dot) return 0;
    if (at < rest_.size() && rest_[at] == '.' && digit_at(at + 1)) {
      at += 1 + digits_length(at + 1, false);
    }
    if (at < rest_.size() && (rest_[at] == 'e' || rest_[at] == 'E')) {
      const std::size_t sign = sign_at(rest_, at + 1) != '\0' ? 1 : 0;
      if (digit_at(at + 1 + sign)) at += 1 + sign + digits_length(at + 1 + sign, false);
    }
    return at - begin;
  }

  Result<void> number() {
    const auto base = base_prefix();
    std::size_t length = base ? 2 + digits_length(2, *base == 16) : digits_length(0, false);
    const std::size_t fraction = base ? 0 : fraction_length(length);
    length += fraction;
    if (length < rest_.size() && is_name_start(rest_[length])) {
      return error("the number " + std::string(rest_.substr(0, length + 1)) + " is not supported");
    }
    std::string digits(rest_.substr(base ? 2 : 0, length - (base ? 2 : 0)));
    std::erase(digits, '_');
    const bool is_float = fraction > 0;
    if (!is_float && !base && digits.size() > 1 && digits[0] == '0' &&
        digits.find_first_not_of('0') != std::string::npos) {
      return error("the number " + digits + " begins with a zero");
    }
    push(is_float ? TokenKind::kFloat : TokenKind::kInteger, digits);
    const char* const begin = digits.data();
    const char* const end = begin + digits.size();
    const auto parsed =
        is_float ? std::from_chars(begin, end, tokens_.back().number)
                 : std::from_chars(begin, end, tokens_.back().integer, base.value_or(10));
    if (parsed.ec != std::errc() || parsed.ptr != end) {
      return error("the number " + digits + " is out of range");
    }
    advance(length);
    return {};
  }

  Result<void> string() {
    const char quote = rest_.front();
    std::string value;
    std::size_t i = 1;
    while (i < rest_.size() && rest_[i] != quote) {
      if (rest_[i] == '\\' && i + 1 < rest_.size()) {
        HEARTH_TRY(const std::size_t used, escape(rest_.substr(i + 1), value));
        i += 1 + used;
      } else {
        value += rest_[i++];
      }
    }
    if (i >= rest_.size()) return error("a string without its closing quote");
    push(TokenKind::kString, std::move(value));
    advance(i + 1);
    return {};
  }

  /// Resolves Python's escapes; `text` begins after the backslash. Bytes used.
  Result<std::size_t> escape(std::string_view text, std::string& out) const {
    constexpr std::string_view kLetters = "abfnrtv\\'\"";
    constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\'\"";
    const char c = text.front();
    if (const std::size_t at = kLetters.find(c); at != std::string_view::npos) {
      out += kValues[at];
      return 1;
    }
    if (c == '\n') return 1;  // a continued line
    if (c >= '0' && c <= '7') return octal_escape(text, out);
    const std::size_t hex = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (hex > 0) {
      std::uint32_t code = 0;
      const char* const begin = text.data() + 1;
      const std::size_t available = std::min(hex, text.size() - 1);
      const auto parsed = std::from_chars(begin, begin + available, code, 16);
      if (available < hex || parsed.ptr != begin + hex) return error("an unfinished \\ escape");
      if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
        return error("the escape \\" + std::string(text.substr(0, hex + 1)) + " is no character");
      }
      utf8_append(out, code);
      return 1 + hex;
    }
    if (c == 'N') return error("the escape \\N is not supported");
    out += '\\';  // Python keeps the backslash of escapes it does not know
    out += c;
    return 1;
  }

  /// One to three octal digits.
  static std::size_t octal_escape(std::string_view text, std::string& out) {
    std::size_t length = 0;
    char32_t code = 0;
    for (; length < 3 && length < text.size() && text[length] >= '0' && text[length] <= '7';
         ++length) {
      code = code * 8 + static_cast<char32_t>(text[length] - '0');
    }
    utf8_append(out, code);
    return length;
  }

  Result<void> op(std::string& open) {
    constexpr std::string_view kTwo[] = {"==", "!=", ">=", "<=", "//", "**"};
    constexpr std::string_view kOne = "+-/*%~[](){}<>.:|,=;";
    for (const std::string_view two : kTwo) {
      if (rest_.starts_with(two)) {
        push(TokenKind::kOperator, std::string(two));
        advance(2);
        return {};
      }
    }
    const char c = rest_.front();
    if (kOne.find(c) == std::string_view::npos) {
      return error(std::string("unexpected character '") + c + "'");
    }
    if (c == '(') open += ')';
    if (c == '[') open += ']';
    if (c == '{') open += '}';
    if (c == ')' || c == ']' || c == '}') {
      if (open.empty() || open.back() != c) return error(std::string("unexpected '") + c + "'");
      open.pop_back();
    }
    push(TokenKind::kOperator, std::string(1, c));
    advance(1);
    return {};
  }

  std::string source_;
  std::string_view rest_;
  std::vector<Token> tokens_;
  int line_ = 1;
  bool line_starting_ = true;  // the text that comes begins a line
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source) { return Lexer(source).run(); }

}  // namespace hearth::text::jinja

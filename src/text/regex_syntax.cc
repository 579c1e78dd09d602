// oniguruma_to_pcre2: one pass over the pattern, copying all that both engines read alike.
#include <cctype>

#include "text/regex.h"
#include "text/regex_properties.h"

namespace hearth::text {
namespace {

// Unicode's White_Space, written out: PCRE2's own \s also matches U+180E.
constexpr std::string_view kSpaceRanges =
    R"(\t-\r\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr std::string_view kNotSpaceRanges =
    R"(\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff})"
    R"(\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff})";
constexpr std::string_view kHexRanges = "0-9A-Fa-f";

class Translator {
 public:
  explicit Translator(std::string_view pattern) : in_(pattern) {}

  Result<std::string> run() {
    while (at_ < in_.size()) {
      HEARTH_TRY_VOID(in_class_ ? class_item() : item());
    }
    if (in_class_) return unsupported("a character class without end");
    return std::move(out_);
  }

 private:
  char peek(std::size_t ahead) const { return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0'; }
  void copy(std::size_t count) {
    out_.append(in_.substr(at_, count));
    at_ += count;
  }
  void emit(std::string_view text, std::size_t consumed) {
    out_ += text;
    at_ += consumed;
  }
  tl::unexpected<Error> unsupported(const std::string& what) const {
    return fail(ErrorCode::kUnsupported, "pattern \"" + std::string(in_) + "\", offset " +
                                             std::to_string(at_) + ": " + what +
                                             " is not supported");
  }

  Result<void> item() {
    switch (in_[at_]) {
      case '\\':
        return escape();
      case '[':
        copy(1);
        if (peek(0) == '^') copy(1);
        in_class_ = true;
        if (peek(0) == ']') return unsupported("']' as the first member of a class");
        return {};
      case '^':  // at each line begin, but not after a newline that ends the subject
        emit(R"((?:\A|(?<=\n)(?!\z)))", 1);
        return {};
      case '$':  // before each newline, and at the end unless a newline was the last character
        emit(R"((?:(?=\n)|(?<!\n)\z))", 1);
        return {};
      case '(':
        return group();
      case '{':
        return interval();
      default:
        copy(1);
        return {};
    }
  }

  Result<void> group() {
    if (peek(1) != '?') {
      copy(1);
      return {};
    }
    std::size_t i = 2;
    while (std::isalpha(static_cast<unsigned char>(peek(i))) != 0 || peek(i) == '-') ++i;
    if (peek(i) == ':' || peek(i) == ')') {
      const std::string_view flags = in_.substr(at_ + 2, i - 2);
      if (flags.find_first_not_of("ix-") != std::string_view::npos) {
        return unsupported("the option group (?" + std::string(flags) + ")");
      }
    }
    copy(2);
    return {};
  }

  Result<void> interval() {
    std::size_t i = 1;
    while (std::isdigit(static_cast<unsigned char>(peek(i))) != 0 || peek(i) == ',') ++i;
    if (i > 1 && peek(i) == '}') {
      // Oniguruma repeats an interval followed by '+', PCRE2 would make it possessive.
      if (peek(i + 1) == '+') return unsupported("an interval followed by '+'");
      if (peek(1) == ',') return unsupported("an interval without lower bound");
      copy(i + 1);
      return {};
    }
    emit("\\{", 1);  // a literal brace
    return {};
  }

  Result<void> escape() {
    const auto shorthand = [&](std::string_view members, bool negated) -> Result<void> {
      emit((negated ? "[^" : "[") + std::string(members) + "]", 2);
      return {};
    };
    switch (peek(1)) {
      case 's':
        return shorthand(kSpaceRanges, false);
      case 'S':
        return shorthand(kSpaceRanges, true);
      case 'w':
        return shorthand(word_members(), false);
      case 'W':
        return shorthand(word_members(), true);
      case 'h':
        return shorthand(kHexRanges, false);
      case 'H':
        return shorthand(kHexRanges, true);
      default:
        return common_escape();
    }
  }

  Result<void> class_item() {
    if (in_[at_] == ']') {
      in_class_ = false;
      copy(1);
      return {};
    }
    if (in_[at_] == '[') return unsupported("a set or POSIX bracket inside a class");
    if (in_[at_] == '&' && peek(1) == '&') return unsupported("the set operation &&");
    if (in_[at_] != '\\') {
      copy(1);
      return {};
    }
    switch (peek(1)) {
      case 's':
        emit(kSpaceRanges, 2);
        return {};
      case 'S':
        emit(kNotSpaceRanges, 2);
        return {};
      case 'w':
        emit(word_members(), 2);
        return {};
      case 'h':
        emit(kHexRanges, 2);
        return {};
      case 'W':
      case 'H':
        return unsupported(std::string("\\") + peek(1) + " inside a class");
      default:
        return common_escape();
    }
  }

  /// Escapes that mean the same inside and outside of a class.
  Result<void> common_escape() {
    const char c = peek(1);
    if (c == 'p' || c == 'P') return property();
    if (c == 'd' || c == 'D') return category("Nd", c == 'D', 2);
    if (c == 'u') {
      for (std::size_t i = 2; i < 6; ++i) {
        if (std::isxdigit(static_cast<unsigned char>(peek(i))) == 0) {
          return unsupported("\\u without four hexadecimal digits");
        }
      }
      emit("\\x{" + std::string(in_.substr(at_ + 2, 4)) + "}", 6);
      return {};
    }
    if (c == 'v') {  // one character in Oniguruma, every line break in PCRE2
      emit(R"(\x0b)", 2);
      return {};
    }
    constexpr std::string_view kSameLetters = "tnrfaexAzZ";
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 &&
        kSameLetters.find(c) == std::string_view::npos) {
      return unsupported(std::string("\\") + c);
    }
    if (c == '\0') return unsupported("a backslash at the end");
    copy(2);
    return {};
  }

  /// \p{name}, \P{name} and \p{^name}.
  Result<void> property() {
    const std::size_t close = in_.find('}', at_);
    if (peek(2) != '{' || close == std::string_view::npos) {
      return unsupported("\\p without {name}");
    }
    const bool hat = peek(3) == '^';
    const std::size_t begin = at_ + (hat ? 4 : 3);
    const std::string_view name = in_.substr(begin, close - begin);
    const bool negated = hat != (peek(1) == 'P');
    if (is_category_name(name)) return category(name, negated, close + 1 - at_);
    // A script is the Script property, where PCRE2 by itself would take Script_Extensions.
    const bool script = name.size() > 2 && name != "Any" && name != "Alpha" && name != "Alphabetic";
    if (script && hat) return unsupported("a negated script");
    copy(3);
    if (script) out_ += "sc:";
    copy(close + 1 - at_);
    return {};
  }

  Result<void> category(std::string_view name, bool negated, std::size_t consumed) {
    if (in_class_) {
      emit(category_members(name, negated), consumed);
    } else {
      emit((negated ? "[^" : "[") + category_members(name, false) + "]", consumed);
    }
    return {};
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::string out_;
  bool in_class_ = false;
};

}  // namespace

Result<std::string> oniguruma_to_pcre2(std::string_view pattern) {
  return Translator(pattern).run();
}

}  // namespace hearth::text

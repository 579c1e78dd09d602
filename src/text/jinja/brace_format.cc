// "{} has {count:>5} items".format(name, count=3).
#include <charconv>
#include <optional>

#include "text/jinja/operators.h"
#include "text/jinja/text_format.h"
#include "text/jinja/wrong.h"

namespace hearth::text::jinja {
namespace {

/// The number that all of `text` is; nothing when it is none.
std::optional<std::int64_t> as_number(std::string_view text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

class BraceFormatter {
 public:
  BraceFormatter(const Arguments& arguments, Budget& budget)
      : arguments_(arguments), budget_(budget) {}

  /// `depth` is how many fields this text stands inside of: a spec may hold fields, once.
  Result<std::string> expand(std::string_view text, int depth) {
    std::string out;
    while (!text.empty()) {
      const char c = text.front();
      text.remove_prefix(1);
      if ((c == '{' || c == '}') && depth == 0 && text.starts_with(c)) {
        out += c;
        text.remove_prefix(1);
      } else if (c == '}') {
        return wrong("a '}' without '{' in the format");
      } else if (c == '{') {
        HEARTH_TRY(const std::size_t length, field_length(text));
        HEARTH_TRY(const std::string value, field(text.substr(0, length), depth));
        HEARTH_TRY_VOID(budget_.charge_text(out.size() / 64 + value.size()));
        out += value;
        text.remove_prefix(length + 1);
      } else {
        out += c;
      }
    }
    HEARTH_TRY_VOID(budget_.charge_text(out.size()));
    return out;
  }

 private:
  /// Up to the '}' that closes the field; fields inside are skipped, and so is what is in brackets.
  static Result<std::size_t> field_length(std::string_view text) {
    int depth = 1;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '{') ++depth;
      if (text[i] == '}' && --depth == 0) return i;
    }
    return wrong("a '{' without '}' in the format");
  }

  /// name!conversion:spec
  Result<std::string> field(std::string_view text, int depth) {
    if (depth > 1) return wrong("fields nested too deep in the format");
    std::size_t name_end = 0;
    bool in_brackets = false;
    for (; name_end < text.size(); ++name_end) {
      if (text[name_end] == '[') in_brackets = true;
      if (text[name_end] == ']') in_brackets = false;
      if (!in_brackets && (text[name_end] == ':' || text[name_end] == '!')) break;
    }
    HEARTH_TRY(Value value, named_value(text.substr(0, name_end)));
    std::string_view rest = text.substr(name_end);
    if (rest.starts_with('!')) {
      HEARTH_TRY(value, converted(value, rest));
      rest.remove_prefix(2);
    }
    if (rest.starts_with(':')) rest.remove_prefix(1);
    HEARTH_TRY(const std::string spec, expand(rest, depth + 1));
    return format_value(value, spec, budget_);
  }

  static Result<Value> converted(const Value& value, std::string_view rest) {
    if (rest.size() < 2 || (rest.size() > 2 && rest[2] != ':')) {
      return wrong("a format with '!' needs one letter after it");
    }
    if (rest[1] == 's') return Value::string(to_text(value));
    if (rest[1] == 'r') return Value::string(to_repr(value));
    return fail(ErrorCode::kUnsupported,
                std::string("the conversion !") + rest[1] + " in a format is not supported");
  }

  /// The argument, then .attribute and [item] from left to right.
  Result<Value> named_value(std::string_view path) {
    const std::size_t first = std::min(path.find_first_of(".["), path.size());
    HEARTH_TRY(Value value, argument(path.substr(0, first)));
    path.remove_prefix(first);
    while (!path.empty()) {
      if (path.front() == '.') {
        const std::size_t end = std::min(path.find_first_of(".[", 1), path.size());
        if (end == 1) return wrong("an empty attribute in the format");
        HEARTH_TRY(value, get_attribute(value, Value::string(path.substr(1, end - 1))));
        path.remove_prefix(end);
        continue;
      }
      const std::size_t end = path.find(']');
      if (path.front() != '[' || end == std::string_view::npos || end == 1) {
        return wrong("a broken name in the format");
      }
      const std::string_view key = path.substr(1, end - 1);
      const auto number = as_number(key);
      HEARTH_TRY(value,
                 get_item(value, number ? Value::integer(*number) : Value::string(key), budget_));
      path.remove_prefix(end + 1);
    }
    return value;
  }

  Result<Value> argument(std::string_view name) {
    const auto number = as_number(name);
    if (name.empty() || number) {
      if (numbering_ == Numbering::kNone) {
        numbering_ = name.empty() ? Numbering::kAutomatic : Numbering::kManual;
      }
      if ((numbering_ == Numbering::kAutomatic) != name.empty()) {
        return wrong("a format with both {} and {0}");
      }
      const std::size_t index = number ? static_cast<std::size_t>(*number) : next_++;
      if (index < arguments_.positional.size()) return arguments_.positional[index];
      return wrong("fewer values than the format has places for");
    }
    for (const auto& [key, value] : arguments_.named) {
      if (key == name) return value;
    }
    return wrong("there is no " + std::string(name) + " for the format");
  }

  enum class Numbering { kNone, kAutomatic, kManual };

  const Arguments& arguments_;
  Budget& budget_;
  Numbering numbering_ = Numbering::kNone;
  std::size_t next_ = 0;
};

}  // namespace

Result<std::string> format_braces(std::string_view text, const Arguments& arguments,
                                  Budget& budget) {
  HEARTH_TRY_VOID(budget.charge_text(text.size()));
  return BraceFormatter(arguments, budget).expand(text, 0);
}

}  // namespace hearth::text::jinja

// "%s has %d items" % (name, count).
#include <cmath>
#include <optional>

#include "text/jinja/builtins.h"
#include "text/jinja/text_format.h"
#include "text/jinja/wrong.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

/// %(key)-5.2f
struct Conversion {
  std::optional<std::string> key;
  bool left = false;
  bool zeros = false;
  std::size_t width = 0;
  NumberStyle style;
};

class PercentFormatter {
 public:
  PercentFormatter(std::string_view format, const Value& values, Budget& budget)
      : rest_(format), values_(values), budget_(budget) {
    if (const List* list = values.as_list(); list != nullptr && list->is_tuple()) tuple_ = list;
  }

  Result<std::string> run() {
    while (!rest_.empty()) {
      const std::size_t plain = std::min(rest_.find('%'), rest_.size());
      out_ += rest_.substr(0, plain);
      rest_.remove_prefix(plain);
      if (rest_.empty()) break;
      rest_.remove_prefix(1);
      HEARTH_TRY_VOID(conversion());
    }
    // Containers may hold more than is asked for; single values and tuples may not.
    const bool may_be_left =
        values_.as_dict() != nullptr || (values_.as_list() != nullptr && tuple_ == nullptr);
    const std::size_t count = tuple_ != nullptr ? tuple_->items.size() : 1;
    if (!may_be_left && used_ < count) return wrong("more values than the format has places for");
    return std::move(out_);
  }

 private:
  Result<char> take() {
    if (rest_.empty()) return wrong("the format ends after '%'");
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  Result<void> read_key(Conversion& conversion) {
    if (!rest_.starts_with('(')) return {};
    int depth = 0;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] == '(') ++depth;
      if (rest_[i] == ')' && --depth == 0) {
        conversion.key = rest_.substr(1, i - 1);
        rest_.remove_prefix(i + 1);
        return {};
      }
    }
    return wrong("a key without ')' in the format");
  }

  void read_flags(Conversion& conversion) {
    for (; !rest_.empty(); rest_.remove_prefix(1)) {
      switch (rest_.front()) {
        case '-':
          conversion.left = true;
          break;
        case '0':
          conversion.zeros = true;
          break;
        case '#':
          conversion.style.alternate = true;
          break;
        case '+':
          conversion.style.sign = '+';
          break;
        case ' ':
          if (conversion.style.sign == '-') conversion.style.sign = ' ';
          break;
        default:
          return;
      }
    }
  }

  Result<std::int64_t> read_number(std::int64_t max) {
    if (rest_.starts_with('*')) {
      return fail(ErrorCode::kUnsupported, "a width '*' in a format is not supported");
    }
    std::int64_t value = 0;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
      if (value > max) {
        return fail(ErrorCode::kResourceExhausted,
                    "a width or precision of more than " + std::to_string(max));
      }
    }
    return value;
  }

  Result<void> conversion() {
    Conversion conversion;
    HEARTH_TRY_VOID(read_key(conversion));
    read_flags(conversion);
    HEARTH_TRY(const std::int64_t width, read_number(kFieldWidthMax));
    conversion.width = static_cast<std::size_t>(width);
    if (rest_.starts_with('.')) {
      rest_.remove_prefix(1);
      HEARTH_TRY(const std::int64_t precision, read_number(kPrecisionMax));
      conversion.style.precision = static_cast<int>(precision);
    }
    if (!rest_.empty() && std::string_view("hlL").find(rest_.front()) != std::string_view::npos) {
      rest_.remove_prefix(1);  // as in C; it means nothing
    }
    HEARTH_TRY(conversion.style.type, take());
    if (conversion.style.type == '%') {
      out_ += '%';
      return {};
    }
    HEARTH_TRY(const Value value, next_value(conversion));
    HEARTH_TRY_VOID(budget_.charge_text(out_.size() / 64 + conversion.width + value.weight()));
    return append(value, conversion);
  }

  Result<Value> next_value(const Conversion& conversion) {
    if (conversion.key) {
      if (values_.as_dict() == nullptr) return wrong("a format with a key needs a dict");
      const Value* value = values_.as_dict()->find(*conversion.key);
      if (value == nullptr) return wrong("there is no " + *conversion.key + " for the format");
      used_ = 1;
      return *value;
    }
    if (tuple_ == nullptr && used_++ == 0) return values_;
    if (tuple_ != nullptr && used_ < tuple_->items.size()) return tuple_->items[used_++];
    return wrong("fewer values than the format has places for");
  }

  Result<void> append(const Value& value, const Conversion& conversion) {
    switch (conversion.style.type) {
      case 's':
        return append_string(to_text(value), conversion);
      case 'r':
        return append_string(to_repr(value), conversion);
      case 'c':
        return append_character(value, conversion);
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        return append_whole(value, conversion);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        if (!value.is_number()) return wrong("a float is needed, not " + value.describe());
        if (conversion.style.alternate) {
          return fail(ErrorCode::kUnsupported, "the format '#' of a float is not supported");
        }
        append_padded(number_text(to_double(value), conversion.style), conversion);
        return {};
      default:
        return fail(ErrorCode::kUnsupported,
                    std::string("the conversion %") + conversion.style.type + " is not supported");
    }
  }

  Result<void> append_string(std::string text, const Conversion& conversion) {
    if (conversion.style.precision >= 0) {
      std::size_t end = 0;
      for (int i = 0; i < conversion.style.precision && end < text.size(); ++i) {
        end += utf8_step(std::string_view(text).substr(end)).length;
      }
      text.resize(end);
    }
    Conversion plain = conversion;
    plain.zeros = false;
    append_padded({"", std::move(text)}, plain);
    return {};
  }

  Result<void> append_character(const Value& value, const Conversion& conversion) {
    const std::string* text = value.as_string();
    std::string character;
    if (text != nullptr && utf8_length(*text) == 1) {
      character = *text;
    } else if (value.is_whole() && to_integer(value) >= 0 && to_integer(value) <= 0x10FFFF) {
      utf8_append(character, static_cast<char32_t>(to_integer(value)));
    } else {
      return wrong("a character is needed, not " + value.describe());
    }
    Conversion plain = conversion;
    plain.style.precision = -1;
    return append_string(std::move(character), plain);
  }

  Result<void> append_whole(const Value& value, Conversion conversion) {
    char& type = conversion.style.type;
    if (type == 'i' || type == 'u') type = 'd';
    std::int64_t whole = 0;
    if (value.is_whole()) {
      whole = to_integer(value);
    } else if (value.is_float() && type == 'd') {
      HEARTH_TRY(const auto cut, cut_off(to_double(value)));
      if (!cut) return wrong("a whole number is needed, not " + to_text(value));
      whole = *cut;
    } else {
      return wrong("a whole number is needed, not " + value.describe());
    }
    NumberText text = number_text(whole, conversion.style);
    const auto digits = static_cast<std::size_t>(std::max(conversion.style.precision, 0));
    if (text.digits.size() < digits) text.digits.insert(0, digits - text.digits.size(), '0');
    append_padded(text, conversion);
    return {};
  }

  void append_padded(const NumberText& text, const Conversion& conversion) {
    const std::size_t length = text.prefix.size() + utf8_length(text.digits);
    const std::size_t space = conversion.width > length ? conversion.width - length : 0;
    if (!conversion.left && !conversion.zeros) out_.append(space, ' ');
    out_ += text.prefix;
    if (!conversion.left && conversion.zeros) out_.append(space, '0');
    out_ += text.digits;
    if (conversion.left) out_.append(space, ' ');
  }

  std::string_view rest_;
  const Value& values_;
  const List* tuple_ = nullptr;
  std::size_t used_ = 0;
  Budget& budget_;
  std::string out_;
};

}  // namespace

Result<Value> format_percent(const Value& text, const Value& values, Budget& budget) {
  if (text.is_markup()) {
    return fail(ErrorCode::kUnsupported, "the operator % on text marked as safe is not supported");
  }
  HEARTH_TRY_VOID(budget.charge_text(text.as_string()->size()));
  HEARTH_TRY(std::string out, PercentFormatter(*text.as_string(), values, budget).run());
  HEARTH_TRY_VOID(budget.charge_text(out.size()));
  return Value::string(std::move(out));
}

}  // namespace hearth::text::jinja

// str(), repr() and json.dumps() of values, byte for byte as Python writes them.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/jinja/value.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

/// repr(float): the shortest digits that read back alike, with an exponent from 1e16 up and below
/// 1e-4.
std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  const double magnitude = std::fabs(value);
  const bool plain = magnitude == 0.0 || (magnitude >= 1e-4 && magnitude < 1e16);
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(buffer, end.ptr);
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string hex(char32_t c, int digits) {
  std::string out(static_cast<std::size_t>(digits), '0');
  for (int i = digits - 1; i >= 0; --i, c >>= 4) {
    out[static_cast<std::size_t>(i)] = kHexDigits[c & 15];
  }
  return out;
}

/// Python's str.isprintable() for the characters that occur in text: spaces other than U+0020,
/// controls, formats, private use and non-characters are not.
bool is_printable(char32_t c) {
  if (c < 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0xAD) return false;
  if (c != 0x20 && is_white_space(c)) return false;
  if ((c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E)) return false;
  if ((c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF0 && c <= 0xFFFB)) return false;
  if ((c >= 0x0600 && c <= 0x0605) || c == 0x061C || c == 0x06DD || c == 0x070F || c == 0x180E) {
    return false;
  }
  return !(c >= 0xE000 && c <= 0xF8FF) && (c & 0xFFFE) != 0xFFFE && c < 0xE0000;
}

void append_repr(std::string_view text, std::string& out) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  out += quote;
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    const char32_t c = step.code_point;
    if (step.kind != Utf8Step::Kind::kCharacter) {
      out += "\xEF\xBF\xBD";
    } else if (c == static_cast<char32_t>(quote) || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_printable(c)) {
      out.append(text.substr(0, step.length));
    } else if (c < 0x100) {
      out += "\\x" + hex(c, 2);
    } else if (c < 0x10000) {
      out += "\\u" + hex(c, 4);
    } else {
      out += "\\U" + hex(c, 8);
    }
    text.remove_prefix(step.length);
  }
  out += quote;
}

void append_value_repr(const Value& value, std::string& out);

template <class Range, class Append>
void append_joined(const Range& range, std::string& out, Append append) {
  bool first = true;
  for (const auto& item : range) {
    if (!first) out += ", ";
    first = false;
    append(item);
  }
}

void append_value_repr(const Value& value, std::string& out) {
  if (const std::string* s = value.as_string()) {
    append_repr(*s, out);
  } else if (const List* list = value.as_list()) {
    out += list->is_tuple ? '(' : '[';
    append_joined(list->items, out, [&](const Value& item) { append_value_repr(item, out); });
    if (list->is_tuple && list->items.size() == 1) out += ',';
    out += list->is_tuple ? ')' : ']';
  } else if (const Dict* dict = value.as_dict()) {
    out += '{';
    append_joined(dict->entries, out, [&](const auto& entry) {
      append_repr(entry.first, out);
      out += ": ";
      append_value_repr(entry.second, out);
    });
    out += '}';
  } else if (value.is_undefined()) {
    out += "Undefined";
  } else {
    out += to_text(value);
  }
}

/// \uXXXX, as a surrogate pair above U+FFFF.
void append_json_escape(char32_t c, std::string& out) {
  if (c >= 0x10000) {
    append_json_escape(0xD800 + ((c - 0x10000) >> 10), out);
    append_json_escape(0xDC00 + ((c - 0x10000) & 0x3FF), out);
  } else {
    out += "\\u" + hex(c, 4);
  }
}

void append_json_string(std::string_view text, bool ensure_ascii, std::string& out) {
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          append_json_escape(static_cast<unsigned char>(c), out);
        } else if (ensure_ascii && static_cast<unsigned char>(c) >= 0x7F) {
          const Utf8Step step = utf8_step(text.substr(i));
          append_json_escape(step.code_point, out);
          i += step.length - 1;
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style) : style_(style) {}

  Result<void> write(const Value& value, int level) {
    if (value.is_none()) {
      out_ += "null";
    } else if (const bool* b = value.get<bool>()) {
      out_ += *b ? "true" : "false";
    } else if (const double* d = value.get<double>()) {
      out_ += std::isnan(*d)   ? "NaN"
              : std::isinf(*d) ? (*d > 0 ? "Infinity" : "-Infinity")
                               : float_text(*d);
    } else if (value.is_integer()) {
      out_ += std::to_string(to_integer(value));
    } else if (const std::string* s = value.as_string()) {
      append_json_string(*s, style_.ensure_ascii, out_);
    } else if (const List* list = value.as_list()) {
      return write_list(*list, level);
    } else if (const Dict* dict = value.as_dict()) {
      return write_dict(*dict, level);
    } else {
      return fail(ErrorCode::kInvalidArgument, "tojson of " + value.describe());
    }
    return {};
  }

  std::string take() { return std::move(out_); }

 private:
  void new_line(int level) {
    if (style_.indent < 0) return;
    out_ += '\n';
    out_.append(static_cast<std::size_t>(style_.indent) * static_cast<std::size_t>(level), ' ');
  }
  void separate(bool first, int level) {
    if (!first) out_ += style_.item_separator;
    new_line(level);
  }

  Result<void> write_list(const List& list, int level) {
    out_ += '[';
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      separate(i == 0, level + 1);
      HEARTH_TRY_VOID(write(list.items[i], level + 1));
    }
    if (!list.items.empty()) new_line(level);
    out_ += ']';
    return {};
  }

  Result<void> write_dict(const Dict& dict, int level) {
    auto entries = dict.entries;
    if (style_.sort_keys) {
      std::sort(entries.begin(), entries.end(),
                [](const auto& a, const auto& b) { return a.first < b.first; });
    }
    out_ += '{';
    for (std::size_t i = 0; i < entries.size(); ++i) {
      separate(i == 0, level + 1);
      append_json_string(entries[i].first, style_.ensure_ascii, out_);
      out_ += style_.key_separator;
      HEARTH_TRY_VOID(write(entries[i].second, level + 1));
    }
    if (!entries.empty()) new_line(level);
    out_ += '}';
    return {};
  }

  const JsonStyle& style_;
  std::string out_;
};

}  // namespace

std::string to_text(const Value& value) {
  if (value.is_undefined()) return {};
  if (value.is_none()) return "None";
  if (const bool* b = value.get<bool>()) return *b ? "True" : "False";
  if (const double* d = value.get<double>()) return float_text(*d);
  if (value.is_integer()) return std::to_string(to_integer(value));
  if (const std::string* s = value.as_string()) return *s;
  if (value.as_list() != nullptr || value.as_dict() != nullptr) return to_repr(value);
  return "<" + std::string(value.type_name()) + ">";
}

std::string to_repr(const Value& value) {
  std::string out;
  append_value_repr(value, out);
  return out;
}

Result<std::string> to_json(const Value& value, const JsonStyle& style) {
  JsonWriter writer(style);
  HEARTH_TRY_VOID(writer.write(value, 0));
  return writer.take();
}

}  // namespace hearth::text::jinja

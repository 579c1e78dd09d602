// str() and repr() of values, byte for byte as Python writes them.
#include <charconv>
#include <cmath>

#include "text/jinja/characters.h"
#include "text/jinja/value.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string hex(char32_t c, int digits) {
  std::string out(static_cast<std::size_t>(digits), '0');
  for (int i = digits - 1; i >= 0; --i, c >>= 4) {
    out[static_cast<std::size_t>(i)] = kHexDigits[c & 15];
  }
  return out;
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

/// "range(0, 3)", with the step where it is not 1.
void append_range(const std::array<std::int64_t, 3>& range, std::string& out) {
  out += "range(" + std::to_string(range[0]) + ", " + std::to_string(range[1]);
  out += range[2] == 1 ? ")" : ", " + std::to_string(range[2]) + ")";
}

/// `type` is printed around the views of dicts: "dict_keys([...])".
void append_list(const List& list, std::string_view type, std::string& out) {
  if (list.kind == ListKind::kRange) return append_range(list.range, out);
  const bool is_view = !list.is_tuple() && list.kind != ListKind::kList;
  if (is_view) (out += type) += "(";
  out += list.is_tuple() ? '(' : '[';
  append_joined(list.items, out, [&](const Value& item) { append_value_repr(item, out); });
  if (list.is_tuple() && list.items.size() == 1) out += ',';
  out += list.is_tuple() ? ')' : ']';
  if (is_view) out += ')';
}

void append_dict(const Dict& dict, std::string& out) {
  out += '{';
  append_joined(dict.entries, out, [&](const auto& entry) {
    append_value_repr(entry.first, out);
    out += ": ";
    append_value_repr(entry.second, out);
  });
  out += '}';
}

void append_value_repr(const Value& value, std::string& out) {
  if (const std::string* s = value.as_string()) {
    if (value.is_markup()) out += "Markup(";
    append_repr(*s, out);
    if (value.is_markup()) out += ')';
  } else if (value.is_integer()) {
    out += std::to_string(to_integer(value));
  } else if (const bool* b = value.get<bool>()) {
    out += *b ? "True" : "False";
  } else if (value.is_none()) {
    out += "None";
  } else if (const double* d = value.get<double>()) {
    out += float_text(*d);
  } else if (const List* list = value.as_list()) {
    append_list(*list, value.type_name(), out);
  } else if (const Dict* dict = value.as_dict()) {
    append_dict(*dict, out);
  } else if (value.is_undefined()) {
    out += "Undefined";
  } else {
    out += "<" + std::string(value.type_name()) + ">";
  }
}

}  // namespace

// The shortest digits that read back alike, with an exponent from 1e16 up and below 1e-4.
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

void append_text(const Value& value, std::string& out) {
  if (const std::string* s = value.as_string()) {
    out += *s;
  } else if (!value.is_undefined()) {
    append_value_repr(value, out);
  }
}

std::string to_text(const Value& value) {
  std::string out;
  append_text(value, out);
  return out;
}

std::string to_repr(const Value& value) {
  std::string out;
  append_value_repr(value, out);
  return out;
}

}  // namespace hearth::text::jinja

// json.dumps() of values, byte for byte as Python writes it.
#include <algorithm>
#include <array>
#include <cmath>

#include "text/jinja/value.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

/// \uXXXX, as a surrogate pair above U+FFFF.
void append_escape(char32_t c, std::string& out) {
  if (c >= 0x10000) {
    append_escape(0xD800 + ((c - 0x10000) >> 10), out);
    append_escape(0xDC00 + ((c - 0x10000) & 0x3FF), out);
    return;
  }
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHexDigits[(c >> shift) & 15];
}

/// The letter of a two-character escape; 0 for characters that have none.
char short_escape(char c) {
  constexpr std::string_view kCharacters = "\"\\\n\r\t\b\f";
  constexpr std::string_view kLetters = "\"\\nrtbf";
  const std::size_t at = kCharacters.find(c);
  return at == std::string_view::npos ? '\0' : kLetters[at];
}

bool is_plain(char c, bool ensure_ascii) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && c != '"' && c != '\\' && !(ensure_ascii && byte >= 0x7F);
}

void append_string(std::string_view text, bool ensure_ascii, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const auto plain_end = std::find_if_not(text.begin(), text.end(),
                                            [&](char c) { return is_plain(c, ensure_ascii); });
    const auto plain = static_cast<std::size_t>(plain_end - text.begin());
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const Utf8Step step = utf8_step(text);
    if (const char letter = short_escape(text.front()); letter != '\0') {
      out += '\\';
      out += letter;
    } else {
      append_escape(step.code_point, out);
    }
    text.remove_prefix(step.length);
  }
  out += '"';
}

class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style) : style_(style) {}

  Result<void> write(const Value& value, int level) {
    if (const std::string* s = value.as_string()) {
      append_string(*s, style_.ensure_ascii, out_);
    } else if (const List* list = value.as_list()) {
      return write_list(value, *list, level);
    } else if (const Dict* dict = value.as_dict()) {
      return write_dict(*dict, level);
    } else if (value.is_number() || value.is_none()) {
      out_ += scalar(value);
    } else {
      return refused(value);
    }
    return {};
  }

  std::string take() { return std::move(out_); }

 private:
  static tl::unexpected<Error> refused(const Value& value) {
    return fail(ErrorCode::kInvalidArgument, value.describe() + " cannot be written as JSON");
  }

  static std::string scalar(const Value& value) {
    if (value.is_none()) return "null";
    if (const bool* b = value.get<bool>()) return *b ? "true" : "false";
    const double* d = value.get<double>();
    if (d == nullptr) return std::to_string(to_integer(value));
    if (std::isnan(*d)) return "NaN";
    if (std::isinf(*d)) return *d > 0 ? "Infinity" : "-Infinity";
    return float_text(*d);
  }

  void new_line(int level) {
    if (!style_.indents) return;
    out_ += '\n';
    for (int i = 0; i < level; ++i) out_ += style_.indent;
  }
  void separate(bool first, int level) {
    if (!first) out_ += style_.item_separator;
    new_line(level);
  }

  Result<void> write_list(const Value& value, const List& list, int level) {
    if (list.kind != ListKind::kList && !list.is_tuple()) return refused(value);
    out_ += '[';
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      separate(i == 0, level + 1);
      HEARTH_TRY_VOID(write(list.items[i], level + 1));
    }
    if (!list.items.empty()) new_line(level);
    out_ += ']';
    return {};
  }

  /// The entries in the order in which they are written.
  Result<std::vector<const std::pair<Value, Value>*>> ordered(const Dict& dict) const {
    std::vector<const std::pair<Value, Value>*> entries;
    entries.reserve(dict.entries.size());
    for (const auto& entry : dict.entries) {
      if (entry.first.as_list() != nullptr || entry.first.is_undefined()) {
        return refused(entry.first);
      }
      entries.push_back(&entry);
    }
    if (!style_.sort_keys || entries.size() < 2) return entries;
    for (const auto* entry : entries) {  // Python compares the keys themselves
      HEARTH_TRY_VOID(less(entry->first, entries.front()->first));
    }
    std::sort(entries.begin(), entries.end(),
              [](const auto* a, const auto* b) { return order_keys(a->first, b->first) < 0; });
    return entries;
  }

  Result<void> write_dict(const Dict& dict, int level) {
    HEARTH_TRY(const auto entries, ordered(dict));
    out_ += '{';
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const auto& [key, value] = *entries[i];
      separate(i == 0, level + 1);
      append_string(key.is_string() ? *key.as_string() : scalar(key), style_.ensure_ascii, out_);
      out_ += style_.key_separator;
      HEARTH_TRY_VOID(write(value, level + 1));
    }
    if (!entries.empty()) new_line(level);
    out_ += '}';
    return {};
  }

  const JsonStyle& style_;
  std::string out_;
};

}  // namespace

Result<std::string> to_json(const Value& value, const JsonStyle& style) {
  JsonWriter writer(style);
  HEARTH_TRY_VOID(writer.write(value, 0));
  return writer.take();
}

}  // namespace hearth::text::jinja

// Filters that mark text as safe for HTML, or make it so, and those that write URLs.
#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"

namespace hearth::text::jinja {
namespace {

Result<Value> filter_safe(const Call& call) {
  HEARTH_TRY_VOID(call.budget.charge_text(call.self.weight()));
  return Value::string(to_text(call.self), true);
}

/// escape: text that is marked as safe stays as it is.
Result<Value> filter_escape(const Call& call) {
  if (call.self.is_markup()) return call.self;
  HEARTH_TRY_VOID(call.budget.charge_text(call.self.weight() * 6));
  return Value::string(escape_html(to_text(call.self)), true);
}

Result<Value> filter_forceescape(const Call& call) {
  HEARTH_TRY_VOID(call.budget.charge_text(call.self.weight() * 6));
  return Value::string(escape_html(to_text(call.self)), true);
}

std::string url_quoted(std::string_view text, bool in_query) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_safe = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                         (c >= 'A' && c <= 'Z') ||
                         std::string_view("_.-~").find(c) != std::string_view::npos;
    if (is_safe || (c == '/' && !in_query)) {
      out += c;
    } else if (c == ' ' && in_query) {
      out += '+';
    } else {
      out += '%';
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 15];
    }
  }
  return out;
}

/// Text as part of a path; a dict or a list of pairs as a query.
Result<Value> filter_urlencode(const Call& call) {
  HEARTH_TRY_VOID(call.budget.charge_text(call.self.weight() * 3));
  const bool is_single = call.self.is_string() || call.self.is_number() || call.self.is_none();
  if (is_single) return Value::string(url_quoted(to_text(call.self), false));
  Value pairs = call.self;
  if (call.self.as_dict() != nullptr) {
    HEARTH_TRY(pairs, call_method(*find_method(call.self, "items"), call.self, {}, call.runtime));
  }
  HEARTH_TRY(const auto list, iterate(pairs, call.budget));
  std::string out;
  for (const Value& item : list->items) {
    HEARTH_TRY(const auto pair, iterate(item, call.budget));
    if (pair->items.size() != 2) return call.wrong("needs pairs of key and value");
    if (!out.empty()) out += '&';
    out +=
        url_quoted(to_text(pair->items[0]), true) + "=" + url_quoted(to_text(pair->items[1]), true);
  }
  return Value::string(std::move(out));
}

/// A dict as the attributes of a tag; entries that are none or undefined are left out.
Result<Value> filter_xmlattr(const Call& call) {
  const Dict* dict = call.self.as_dict();
  if (dict == nullptr) return call.wrong("needs a dict, not " + call.self.describe());
  HEARTH_TRY_VOID(call.budget.charge_text(call.self.weight() * 6));
  const bool leads = !call.given(0) || call.truth(0);
  std::string out;
  for (const auto& [key, value] : dict->entries) {
    if (value.is_none() || value.is_undefined()) continue;
    const auto escaped = [](const Value& v) {
      return v.is_markup() ? *v.as_string() : escape_html(to_text(v));
    };
    const std::string name = to_text(key);
    if (name.find_first_of(" \t\n\r\f\v/>=") != std::string::npos) {
      return call.wrong("'" + name + "' is no name of an attribute");
    }
    if (leads || !out.empty()) out += ' ';
    out += escaped(key) + "=\"" + escaped(value) + "\"";
  }
  return Value::string(std::move(out));
}

constexpr Function kHtmlFilters[] = {
    {"e", {}, filter_escape},
    {"escape", {}, filter_escape},
    {"forceescape", {}, filter_forceescape},
    {"safe", {}, filter_safe},
    {"urlencode", {}, filter_urlencode},
    {"xmlattr", {.names = {"autospace"}}, filter_xmlattr},
};

}  // namespace

std::span<const Function> html_filters() { return kHtmlFilters; }

}  // namespace hearth::text::jinja

// Normalizer: each step as the `tokenizers` library defines it.
#include "text/normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

#include "text/byte_level.h"
#include "text/utf8.h"
#include "text/white_space.h"

namespace hearth::text {
namespace {

// Compatibility decomposition makes 11 bytes of one at most, the byte-level alphabet 2.
constexpr std::size_t kGrowthMax = 64;
constexpr std::size_t kAlwaysAllowedBytes = std::size_t{16} << 20;

tl::unexpected<Error> too_long(std::size_t bytes_max) {
  return fail(ErrorCode::kResourceExhausted,
              "the normalizer makes more than " + std::to_string(bytes_max) + " bytes of the text");
}

/// How often `pattern` occurs, from left to right.
std::size_t count_occurrences(std::string_view text, std::string_view pattern) {
  std::size_t count = 0;
  for (std::size_t at = text.find(pattern); at != std::string_view::npos;
       at = text.find(pattern, at + pattern.size())) {
    ++count;
  }
  return count;
}

/// Ranges of capital letters younger than utf8proc's tables (Unicode 15), with the distance to
/// their small letters.
struct YoungCapitals {
  char32_t first;
  char32_t last;
  std::int32_t distance;
};
constexpr YoungCapitals kYoungCapitals[] = {
    {0x1C89, 0x1C89, 1},      {0xA7CB, 0xA7CB, 0x264 - 0xA7CB},
    {0xA7CC, 0xA7CC, 1},      {0xA7CE, 0xA7CE, 1},
    {0xA7D2, 0xA7D2, 1},      {0xA7D4, 0xA7D4, 1},
    {0xA7DA, 0xA7DA, 1},      {0xA7DC, 0xA7DC, 0x19B - 0xA7DC},
    {0x10D50, 0x10D65, 0x20}, {0x16EA0, 0x16EB8, 0x1B},
};

/// One letter's small form, of Unicode 17 as in the library: mappings to one letter, and "İ".
void append_lowercase(char32_t c, std::string& out) {
  constexpr char32_t kCapitalDottedI = 0x130;
  if (c == kCapitalDottedI) {
    out += "i\u0307";
    return;
  }
  for (const YoungCapitals& range : kYoungCapitals) {
    if (c >= range.first && c <= range.last) {
      utf8_append(out, static_cast<char32_t>(static_cast<std::int32_t>(c) + range.distance));
      return;
    }
  }
  utf8_append(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
}

/// What Nmt makes of a character; nothing where it takes it away.
std::optional<char32_t> nmt(char32_t c) {
  if ((c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F ||
      c == 0x9F) {
    return std::nullopt;
  }
  if (c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
      (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF ||
      c == 0xFFFD) {
    return U' ';
  }
  return c;
}

/// Calls `visit(code_point)` for each character.
template <class Visit>
void for_each_character(std::string_view text, const Visit& visit) {
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    visit(step.code_point);
    text.remove_prefix(step.length);
  }
}

}  // namespace

bool replace_all(std::string_view text, std::string_view pattern, std::string_view content,
                 std::string& out) {
  std::size_t found = text.find(pattern);
  if (found == std::string_view::npos) return false;
  out.clear();
  out.reserve(text.size() + text.size() / 4);
  std::size_t done = 0;
  for (; found != std::string_view::npos; found = text.find(pattern, done)) {
    out += text.substr(done, found - done);
    out += content;
    done = found + pattern.size();
  }
  out += text.substr(done);
  return true;
}

// ------------------------------------------------------------------------------------- reading

Result<Normalizer> Normalizer::from_json(const Json& value, const std::string& source) {
  Normalizer normalizer;
  if (!value.is_null()) HEARTH_TRY_VOID(normalizer.add(value, source + ": normalizer"));
  return normalizer;
}

Result<void> Normalizer::add(const Json& value, const std::string& where) {
  if (!value.is_object()) return fail(ErrorCode::kCorrupt, where + ": expected an object");
  const JsonReader reader(value, where);
  HEARTH_TRY(const std::string type, reader.string("type"));
  if (type == "Sequence") {
    const auto list = value.find("normalizers");
    if (list == value.end() || !list->is_array()) {
      return fail(ErrorCode::kCorrupt, where + ".normalizers: expected a list");
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
      HEARTH_TRY_VOID(add((*list)[i], where + ".normalizers[" + std::to_string(i) + "]"));
    }
    return {};
  }
  constexpr std::array<std::pair<std::string_view, NormalForm>, 4> kForms{
      {{"NFC", NormalForm::kNfc},
       {"NFD", NormalForm::kNfd},
       {"NFKC", NormalForm::kNfkc},
       {"NFKD", NormalForm::kNfkd}}};
  for (const auto& [name, form] : kForms) {
    if (type == name) {
      steps_.emplace_back(Form{form});
      return {};
    }
  }
  if (type == "Lowercase") {
    steps_.emplace_back(Lowercase{});
  } else if (type == "Nmt") {
    steps_.emplace_back(Nmt{});
  } else if (type == "StripAccents") {
    steps_.emplace_back(StripAccents{});
  } else if (type == "ByteLevel") {
    steps_.emplace_back(ByteLevel{});
  } else if (type == "Strip") {
    HEARTH_TRY(const bool left, reader.boolean("strip_left"));
    HEARTH_TRY(const bool right, reader.boolean("strip_right"));
    steps_.emplace_back(Strip{left, right});
  } else if (type == "Prepend") {
    HEARTH_TRY(std::string text, reader.string("prepend"));
    steps_.emplace_back(Prepend{std::move(text)});
  } else if (type == "Replace") {
    return add_replace(value, where);
  } else {
    return fail(ErrorCode::kUnsupported,
                where + ".type: " + type +
                    " is not supported (NFC, NFD, NFKC, NFKD, Lowercase, Nmt, Strip, StripAccents, "
                    "Prepend, Replace, ByteLevel and Sequence are)");
  }
  return {};
}

Result<void> Normalizer::add_replace(const Json& value, const std::string& where) {
  const JsonReader reader(value, where);
  HEARTH_TRY(const JsonReader pattern, reader.object("pattern"));
  HEARTH_TRY(std::string content, reader.string("content"));
  std::string text;
  if (pattern.has("String")) {
    HEARTH_TRY(text, pattern.string("String"));
    if (!text.empty()) {
      steps_.emplace_back(ReplaceText{std::move(text), std::move(content)});
      return {};
    }
  } else {
    HEARTH_TRY(text, pattern.string("Regex"));
  }
  auto regex = Regex::compile(text);
  if (!regex) return fail_within(where + ".pattern", regex.error());
  steps_.emplace_back(ReplaceRegex{std::move(*regex), std::move(content)});
  return {};
}

bool Normalizer::keeps_begin() const {
  return std::all_of(steps_.begin(), steps_.end(), [](const Step& step) {
    if (const auto* replace = std::get_if<ReplaceText>(&step)) {
      return !replace->content.empty() && utf8_length(replace->pattern) == 1;
    }
    return !std::holds_alternative<Strip>(step) && !std::holds_alternative<StripAccents>(step) &&
           !std::holds_alternative<Nmt>(step) && !std::holds_alternative<ReplaceRegex>(step);
  });
}

bool Normalizer::spells_bytes() const {
  return std::any_of(steps_.begin(), steps_.end(),
                     [](const Step& step) { return std::holds_alternative<ByteLevel>(step); });
}

// ------------------------------------------------------------------------------------ applying

Result<std::string_view> Normalizer::apply(std::string_view text, std::string& storage) const {
  std::string other;
  const std::size_t bytes_max = std::max(kAlwaysAllowedBytes, text.size() * kGrowthMax);
  for (const Step& step : steps_) {
    // The result of the step before may lie in `storage`, so that the next goes into `other`.
    HEARTH_TRY(
        const bool changed,
        std::visit([&](const auto& kind) { return run(kind, text, bytes_max, other); }, step));
    if (!changed) continue;
    if (other.size() > bytes_max) return too_long(bytes_max);
    storage.swap(other);
    text = storage;
  }
  return text;
}

Result<bool> Normalizer::run(const Form& step, std::string_view text, std::size_t,
                             std::string& out) {
  return to_normal_form(step.form, text, out);
}

Result<bool> Normalizer::run(const Lowercase&, std::string_view text, std::size_t,
                             std::string& out) {
  out.clear();
  for_each_character(text, [&](char32_t c) {
    if (c < 0x80) {
      out += static_cast<char>(c >= U'A' && c <= U'Z' ? c + 0x20 : c);
    } else {
      append_lowercase(c, out);
    }
  });
  return true;
}

Result<bool> Normalizer::run(const Nmt&, std::string_view text, std::size_t, std::string& out) {
  out.clear();
  for_each_character(text, [&](char32_t c) {
    if (const auto kept = nmt(c)) utf8_append(out, *kept);
  });
  return true;
}

Result<bool> Normalizer::run(const Strip& step, std::string_view text, std::size_t,
                             std::string& out) {
  if (step.left) text.remove_prefix(leading_white_space(text));
  if (step.right) text.remove_suffix(trailing_white_space(text));
  out = text;
  return true;
}

Result<bool> Normalizer::run(const StripAccents&, std::string_view text, std::size_t,
                             std::string& out) {
  out.clear();
  for_each_character(text, [&](char32_t c) {
    if (c < 0x300 || !is_combining_mark(c)) utf8_append(out, c);
  });
  return true;
}

Result<bool> Normalizer::run(const Prepend& step, std::string_view text, std::size_t,
                             std::string& out) {
  if (text.empty()) return false;
  out = step.text;
  out += text;
  return true;
}

Result<bool> Normalizer::run(const ReplaceText& step, std::string_view text, std::size_t bytes_max,
                             std::string& out) {
  // Counting is worth its time only where the result could be too long.
  const std::size_t places_max = bytes_max / (step.content.size() + 1);
  if (text.size() / step.pattern.size() > places_max &&
      count_occurrences(text, step.pattern) > places_max) {
    return too_long(bytes_max);
  }
  return replace_all(text, step.pattern, step.content, out);
}

Result<bool> Normalizer::run(const ReplaceRegex& step, std::string_view text, std::size_t bytes_max,
                             std::string& out) {
  if (text.empty()) return false;
  Regex::Matcher matcher(step.pattern, text);
  out.clear();
  std::size_t done = 0;
  bool changed = false;
  for (Span match;; changed = true) {
    HEARTH_TRY(const bool found, matcher.next(match));
    if (!found) break;
    out += text.substr(done, match.begin - done);
    out += step.content;
    done = match.end;
    if (out.size() > bytes_max) return too_long(bytes_max);
  }
  out += text.substr(done);
  return changed;
}

Result<bool> Normalizer::run(const ByteLevel&, std::string_view text, std::size_t,
                             std::string& out) {
  out = byte_level_encode(text);
  return true;
}

}  // namespace hearth::text

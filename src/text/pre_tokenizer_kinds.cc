#include "text/pre_tokenizer_kinds.h"

#include <array>
#include <charconv>

#include "text/json_fields.h"
#include "text/punctuation_table.h"

namespace hearth::text {
namespace {

// \w of the regular expressions in which the library writes Whitespace; not Oniguruma's. Letters
// are named beside Alphabetic, which PCRE2 knows for older characters alone.
constexpr std::string_view kWordCharacters =
    R"(\p{Alphabetic}\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{200c}\x{200d})";

// Rust's char::is_numeric: general category N of Unicode 17, one version after that of patterns.
constexpr std::string_view kNumeric = R"([\p{N}\x{11de0}-\x{11de9}\x{16ff4}-\x{16ff6}])";

/// A code point as patterns spell it: \x{200c}.
std::string code_point_pattern(char32_t c) {
  std::array<char, 8> digits{};
  const auto end =
      std::to_chars(digits.begin(), digits.end(), static_cast<std::uint32_t>(c), 16).ptr;
  return "\\x{" + std::string(digits.begin(), end) + "}";
}

std::string punctuation_pattern() {
  std::string pattern = "[";
  for (const auto [first, last] : kPunctuation) {
    pattern += code_point_pattern(first) + "-" + code_point_pattern(last);
  }
  return pattern + "]";
}

}  // namespace

Result<SplitBehavior> read_behavior(const JsonReader& reader, const std::string& where) {
  HEARTH_TRY(const std::string name, reader.string("behavior"));
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  return fail(ErrorCode::kCorrupt, where +
                                       ".behavior: expected Removed, Isolated, MergedWithPrevious, "
                                       "MergedWithNext or Contiguous, found " +
                                       name);
}

std::string escape_pattern(std::string_view literal) {
  std::string out;
  for (const char c : literal) {
    constexpr std::string_view kMeta = "\\^$.[]|()?*+{}&-/";
    if (kMeta.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

Result<std::vector<PatternCut>> pattern_cuts(const JsonReader& reader, const std::string& where,
                                             std::string_view type) {
  using enum SplitBehavior;
  std::vector<PatternCut> cuts;
  if (type == "Digits") {
    HEARTH_TRY(const bool individual, reader.boolean_or("individual_digits", false));
    cuts.push_back({std::string(kNumeric), individual ? kIsolated : kContiguous});
  } else if (type == "Whitespace") {
    const std::string word(kWordCharacters);
    cuts.push_back({"[" + word + "]+|[^\\s" + word + "]+", kRemoved, true});
  } else if (type == "WhitespaceSplit") {
    cuts.push_back({R"(\s)", kRemoved});
  } else if (type == "Punctuation") {
    SplitBehavior behavior = kIsolated;
    if (reader.has("behavior")) {
      HEARTH_TRY(behavior, read_behavior(reader, where));
    }
    cuts.push_back({punctuation_pattern(), behavior});
  } else if (type == "BertPreTokenizer") {
    cuts.push_back({R"(\s)", kRemoved});
    cuts.push_back({punctuation_pattern(), kIsolated});
  } else if (type == "CharDelimiterSplit") {
    HEARTH_TRY(const std::string delimiter, read_character(reader, where, "delimiter"));
    cuts.push_back({escape_pattern(delimiter), kRemoved});
  }
  return cuts;
}

}  // namespace hearth::text

// PreTokenizer: the Split behaviours as the `tokenizers` library defines them.
#include "text/pre_tokenizer.h"

#include <algorithm>
#include <array>
#include <optional>

namespace hearth::text {
namespace {

struct Part {
  Span span;
  bool is_match = false;
};

/// The subject as alternating matches and gaps; a match may be empty, a gap is not.
Result<void> find_parts(Regex::Matcher& matcher, std::string_view subject, bool invert,
                        std::vector<Part>& parts) {
  parts.clear();
  matcher.reset(subject);
  std::size_t end = 0;
  for (Span match;;) {
    HEARTH_TRY(const bool found, matcher.next(match));
    if (!found) break;
    if (match.begin != end) parts.push_back({{end, match.begin}, invert});
    parts.push_back({match, !invert});
    end = match.end;
  }
  if (end != subject.size()) parts.push_back({{end, subject.size()}, invert});
  return {};
}

/// Joins parts with their neighbours as the behaviour says; afterwards each part is one piece.
void join_parts(std::vector<Part>& parts, SplitBehavior behavior) {
  if (behavior == SplitBehavior::kIsolated) return;
  if (behavior == SplitBehavior::kRemoved) {
    std::erase_if(parts, [](const Part& part) { return part.is_match; });
    return;
  }
  const bool backwards = behavior == SplitBehavior::kMergedWithNext;
  if (backwards) std::reverse(parts.begin(), parts.end());
  std::vector<Part> joined;
  bool previous_match = false;
  for (const Part& part : parts) {
    const bool join = behavior == SplitBehavior::kContiguous ? part.is_match == previous_match
                                                             : part.is_match && !previous_match;
    if (join && !joined.empty()) {
      Span& last = joined.back().span;
      (backwards ? last.begin : last.end) = backwards ? part.span.begin : part.span.end;
    } else {
      joined.push_back(part);
    }
    previous_match = part.is_match;
  }
  if (backwards) std::reverse(joined.begin(), joined.end());
  parts = std::move(joined);
}

void apply(const ScanRule& rule, std::vector<std::string_view>& pieces) {
  std::vector<std::string_view> out;
  std::array<std::string_view, 64> found;
  for (const std::string_view piece : pieces) {
    std::size_t at = 0;
    while (const std::size_t count = scan::next_pieces(rule.family, piece, at, found)) {
      out.insert(out.end(), found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count));
    }
  }
  pieces = std::move(out);
}

Result<void> apply(const SplitRule& rule, std::vector<std::string_view>& pieces) {
  std::vector<std::string_view> out;
  out.reserve(pieces.size());
  Regex::Matcher matcher(rule.regex, {});
  std::vector<Part> parts;
  for (const std::string_view piece : pieces) {
    HEARTH_TRY_VOID(find_parts(matcher, piece, rule.invert, parts));
    join_parts(parts, rule.behavior);
    for (const Part& part : parts) {
      if (part.span.end > part.span.begin) {
        out.push_back(piece.substr(part.span.begin, part.span.end - part.span.begin));
      }
    }
  }
  pieces = std::move(out);
  return {};
}

void apply_prefix_space(PreTokenizer::Pieces& pieces) {
  for (std::string_view& piece : pieces.views) {
    if (piece.front() == ' ') continue;
    pieces.storage.push_back(std::make_unique<std::string>(" " + std::string(piece)));
    piece = *pieces.storage.back();
  }
}

std::optional<SplitBehavior> behavior_from_name(std::string_view name) {
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  return std::nullopt;
}

/// A literal as a pattern that matches just it.
std::string escape_pattern(std::string_view literal) {
  std::string out;
  for (const char c : literal) {
    constexpr std::string_view kMeta = "\\^$.[]|()?*+{}&-/";
    if (kMeta.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

Result<Regex> compile(std::string_view pattern, const std::string& where) {
  auto regex = Regex::compile(pattern);
  if (!regex) return fail_within(where, regex.error());
  return regex;
}

}  // namespace

Result<PreTokenizer> PreTokenizer::from_json(const Json& value, const std::string& source) {
  PreTokenizer pre_tokenizer;
  const std::string where = source + ": pre_tokenizer";
  if (!value.is_object()) {
    return fail(ErrorCode::kUnsupported,
                where + ": expected ByteLevel or a Sequence that ends in it, found " +
                    (value.is_null() ? "none" : value.type_name()) +
                    "; only byte-level tokenizers are supported");
  }
  HEARTH_TRY_VOID(pre_tokenizer.add(value, where, true));
  return pre_tokenizer;
}

Result<void> PreTokenizer::add(const Json& value, const std::string& where, bool last) {
  if (!value.is_object()) return fail(ErrorCode::kCorrupt, where + ": expected an object");
  const JsonReader reader(value, where);
  HEARTH_TRY(const std::string type, reader.string("type"));
  if (type == "ByteLevel") {
    if (!last) {
      return fail(ErrorCode::kUnsupported,
                  where + ": ByteLevel is supported as the last pre-tokenizer only");
    }
    HEARTH_TRY(const bool prefix_space, reader.boolean_or("add_prefix_space", true));
    HEARTH_TRY(const bool use_regex, reader.boolean_or("use_regex", true));
    if (prefix_space) rules_.emplace_back(PrefixSpaceRule{});
    if (use_regex) rules_.emplace_back(ScanRule{scan::Family::kGpt2});
    return {};
  }
  if (type == "Sequence") {
    const auto list = value.find("pretokenizers");
    if (list == value.end() || !list->is_array() || list->empty()) {
      return fail(ErrorCode::kCorrupt, where + ".pretokenizers: expected a list that is not empty");
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
      HEARTH_TRY_VOID(add((*list)[i], where + ".pretokenizers[" + std::to_string(i) + "]",
                          last && i + 1 == list->size()));
    }
    return {};
  }
  if (last) {
    return fail(ErrorCode::kUnsupported, where + ": the last pre-tokenizer is " + type +
                                             ", expected ByteLevel; only byte-level tokenizers "
                                             "are supported");
  }
  if (type == "Split") return add_split(value, where);
  if (type == "Digits") {
    HEARTH_TRY(const bool individual, reader.boolean_or("individual_digits", false));
    HEARTH_TRY(Regex regex, compile(R"(\p{N})", where));
    rules_.emplace_back(
        SplitRule{std::move(regex),
                  individual ? SplitBehavior::kIsolated : SplitBehavior::kContiguous, false});
    return {};
  }
  return fail(ErrorCode::kUnsupported, where + ".type: " + type +
                                           " is not supported (Split, Digits, ByteLevel and "
                                           "Sequence are)");
}

Result<void> PreTokenizer::add_split(const Json& value, const std::string& where) {
  const JsonReader reader(value, where);
  HEARTH_TRY(const JsonReader pattern, reader.object("pattern"));
  std::string text;
  if (pattern.has("Regex")) {
    HEARTH_TRY(text, pattern.string("Regex"));
  } else {
    HEARTH_TRY(const std::string literal, pattern.string("String"));
    if (literal.empty()) {
      return fail(ErrorCode::kUnsupported, where + ".pattern.String: an empty string");
    }
    text = escape_pattern(literal);
  }
  HEARTH_TRY(const std::string behavior_name, reader.string("behavior"));
  const auto behavior = behavior_from_name(behavior_name);
  if (!behavior) {
    return fail(ErrorCode::kCorrupt,
                where +
                    ".behavior: expected Removed, Isolated, MergedWithPrevious, "
                    "MergedWithNext or Contiguous, found " +
                    behavior_name);
  }
  HEARTH_TRY(const bool invert, reader.boolean_or("invert", false));
  // The scanners' patterns match everywhere: as long as no match is removed or joined, how the
  // matches and the gaps between them are treated makes no difference.
  const bool keeps_matches =
      *behavior == (invert ? SplitBehavior::kRemoved : SplitBehavior::kIsolated);
  if (const auto family = scan::family_of(text); family && keeps_matches) {
    rules_.emplace_back(ScanRule{*family});
    return {};
  }
  HEARTH_TRY(Regex regex, compile(text, where + ".pattern"));
  rules_.emplace_back(SplitRule{std::move(regex), *behavior, invert});
  return {};
}

std::optional<scan::Family> PreTokenizer::only_scanner() const {
  if (rules_.size() != 1) return std::nullopt;
  const auto* const rule = std::get_if<ScanRule>(&rules_[0]);
  return rule == nullptr ? std::nullopt : std::optional(rule->family);
}

Result<PreTokenizer::Pieces> PreTokenizer::run(std::string_view text) const {
  Pieces pieces;
  if (text.empty()) return pieces;
  pieces.views.push_back(text);
  for (const auto& rule : rules_) {
    if (const auto* split = std::get_if<SplitRule>(&rule)) {
      HEARTH_TRY_VOID(apply(*split, pieces.views));
    } else if (const auto* scan = std::get_if<ScanRule>(&rule)) {
      apply(*scan, pieces.views);
    } else {
      apply_prefix_space(pieces);
    }
  }
  return pieces;
}

}  // namespace hearth::text

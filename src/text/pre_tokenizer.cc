// PreTokenizer: each kind as the `tokenizers` library defines it.
#include "text/pre_tokenizer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "text/byte_level.h"
#include "text/normalizer.h"
#include "text/utf8.h"

namespace hearth::text {
namespace {

// Each doubles the text.
constexpr std::ptrdiff_t kByteLevelsMax = 4;

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

/// Puts new pieces in the place of the old ones, of which they are parts.
void replace_pieces(PreTokenizer::Pieces& pieces, std::vector<std::string_view> parts) {
  pieces.at_begin =
      pieces.at_begin && !parts.empty() && parts.front().data() == pieces.views.front().data();
  pieces.views = std::move(parts);
}

/// Puts a text of its own in the place of a piece.
void replace_piece(PreTokenizer::Pieces& pieces, std::size_t index, std::string text) {
  pieces.storage.push_back(std::make_unique<std::string>(std::move(text)));
  pieces.views[index] = *pieces.storage.back();
}

Result<void> apply(const ScanRule& rule, PreTokenizer::Pieces& pieces) {
  std::vector<std::string_view> out;
  std::array<std::string_view, 64> found;
  for (const std::string_view piece : pieces.views) {
    std::size_t at = 0;
    while (const std::size_t count = scan::next_pieces(rule.family, piece, at, found)) {
      out.insert(out.end(), found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count));
    }
  }
  replace_pieces(pieces, std::move(out));
  return {};
}

Result<void> apply(const SplitRule& rule, PreTokenizer::Pieces& pieces) {
  std::vector<std::string_view> out;
  out.reserve(pieces.views.size());
  Regex::Matcher matcher(rule.regex, {});
  std::vector<Part> parts;
  for (const std::string_view piece : pieces.views) {
    HEARTH_TRY_VOID(find_parts(matcher, piece, rule.invert, parts));
    join_parts(parts, rule.behavior);
    for (const Part& part : parts) {
      if (part.span.end > part.span.begin) {
        out.push_back(piece.substr(part.span.begin, part.span.end - part.span.begin));
      }
    }
  }
  replace_pieces(pieces, std::move(out));
  return {};
}

Result<void> apply(const LengthRule& rule, PreTokenizer::Pieces& pieces) {
  std::vector<std::string_view> out;
  for (const std::string_view piece : pieces.views) {
    std::size_t begin = 0;
    std::size_t count = 0;
    for (std::size_t at = 0; at < piece.size();) {
      at += utf8_step(piece.substr(at)).length;
      if (++count % rule.characters != 0 && at < piece.size()) continue;
      out.push_back(piece.substr(begin, at - begin));
      begin = at;
    }
  }
  replace_pieces(pieces, std::move(out));
  return {};
}

Result<void> apply(const PrefixSpaceRule&, PreTokenizer::Pieces& pieces) {
  for (std::size_t i = 0; i < pieces.views.size(); ++i) {
    if (pieces.views[i].front() != ' ') {
      replace_piece(pieces, i, " " + std::string(pieces.views[i]));
    }
  }
  return {};
}

Result<void> apply(const SpellRule&, PreTokenizer::Pieces& pieces) {
  for (std::size_t i = 0; i < pieces.views.size(); ++i) {
    replace_piece(pieces, i, byte_level_encode(pieces.views[i]));
  }
  return {};
}

Result<void> apply(const MetaspaceRule& rule, PreTokenizer::Pieces& pieces) {
  for (std::size_t i = 0; i < pieces.views.size(); ++i) {
    std::string text;
    if (!replace_all(pieces.views[i], " ", rule.metaspace.replacement, text))
      text = pieces.views[i];
    const bool prepends =
        rule.metaspace.prepend == Metaspace::Prepend::kAlways ||
        (rule.metaspace.prepend == Metaspace::Prepend::kFirst && i == 0 && pieces.at_begin);
    if (prepends && !text.starts_with(rule.metaspace.replacement))
      text.insert(0, rule.metaspace.replacement);
    replace_piece(pieces, i, std::move(text));
  }
  return {};
}

/// Calls `visit(leaf)` for each pre-tokenizer that is no Sequence, until it returns false.
template <class Visit>
void for_each_leaf(const Json& value, const Visit& visit) {
  if (!value.is_object()) return;
  if (value.value("type", Json()) != "Sequence") {
    visit(value);
    return;
  }
  const auto list = value.find("pretokenizers");
  if (list == value.end() || !list->is_array()) return;
  for (const Json& item : *list) for_each_leaf(item, visit);
}

}  // namespace

Result<PreTokenizer> PreTokenizer::from_json(const Json& value, const std::string& source,
                                             Spelling spelling) {
  PreTokenizer pre_tokenizer;
  if (!value.is_null()) {
    HEARTH_TRY_VOID(pre_tokenizer.add(value, source + ": pre_tokenizer", spelling));
  }
  return pre_tokenizer;
}

bool PreTokenizer::ends_in_byte_level(const Json& value) {
  int byte_levels = 0;
  bool is_last = false;
  for_each_leaf(value, [&](const Json& leaf) {
    is_last = leaf.value("type", Json()) == "ByteLevel";
    if (is_last) ++byte_levels;
  });
  return is_last && byte_levels == 1;
}

Result<void> PreTokenizer::add(const Json& value, const std::string& where, Spelling spelling) {
  if (!value.is_object()) return fail(ErrorCode::kCorrupt, where + ": expected an object");
  const JsonReader reader(value, where);
  HEARTH_TRY(const std::string type, reader.string("type"));
  if (type == "Sequence") {
    const auto list = value.find("pretokenizers");
    if (list == value.end() || !list->is_array()) {
      return fail(ErrorCode::kCorrupt, where + ".pretokenizers: expected a list");
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
      HEARTH_TRY_VOID(
          add((*list)[i], where + ".pretokenizers[" + std::to_string(i) + "]", spelling));
    }
    return {};
  }
  if (type == "Split") return add_split(reader, where);
  if (type == "ByteLevel") return add_byte_level(reader, where, spelling);
  if (type == "Metaspace") return add_metaspace(reader, where);
  if (type == "FixedLength") {
    HEARTH_TRY(const std::int64_t length, reader.integer_or("length", 5, 1, 1 << 30));
    rules_.emplace_back(LengthRule{static_cast<std::size_t>(length)});
    return {};
  }
  HEARTH_TRY(const std::vector<PatternCut> cuts, pattern_cuts(reader, where, type));
  if (cuts.empty()) {
    return fail(
        ErrorCode::kUnsupported,
        where + ".type: " + type +
            " is not supported (Split, ByteLevel, Metaspace, Digits, Punctuation, "
            "Whitespace, WhitespaceSplit, BertPreTokenizer, CharDelimiterSplit, FixedLength "
            "and Sequence are)");
  }
  for (const PatternCut& cut : cuts) HEARTH_TRY_VOID(add_cut(cut, where));
  return {};
}

Result<void> PreTokenizer::add_byte_level(const JsonReader& reader, const std::string& where,
                                          Spelling spelling) {
  HEARTH_TRY(const bool prefix_space, reader.boolean_or("add_prefix_space", true));
  HEARTH_TRY(const bool use_regex, reader.boolean_or("use_regex", true));
  if (prefix_space) rules_.emplace_back(PrefixSpaceRule{});
  if (use_regex) rules_.emplace_back(ScanRule{scan::Family::kGpt2});
  if (spelling == Spelling::kCharacters) rules_.emplace_back(SpellRule{});
  const auto is_spelling = [](const Rule& rule) { return std::holds_alternative<SpellRule>(rule); };
  if (std::count_if(rules_.begin(), rules_.end(), is_spelling) <= kByteLevelsMax) return {};
  return fail(ErrorCode::kUnsupported, where + ": more than " + std::to_string(kByteLevelsMax) +
                                           " pre-tokenizers of type ByteLevel");
}

Result<void> PreTokenizer::add_metaspace(const JsonReader& reader, const std::string& where) {
  HEARTH_TRY(Metaspace metaspace, read_metaspace(reader, where));
  const std::string cut = escape_pattern(metaspace.replacement);
  const bool split = metaspace.split;
  rules_.emplace_back(MetaspaceRule{std::move(metaspace)});
  if (!split) return {};
  return add_cut({cut, SplitBehavior::kMergedWithNext}, where);
}

Result<void> PreTokenizer::add_split(const JsonReader& reader, const std::string& where) {
  HEARTH_TRY(const JsonReader pattern, reader.object("pattern"));
  PatternCut cut;
  if (pattern.has("Regex")) {
    HEARTH_TRY(cut.pattern, pattern.string("Regex"));
  } else {
    HEARTH_TRY(const std::string literal, pattern.string("String"));
    cut.pattern = escape_pattern(literal);
  }
  HEARTH_TRY(cut.behavior, read_behavior(reader, where));
  HEARTH_TRY(cut.invert, reader.boolean_or("invert", false));
  return add_cut(cut, where + ".pattern");
}

Result<void> PreTokenizer::add_cut(const PatternCut& cut, const std::string& where) {
  // The scanners' patterns match everywhere: as long as no match is removed or joined, how the
  // matches and the gaps between them are treated makes no difference.
  const bool keeps_matches =
      cut.behavior == (cut.invert ? SplitBehavior::kRemoved : SplitBehavior::kIsolated);
  if (const auto family = scan::family_of(cut.pattern); family && keeps_matches) {
    rules_.emplace_back(ScanRule{*family});
    return {};
  }
  auto regex = Regex::compile(cut.pattern);
  if (!regex) return fail_within(where, regex.error());
  rules_.emplace_back(SplitRule{std::move(*regex), cut.behavior, cut.invert});
  return {};
}

std::optional<scan::Family> PreTokenizer::only_scanner() const {
  if (rules_.size() != 1) return std::nullopt;
  const auto* const rule = std::get_if<ScanRule>(&rules_[0]);
  return rule == nullptr ? std::nullopt : std::optional(rule->family);
}

bool PreTokenizer::asks_for_begin() const {
  return std::any_of(rules_.begin(), rules_.end(), [](const Rule& rule) {
    const auto* const metaspace = std::get_if<MetaspaceRule>(&rule);
    return metaspace != nullptr && metaspace->metaspace.prepend == Metaspace::Prepend::kFirst;
  });
}

Result<PreTokenizer::Pieces> PreTokenizer::run(std::string_view text, bool at_begin) const {
  Pieces pieces;
  if (text.empty()) return pieces;
  pieces.views.push_back(text);
  pieces.at_begin = at_begin;
  for (const Rule& rule : rules_) {
    if (pieces.views.empty()) break;
    HEARTH_TRY_VOID(std::visit([&](const auto& kind) { return apply(kind, pieces); }, rule));
  }
  return pieces;
}

}  // namespace hearth::text

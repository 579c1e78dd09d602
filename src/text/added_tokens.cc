// AddedTokens: two tries, one for each pass over the text.
#include "text/added_tokens.h"

#include <algorithm>

#include "text/utf8.h"
#include "text/white_space.h"

namespace hearth::text {
namespace {

/// The last character of valid UTF-8.
std::string_view last_character(std::string_view text) {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return text.substr(begin);
}

/// Whether the pattern matches at all. A failing match cannot happen for one character.
bool matches(const Regex& regex, std::string_view text) {
  Regex::Matcher matcher(regex, text);
  Span span;
  const auto found = matcher.next(span);
  return found && *found;
}

// Word characters of the regular expressions in which the library writes this rule. Letters are
// named beside Alphabetic, which PCRE2 knows for older characters alone.
constexpr std::string_view kWordBegin =
    R"(\A[\p{Alphabetic}\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{200c}\x{200d}])";

}  // namespace

Result<AddedTokens> AddedTokens::create(std::vector<AddedToken> tokens) {
  AddedTokens added;
  added.tokens_ = std::move(tokens);
  for (std::size_t i = 0; i < added.tokens_.size(); ++i) {
    const AddedToken& token = added.tokens_[i];
    insert(token.normalized ? added.normalized_ : added.plain_, token.searched,
           static_cast<std::int32_t>(i));
    if (!token.normalized) {
      added.longest_bytes_ = std::max(added.longest_bytes_, token.searched.size());
    }
    if (token.single_word && !added.word_) {
      HEARTH_TRY(Regex regex, Regex::compile(kWordBegin));
      added.word_ = std::move(regex);
    }
  }
  return added;
}

void AddedTokens::insert(Trie& trie, const std::string& content, std::int32_t token) {
  const auto first = static_cast<unsigned char>(content.front());
  if (!trie.is_first[first]) trie.first_bytes += content.front();
  trie.is_first[first] = true;
  std::size_t node = 0;
  for (const char c : content) {
    const auto byte = static_cast<unsigned char>(c);
    auto& children = trie.nodes[node].children;
    const auto child = std::find_if(children.begin(), children.end(),
                                    [&](const auto& entry) { return entry.first == byte; });
    if (child != children.end()) {
      node = static_cast<std::size_t>(child->second);
      continue;
    }
    const std::size_t fresh = trie.nodes.size();
    children.emplace_back(byte, static_cast<std::int32_t>(fresh));
    trie.nodes.emplace_back();
    node = fresh;
  }
  trie.nodes[node].token = token;
}

/// The next place where a token may begin; the end of the text when there is none.
std::size_t AddedTokens::Trie::next_begin(std::string_view text, std::size_t from) const {
  if (first_bytes.empty()) return text.size();
  if (first_bytes.size() == 1) return std::min(text.find(first_bytes[0], from), text.size());
  while (from < text.size() && !is_first[static_cast<unsigned char>(text[from])]) ++from;
  return from;
}

std::optional<AddedTokens::Match> AddedTokens::find(const Trie& trie, std::string_view text,
                                                    std::size_t from) {
  for (std::size_t begin = trie.next_begin(text, from); begin < text.size();
       begin = trie.next_begin(text, begin + 1)) {
    Match longest{begin, begin, -1};
    std::size_t node = 0;
    for (std::size_t i = begin; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      const auto& children = trie.nodes[node].children;
      const auto child = std::find_if(children.begin(), children.end(),
                                      [&](const auto& entry) { return entry.first == byte; });
      if (child == children.end()) break;
      node = static_cast<std::size_t>(child->second);
      if (trie.nodes[node].token >= 0) longest = {begin, i + 1, trie.nodes[node].token};
    }
    if (longest.token >= 0) return longest;
  }
  return std::nullopt;
}

bool AddedTokens::is_single_word(std::string_view text, const Match& match) const {
  const std::string_view before = text.substr(0, match.begin);
  const std::string_view after = text.substr(match.end);
  return (before.empty() || !matches(*word_, last_character(before))) &&
         (after.empty() || !matches(*word_, after.substr(0, utf8_step(after).length)));
}

void AddedTokens::split_by(const Trie& trie, std::string_view text, std::size_t from,
                           bool parse_special, std::vector<AddedSegment>& out) const {
  std::size_t done = from;  // everything before is in `out`
  const auto emit_text = [&](std::size_t end) {
    if (done < end) out.push_back({std::nullopt, text.substr(done, end - done), 0});
  };
  while (const auto match = find(trie, text, from)) {
    from = match->end;
    const AddedToken& token = tokens_[static_cast<std::size_t>(match->token)];
    if (token.special && !parse_special) continue;
    if (token.single_word && !is_single_word(text, *match)) continue;
    std::size_t begin = match->begin;
    std::size_t end = match->end;
    if (token.lstrip) {
      begin = std::max(begin - trailing_white_space(text.substr(0, begin)), done);
    }
    if (token.rstrip) end += leading_white_space(text.substr(end));
    emit_text(begin);
    out.push_back({token.id, {}, end == match->end ? end : 0});
    done = end;
  }
  emit_text(text.size());
}

}  // namespace hearth::text

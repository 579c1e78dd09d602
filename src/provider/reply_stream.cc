#include "provider/reply_stream.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hearth::provider {
namespace {

constexpr std::array<std::string_view, 3> kWrappers = {"<|tool_call|>", "<tool_call>", "functools"};
constexpr std::array<std::string_view, 6> kCallKeys = {"name", "arguments", "parameters",
                                                       "type", "function",  "id"};

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

void skip_spaces(std::string_view& text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
}

bool one_begins_the_other(std::string_view a, std::string_view b) {
  const std::size_t length = std::min(a.size(), b.size());
  return a.substr(0, length) == b.substr(0, length);
}

/// `text` begins with [ or {: could it go on as a list of calls or a call? Only its first key
/// decides.
bool may_be_call_json(std::string_view text) {
  if (text.front() == '[') {
    text.remove_prefix(1);
    skip_spaces(text);
    if (text.empty()) return true;
    if (text.front() != '{') return false;
  }
  text.remove_prefix(1);
  skip_spaces(text);
  if (text.empty()) return true;
  if (text.front() != '"') return false;
  text.remove_prefix(1);
  const std::size_t quote = text.find('"');
  return std::any_of(kCallKeys.begin(), kCallKeys.end(), [&](std::string_view key) {
    return quote == std::string_view::npos
               ? one_begins_the_other(text, key) && text.size() <= key.size()
               : text.substr(0, quote) == key;
  });
}

bool may_begin_call(std::string_view text) {
  if (text.front() == '[' || text.front() == '{') return may_be_call_json(text);
  return std::any_of(kWrappers.begin(), kWrappers.end(),
                     [&](std::string_view wrapper) { return one_begins_the_other(text, wrapper); });
}

}  // namespace

std::string ToolCallGate::push(std::string_view text) {
  held_ += text;
  std::size_t safe = 0;
  while (safe < held_.size()) {
    safe = held_.find_first_of("[{<f", safe);
    if (safe == std::string::npos) safe = held_.size();
    if (safe == held_.size() || may_begin_call(std::string_view(held_).substr(safe))) break;
    ++safe;
  }
  std::string passed = held_.substr(0, safe);
  held_.erase(0, safe);
  return passed;
}

std::string ToolCallGate::take_held() { return std::exchange(held_, {}); }

Result<ReplyStream> ReplyStream::create(text::Tokenizer tokenizer, std::vector<std::string> stops,
                                        bool hold_tool_calls) {
  HEARTH_TRY(auto matcher, text::StopMatcher::create(std::move(stops)));
  return ReplyStream(text::StreamDecoder(std::move(tokenizer)), std::move(matcher),
                     hold_tool_calls);
}

std::string ReplyStream::pass_gate(const std::string& text) {
  whole_ += text;
  return holds_ ? gate_.push(text) : text;
}

Result<ReplyStream::Piece> ReplyStream::push(TokenId token) {
  HEARTH_TRY(const std::string decoded, decoder_.push(token));
  const text::StopResult matched = matcher_.push(decoded);
  return Piece{pass_gate(matched.text), matched.matched.has_value()};
}

ReplyStream::Piece ReplyStream::finish() {
  const text::StopResult last = matcher_.push(decoder_.flush());
  return Piece{pass_gate(last.text + matcher_.flush()), last.matched.has_value()};
}

}  // namespace hearth::provider

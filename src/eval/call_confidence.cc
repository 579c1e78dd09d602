#include "eval/call_confidence.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/check.h"
#include "text/stream_decoder.h"

namespace hearth::eval {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

std::optional<Span> find_call_name(std::string_view reply, std::string_view name) {
  constexpr std::string_view kKey = "\"name\"";
  for (std::size_t key = reply.find(kKey); key != std::string_view::npos;
       key = reply.find(kKey, key + 1)) {
    std::size_t at = key + kKey.size();
    while (at < reply.size() && (is_space(reply[at]) || reply[at] == ':')) ++at;
    if (at >= reply.size() || reply[at] != '"') continue;
    const std::size_t begin = at + 1;
    if (reply.substr(begin, name.size()) != name) continue;
    const std::size_t end = begin + name.size();
    if (end < reply.size() && reply[end] == '"') return Span{begin, end};
  }
  return std::nullopt;
}

Result<std::vector<std::size_t>> token_ends(const text::Tokenizer& tokenizer,
                                            std::span<const TokenId> tokens) {
  text::StreamDecoder decoder(tokenizer);
  std::vector<std::size_t> ends;
  std::string text;
  for (const TokenId token : tokens) {
    HEARTH_TRY_VOID(decoder.push(token, text));
    ends.push_back(text.size());
  }
  return ends;
}

std::optional<double> confidence_in(Span span, std::span<const std::size_t> ends,
                                    std::span<const double> log_probabilities) {
  HEARTH_CHECK(ends.size() == log_probabilities.size());
  double sum = 0;
  std::size_t count = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (ends[i] > begin && begin < span.end && ends[i] > span.begin) {
      sum += log_probabilities[i];
      ++count;
    }
    begin = ends[i];
  }
  if (count == 0) return std::nullopt;
  return std::exp(sum / static_cast<double>(count));
}

}  // namespace hearth::eval

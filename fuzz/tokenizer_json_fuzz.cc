// Any bytes as tokenizer.json: refused with words, or a tokenizer that encodes and decodes anything
// and keeps its promises.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz_check.h"
#include "json_mutator.h"
#include "text/stream_decoder.h"
#include "text/tokenizer.h"

namespace {

using hearth::TokenId;
using hearth::text::StreamDecoder;
using hearth::text::Tokenizer;

constexpr std::array<std::string_view, 6> kTexts = {
    "",
    "the theme",
    " a  b\n\n\tc 123's",
    "\xE2\x98\x83 \xC3\xA9"
    "e\xCC\x81 \xE2\x96\x81x",
    "<s>x</s> [X] <0x41>",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xF0\x9F\x98\x80"};
constexpr std::size_t kDecodedIdsMax = 300;

void check_ids(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  for (const TokenId id : ids) {
    FUZZ_CHECK(id >= 0 && static_cast<std::size_t>(id) < tokenizer.vocab_size());
    FUZZ_CHECK(tokenizer.has_id(id));
  }
}

// A stream shows the same text as decoding all at once.
void check_decoded(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  for (const bool skip_special : {false, true}) {
    const auto whole = tokenizer.decode(ids, skip_special);
    StreamDecoder stream(tokenizer, skip_special);
    std::string streamed;
    bool refused = !whole;
    for (const TokenId id : ids) {
      const auto part = stream.push(id);
      if (!part) {
        refused = true;
        break;
      }
      streamed += *part;
    }
    if (refused) continue;
    streamed += stream.flush();
    FUZZ_CHECK(streamed == *whole);
  }
}

void check_tokens(const Tokenizer& tokenizer) {
  for (const std::string& token : tokenizer.special_tokens()) {
    const auto id = tokenizer.id_of(token);
    FUZZ_CHECK(id.has_value() && tokenizer.is_special(*id));
  }
}

// Takes a token with another id, one merge less, and a post-processor that still fits.
bool reached_deep(const Tokenizer& tokenizer) {
  hearth::text::EncodeOptions bare;
  bare.add_post_tokens = false;
  const auto with = tokenizer.encode("the");
  const auto without = tokenizer.encode("the", bare);
  return with && without && with->size() == without->size() + 1 && without->size() > 1 &&
         tokenizer.vocab_size() > 100;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  const auto tokenizer = Tokenizer::from_json(json, "tokenizer.json");
  if (!tokenizer) {
    FUZZ_CHECK(tokenizer.error().message.find("tokenizer.json") != std::string::npos);
    return 0;
  }
  check_tokens(*tokenizer);
  for (const std::string_view text : kTexts) {
    const auto ids = tokenizer->encode(text);
    if (!ids) continue;  // a pattern may need more steps than are allowed
    check_ids(*tokenizer, *ids);
    check_decoded(*tokenizer, *ids);
  }
  std::vector<TokenId> every(std::min(tokenizer->vocab_size(), kDecodedIdsMax));
  std::iota(every.begin(), every.end(), 0);
  check_decoded(*tokenizer, every);
  planted_bug_if(reached_deep(*tokenizer));
  return 0;
}

#include "runtime/test_feeding.h"

#include <gtest/gtest.h>

#include <span>

namespace hearth::runtime {

std::vector<TokenId> some_tokens(int count, int vocab, int start) {
  std::vector<TokenId> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back((i * 7919 + start) % (vocab - 20));
  return tokens;
}

Fed feed(engine::Executor& executor, const std::vector<TokenId>& tokens,
         const std::vector<std::size_t>& pieces, std::int64_t prompt_tokens) {
  Fed fed;
  const auto id = executor.open_sequence({prompt_tokens, static_cast<std::int64_t>(tokens.size())});
  EXPECT_TRUE(id) << id.error().message;
  if (!id) return fed;
  std::span<const TokenId> rest = tokens;
  for (const std::size_t piece : pieces) {
    const bool last = piece == rest.size();
    const auto result = executor.run({{engine::Segment{*id, rest.first(piece), last}}});
    EXPECT_TRUE(result) << result.error().message;
    if (!result) break;
    fed.logits = result->logits;
    fed.recomputed += result->recomputed_tokens;
    rest = rest.subspan(piece);
  }
  EXPECT_TRUE(rest.empty());
  executor.close_sequence(*id);
  return fed;
}

std::vector<float> feed_whole(engine::Executor& executor, const std::vector<TokenId>& tokens) {
  return feed(executor, tokens, {tokens.size()}, static_cast<std::int64_t>(tokens.size())).logits;
}

}  // namespace hearth::runtime

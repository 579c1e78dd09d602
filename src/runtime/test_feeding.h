// Tokens for tests of executors, and what an executor makes of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/token.h"
#include "engine/executor.h"

namespace hearth::runtime {

/// `count` plain tokens of a vocabulary; another `start` gives others.
std::vector<TokenId> some_tokens(int count, int vocab, int start = 13);

struct Fed {
  std::vector<float> logits;  ///< of the last token
  std::int64_t recomputed = 0;
};

/// Feeds `tokens` to a fresh sequence, of which `prompt_tokens` are its prompt, in pieces of these
/// sizes, which are all of them together. A failure fails the test.
Fed feed(engine::Executor& executor, const std::vector<TokenId>& tokens,
         const std::vector<std::size_t>& pieces, std::int64_t prompt_tokens);

/// The logits of the last of `tokens`, in one piece and all prompt.
std::vector<float> feed_whole(engine::Executor& executor, const std::vector<TokenId>& tokens);

}  // namespace hearth::runtime

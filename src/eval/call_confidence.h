// How sure a model was of the tool it called.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "text/tokenizer.h"

namespace hearth::eval {

/// Where the bytes [begin, end) of the first call's name are in a reply: the string behind the
/// first "name" key that is `name`. Nothing when it is not spelled there.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};
std::optional<Span> find_call_name(std::string_view reply, std::string_view name);

/// Where each token of a reply ends in its decoded text, in bytes: [tokens]. A token that completes
/// no character ends where the one before it does.
Result<std::vector<std::size_t>> token_ends(const text::Tokenizer& tokenizer,
                                            std::span<const TokenId> tokens);

/// The geometric mean of the probabilities of all tokens with a byte in `span`: exp of the mean of
/// their logarithms. Nothing when no token has. `ends` and `log_probabilities` are of the same
/// tokens.
std::optional<double> confidence_in(Span span, std::span<const std::size_t> ends,
                                    std::span<const double> log_probabilities);

}  // namespace hearth::eval

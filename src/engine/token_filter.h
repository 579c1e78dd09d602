// What may come next, as somebody outside of the decode loop knows it: a grammar, a schema.
#pragma once

#include "base/token.h"

namespace hearth::engine {

/// Asked while a token is chosen, told what was chosen. Belongs to one answer; used by the thread
/// that generates it. Stop tokens are asked about like any other.
class TokenFilter {
 public:
  TokenFilter() = default;
  virtual ~TokenFilter() = default;
  TokenFilter(const TokenFilter&) = delete;
  TokenFilter& operator=(const TokenFilter&) = delete;

  /// False: anything may come next, and allows() need not be asked.
  virtual bool restricts() const = 0;
  /// Whether `token` may come next. There must always be one that may.
  virtual bool allows(TokenId token) const = 0;
  /// `token` was chosen.
  virtual void accept(TokenId token) = 0;
};

}  // namespace hearth::engine

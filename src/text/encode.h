// Encoding over TokenizerData: from valid text to ids, from the begin or from a place where nothing
// before matters any more.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "text/tokenizer_data.h"

namespace hearth::text {

/// A place right behind an added token: what follows is encoded without regard to what was before.
struct EncodeCut {
  std::size_t text_bytes = 0;  ///< offset in the text
  std::size_t ids = 0;         ///< how many ids stand for what is before
};

/// Appends the ids of `utf8`, which must be valid, from `from` on: 0 or a cut of the same text.
/// Tokens of the post-processor are left out. Cuts met are appended to `cuts` where that is given,
/// counting the ids already in `ids`.
Result<void> encode_from(const TokenizerData& data, std::string_view utf8, std::size_t from,
                         bool parse_special, std::vector<TokenId>& ids,
                         std::vector<EncodeCut>* cuts);

/// kInvalidArgument for what encode_from() must not be given: too long, or not UTF-8 from `from`
/// on, naming the offset of the first invalid byte.
Result<void> check_encodable(std::string_view utf8, std::size_t from);

}  // namespace hearth::text

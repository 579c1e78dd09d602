// The "post_processor" of a tokenizer.json, as far as it adds tokens.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"
#include "base/token.h"

namespace hearth::text {

/// The tokens that go around every encoded text.
struct PostTokens {
  std::vector<TokenId> before;
  std::vector<TokenId> after;
};

/// Reads the value of "post_processor": ByteLevel (which concerns offsets only),
/// TemplateProcessing (its form for one text), BertProcessing, RobertaProcessing, alone or in a
/// Sequence, or null. `has_id` tells whether some token has an id. kUnsupported when two of a
/// Sequence add tokens: the library then gives a surprising order. Errors name `source` and the
/// key.
Result<PostTokens> read_post_processor(const Json& value, const std::string& source,
                                       const std::function<bool(TokenId)>& has_id);

}  // namespace hearth::text

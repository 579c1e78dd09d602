// Reads token ids from JSON.
#pragma once

#include <cstdint>
#include <string>

#include "base/json_reader.h"
#include "base/result.h"
#include "base/token.h"

namespace hearth::text {

/// No published vocabulary comes near; guards against an id that would allocate gigabytes.
inline constexpr std::int64_t kTokenIdMax = (std::int64_t{1} << 24) - 1;

/// An id from 0 to kTokenIdMax; `where` names file and key in errors.
Result<TokenId> read_token_id(const Json& value, const std::string& where);

}  // namespace hearth::text

// Fields that several parts of a tokenizer.json have in common.
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

/// A text of one character; `where` names file and object in errors.
Result<std::string> read_character(const JsonReader& reader, const std::string& where,
                                   const std::string& key);

/// Metaspace, which is a pre-tokenizer and a decoder.
struct Metaspace {
  enum class Prepend { kAlways, kFirst, kNever };  ///< kFirst: at the begin of the text alone
  std::string replacement;                         ///< one character
  Prepend prepend = Prepend::kAlways;
  bool split = true;
};

/// Reads either; old files say add_prefix_space instead of prepend_scheme.
Result<Metaspace> read_metaspace(const JsonReader& reader, const std::string& where);

}  // namespace hearth::text

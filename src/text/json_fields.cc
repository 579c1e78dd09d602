#include "text/json_fields.h"

#include "text/utf8.h"

namespace hearth::text {

Result<TokenId> read_token_id(const Json& value, const std::string& where) {
  if (!value.is_number_integer()) {
    return fail(ErrorCode::kCorrupt, where + ": expected an id (a whole number), found " +
                                         std::string(value.type_name()));
  }
  const bool too_large = value.is_number_unsigned() &&
                         value.get<std::uint64_t>() > static_cast<std::uint64_t>(kTokenIdMax);
  const std::int64_t number = too_large ? kTokenIdMax + 1 : value.get<std::int64_t>();
  if (number < 0 || number > kTokenIdMax) {
    return fail(ErrorCode::kCorrupt, where + ": id " + value.dump() + " is out of range (0 to " +
                                         std::to_string(kTokenIdMax) + ")");
  }
  return static_cast<TokenId>(number);
}

Result<std::string> read_character(const JsonReader& reader, const std::string& where,
                                   const std::string& key) {
  HEARTH_TRY(std::string text, reader.string(key));
  if (utf8_length(text) == 1) return text;
  return fail(ErrorCode::kCorrupt,
              where + "." + key + ": expected one character, found \"" + text + "\"");
}

Result<Metaspace> read_metaspace(const JsonReader& reader, const std::string& where) {
  Metaspace metaspace;
  HEARTH_TRY(metaspace.replacement, read_character(reader, where, "replacement"));
  HEARTH_TRY(metaspace.split, reader.boolean_or("split", true));
  HEARTH_TRY(const std::string scheme, reader.string_or("prepend_scheme", "always"));
  HEARTH_TRY(const bool prefix_space, reader.boolean_or("add_prefix_space", true));
  if (scheme == "first") {
    metaspace.prepend = Metaspace::Prepend::kFirst;
  } else if (scheme == "never") {
    metaspace.prepend = Metaspace::Prepend::kNever;
  } else if (scheme != "always") {
    return fail(ErrorCode::kCorrupt,
                where + ".prepend_scheme: expected always, first or never, found " + scheme);
  }
  if (!prefix_space && metaspace.prepend != Metaspace::Prepend::kNever) {
    return fail(ErrorCode::kCorrupt,
                where + ".add_prefix_space: is false, but prepend_scheme is " + scheme);
  }
  return metaspace;
}

}  // namespace hearth::text

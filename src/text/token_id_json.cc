#include "text/token_id_json.h"

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

}  // namespace hearth::text

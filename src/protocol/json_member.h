// Members of JSON objects that may not be there.
#pragma once

#include <string_view>

#include "base/json_reader.h"

namespace hearth::protocol {

/// nullptr where `value` is no object or has no such member.
inline const OrderedJson* member(const OrderedJson& value, std::string_view key) {
  const auto found = value.find(key);
  return found == value.end() ? nullptr : &*found;
}

/// As member(); null counts as not there, as clients use it.
inline const OrderedJson* given_member(const OrderedJson& value, std::string_view key) {
  const OrderedJson* found = member(value, key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

}  // namespace hearth::protocol

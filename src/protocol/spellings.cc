#include "protocol/spellings.h"

#include <algorithm>

namespace hearth::protocol {

std::string spelling_of(const OrderedJson& value) {
  return value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

/// They are in order and alike up to here, so those that go on alike stand together, behind one
/// that ends here.
bool SpellingPrefix::narrow(const Spellings& spellings, char byte) {
  const auto next = [this](const std::string& spelling) {
    return size_ < spelling.size() ? int{static_cast<unsigned char>(spelling[size_])} : -1;
  };
  const int wanted = static_cast<unsigned char>(byte);
  const auto begin = spellings.begin() + static_cast<std::ptrdiff_t>(first_);
  const auto end = spellings.begin() + static_cast<std::ptrdiff_t>(end_);
  const auto from =
      std::partition_point(begin, end, [&](const auto& s) { return next(s) < wanted; });
  const auto to = std::partition_point(from, end, [&](const auto& s) { return next(s) == wanted; });
  if (from == to) return false;
  first_ = static_cast<std::size_t>(from - spellings.begin());
  end_ = static_cast<std::size_t>(to - spellings.begin());
  ++size_;
  return true;
}

}  // namespace hearth::protocol

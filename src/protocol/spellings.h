// Texts of which one is being written, byte by byte: keys, names, the values of an enum.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json_reader.h"

namespace hearth::protocol {

/// JSON texts in ascending order of their bytes, each once, so that those that begin alike stand
/// together.
using Spellings = std::vector<std::string>;

/// `value` as it is written without white space. Bytes that are no UTF-8 become U+FFFD.
std::string spelling_of(const OrderedJson& value);

/// Those of some spellings that begin with what came. A small value type.
class SpellingPrefix {
 public:
  /// Nothing came, of `count` spellings.
  void begin(std::size_t count) { *this = {0, count, 0}; }
  /// Keeps the spellings that go on with this byte; false, and nothing changed, where none does.
  /// `spellings`: the same at every call.
  bool narrow(const Spellings& spellings, char byte);
  /// The first of them is what came, and nothing more.
  bool is_whole(const Spellings& spellings) const { return size_ == spellings[first_].size(); }

  std::size_t first() const { return first_; }  ///< of those that are left
  std::size_t end() const { return end_; }      ///< behind the last of them
  std::size_t size() const { return size_; }    ///< bytes that came

  SpellingPrefix() = default;

 private:
  SpellingPrefix(std::size_t first, std::size_t end, std::size_t size)
      : first_(first), end_(end), size_(size) {}

  std::size_t first_ = 0;
  std::size_t end_ = 0;
  std::size_t size_ = 0;
};

}  // namespace hearth::protocol

// What the tests of this room share: test data and results that must hold.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/json_reader.h"
#include "base/result.h"

namespace hearth::text {

/// The value of a result; a failed result fails the test with its message.
template <class T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message;
    std::abort();  // nothing sensible can follow, and the message is out
  }
  return std::move(*result);
}

inline std::filesystem::path testdata(const std::string& name) {
  return std::filesystem::path(HEARTH_SOURCE_DIR) / "src/text/testdata" / name;
}

inline OrderedJson read_testdata(const std::string& name) {
  return must(parse_ordered_json(must(read_file(testdata(name))), name));
}

/// Deterministic numbers for property tests: a 64-bit linear congruential generator.
class TestRandom {
 public:
  explicit TestRandom(std::uint64_t seed) : state_(seed) {}
  std::size_t below(std::size_t limit) {
    state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<std::size_t>(state_ >> 33) % limit;
  }

 private:
  std::uint64_t state_;
};

}  // namespace hearth::text

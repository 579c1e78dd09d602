// Budget: what one rendering may still use; every loop and copy is charged to it.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace hearth::text::jinja {

/// Counts steps (statements and expressions evaluated) and bytes handled, `kBytesPerStep` for one
/// step. Because bytes are counted when they are made and never given back, the steps bound memory
/// as well as time.
class Budget {
 public:
  static constexpr std::size_t kBytesPerStep = 8;

  Budget(std::size_t steps_max, std::size_t text_bytes_max)
      : steps_max_(steps_max), steps_left_(steps_max), text_bytes_max_(text_bytes_max) {}

  /// One step and the handling of `bytes`. kResourceExhausted when the steps are used up.
  Result<void> charge(std::size_t bytes = 0) {
    const std::size_t steps = 1 + bytes / kBytesPerStep;
    if (steps <= steps_left_) {
      steps_left_ -= steps;
      return {};
    }
    steps_left_ = 0;
    return fail(ErrorCode::kResourceExhausted,
                "the template takes more than " + std::to_string(steps_max_) + " steps");
  }

  /// The same for a text of `bytes` that is made: also refused when longer than the output may be.
  Result<void> charge_text(std::size_t bytes) {
    if (bytes <= text_bytes_max_) return charge(bytes);
    return fail(ErrorCode::kResourceExhausted, "the template makes a text of more than " +
                                                   std::to_string(text_bytes_max_) + " bytes");
  }

  std::size_t text_bytes_max() const { return text_bytes_max_; }

 private:
  std::size_t steps_max_;
  std::size_t steps_left_;
  std::size_t text_bytes_max_;
};

}  // namespace hearth::text::jinja

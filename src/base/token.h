// A token's number in the model's vocabulary.
#pragma once

#include <cstdint>

namespace hearth {

using TokenId = std::int32_t;

}  // namespace hearth

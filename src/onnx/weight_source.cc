// Names of weights.
#include "onnx/weight_source.h"

#include <array>

namespace hearth::onnx {

std::string weight_name(const WeightId& id) {
  constexpr std::array<const char*, 17> kNames = {
      "embedding",  "lm head",    "final norm", "input norm",       "post-attention norm",
      "query",      "key",        "value",      "query bias",       "key bias",
      "value bias", "query norm", "key norm",   "attention output", "gate",
      "up",         "down"};
  const std::string name = kNames[static_cast<std::size_t>(id.role)];
  return id.layer < 0 ? name : "layer " + std::to_string(id.layer) + " " + name;
}

}  // namespace hearth::onnx

// What a training step is given: the model's shape, its weights, a batch; and what it leaves
// behind.
#pragma once

#include "tiles.h"

namespace ember {

// As ember_gradients in step.cc gets it from amx_step.py; the order of the members matters there.
struct Config {
  int layers, hidden, heads, kv_heads, intermediate, vocabulary, rotary;
  float epsilon;

  int mixed() const { return heads * kHead; }
  int qkv() const { return (heads + 2 * kv_heads) * kHead; }
};

// One layer's weights or their gradients, in the order of PyTorch's parameters. Matrices are
// [outputs][inputs].
struct Layer {
  float *input_norm, *post_norm, *qkv, *out, *gate_up, *down;
};

// `rows` texts of `length` tokens, and the positions (in all rows together, ascending) whose
// successors are to be learnt. `sight` is [rows][3][length] as in sight.h, `cos` and `sin` are
// [positions][rotary / 2].
struct Batch {
  int rows, length, targets;
  const long *ids, *places;
  const int* sight;
  const long *positions, *expected;
  const float *weights, *cos, *sin;
};

}  // namespace ember

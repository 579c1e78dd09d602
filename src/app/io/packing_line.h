// A line on the terminal that shows how far the weights of a new model are packed.
#pragma once

#include <cstdint>

namespace hearth::app {

/// "hearth: packing the weights for first use, 43 %", written over itself, and wiped when all is
/// done or at the end. Silent where the descriptor leads to no terminal.
class PackingLine {
 public:
  explicit PackingLine(int descriptor);
  ~PackingLine();
  PackingLine(const PackingLine&) = delete;
  PackingLine& operator=(const PackingLine&) = delete;

  void show(std::uint64_t done_bytes, std::uint64_t total_bytes);

 private:
  void wipe();

  int descriptor_;
  bool wanted_;
  int percent_ = -1;  ///< that stands there; -1: nothing does
};

}  // namespace hearth::app

#include "app/io/packing_line.h"

#include <unistd.h>

#include <cstdio>

namespace hearth::app {

PackingLine::PackingLine(int descriptor)
    : descriptor_(descriptor), wanted_(::isatty(descriptor) == 1) {}

PackingLine::~PackingLine() { wipe(); }

void PackingLine::show(std::uint64_t done_bytes, std::uint64_t total_bytes) {
  if (!wanted_) return;
  if (done_bytes >= total_bytes) return wipe();
  const int percent =
      static_cast<int>(static_cast<double>(done_bytes) / static_cast<double>(total_bytes) * 100);
  if (percent == percent_) return;
  percent_ = percent;
  ::dprintf(descriptor_, "\r\x1b[Khearth: packing the weights for first use, %d %%", percent);
}

void PackingLine::wipe() {
  if (percent_ < 0) return;
  percent_ = -1;
  ::dprintf(descriptor_, "\r\x1b[K");
}

}  // namespace hearth::app

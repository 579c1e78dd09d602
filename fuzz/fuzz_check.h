// What fuzz targets share: conditions that no input may break.
#pragma once

#include <cstdio>
#include <cstdlib>

/// Ends the process, which the fuzzer reports together with the input.
#define FUZZ_CHECK(condition)                                                             \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)

/// In the build with a planted bug: the bug. The runner looks for these words.
inline void planted_bug_if([[maybe_unused]] bool reached) {
#ifdef HEARTH_PLANTED_BUG
  if (reached) {
    std::fputs("the planted bug was found\n", stderr);
    std::abort();
  }
#endif
}

// HEARTH_CHECK: for conditions that only a bug in Hearth can break. Bad input is a Result, never a
// check.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace hearth::detail {

[[noreturn]] inline void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "hearth: internal error at %s:%d: %s does not hold\n", file, line,
               condition);
  std::abort();
}

}  // namespace hearth::detail

#define HEARTH_CHECK(condition) \
  ((condition) ? void(0) : ::hearth::detail::check_failed(__FILE__, __LINE__, #condition))

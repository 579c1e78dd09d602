// Telling ThreadSanitizer of an order that it cannot see, because the library that keeps it (a
// thread pool that is not instrumented) hides it. Nothing in other builds.
#pragma once

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace hearth {

/// What this thread did until now comes before what follows a `happens_after` of the same address.
inline void happens_before([[maybe_unused]] const void* address) noexcept {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(const_cast<void*>(address));
#endif
}

inline void happens_after([[maybe_unused]] const void* address) noexcept {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(const_cast<void*>(address));
#endif
}

}  // namespace hearth

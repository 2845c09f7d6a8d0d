// What the heap of this process holds, for tests that state what something may cost.
#pragma once

#include <malloc.h>

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
extern "C" size_t __sanitizer_get_current_allocated_bytes();  // its header may not be installed
#endif

namespace gatehouse::testing {

// Bytes allocated and not freed: with malloc's rounding, but under the address sanitizer, which has
// an allocator of its own, as asked for. Any thread.
inline size_t live_heap_bytes() {
#if defined(__SANITIZE_ADDRESS__)
  return __sanitizer_get_current_allocated_bytes();
#else
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

}  // namespace gatehouse::testing

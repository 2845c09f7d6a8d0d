#include "common/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace gatehouse {

void check_failed(const char* expression, const char* file, int line,
                  std::string_view detail) noexcept {
  std::fprintf(stderr, "CHECK failed: %s at %s:%d %.*s\n", expression, file, line,
               static_cast<int>(detail.size()), detail.data());
  std::abort();
}

}  // namespace gatehouse

#include <sys/random.h>

#include <cerrno>

#include "common/tls/mbedtls_compat.h"

namespace gatehouse::tls {

int system_random(void* state, unsigned char* bytes, size_t size) {
  static_cast<void>(state);
  while (size > 0) {
    const ssize_t got = getrandom(bytes, size, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      return MBEDTLS_ERR_SSL_INTERNAL_ERROR;  // mbed TLS gives up the operation
    }
    bytes += got;
    size -= static_cast<size_t>(got);
  }
  return 0;
}

}  // namespace gatehouse::tls

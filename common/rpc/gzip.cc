#include "common/rpc/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "common/base/check.h"

namespace gatehouse::rpc {
namespace {

constexpr int kGzipWindow = 15 + 16;  // 32 KiB window, gzip wrapper (zlib.h, deflateInit2)

// Output grows from this, doubling.
constexpr size_t kFirstOutput = 16 * 1024;

Bytef* bytes_of(const char* text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text));  // zlib's input is not const
}

Status failed(const char* why) {
  return internal_error(std::string("grpc: failed to decompress the received message: ") + why);
}

struct Inflater {
  z_stream z{};
  Inflater() { CHECK(inflateInit2(&z, kGzipWindow) == Z_OK); }
  ~Inflater() { inflateEnd(&z); }
};

struct Deflater {
  z_stream z{};
  Deflater() {
    CHECK(deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) ==
          Z_OK);
  }
  ~Deflater() { deflateEnd(&z); }
};

}  // namespace

std::string gzip_compress(std::string_view bytes) {
  CHECK(bytes.size() <= std::numeric_limits<uInt>::max());
  Deflater deflater;
  z_stream& z = deflater.z;
  std::string out(deflateBound(&z, bytes.size()), '\0');
  z.next_in = bytes_of(bytes.data());
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = bytes_of(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);  // deflateBound promises the room
  out.resize(z.total_out);
  return out;
}

Result<std::string> gzip_decompress(std::string_view bytes, size_t max_bytes) {
  if (bytes.size() > std::numeric_limits<uInt>::max()) return failed("too large");
  Inflater inflater;
  z_stream& z = inflater.z;
  z.next_in = bytes_of(bytes.data());
  z.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  size_t produced = 0;
  bool ended = false;
  while (!ended || z.avail_in > 0) {
    if (ended) {
      ended = false;
      if (inflateReset(&z) != Z_OK) return failed("cannot start the next member");
    }
    if (produced == out.size()) {
      // One byte above the limit tells a message that is too large from one that just fits.
      const size_t limit = max_bytes == SIZE_MAX ? max_bytes : max_bytes + 1;
      out.resize(std::min(limit, std::max(kFirstOutput, 2 * out.size())));
    }
    const size_t room = std::min<size_t>(out.size() - produced, std::numeric_limits<uInt>::max());
    z.next_out = bytes_of(out.data() + produced);
    z.avail_out = static_cast<uInt>(room);
    const int result = inflate(&z, Z_NO_FLUSH);
    produced += room - z.avail_out;
    if (produced > max_bytes) {
      return resource_exhausted("grpc: received message after decompression larger than max " +
                                std::to_string(max_bytes));
    }
    if (result == Z_STREAM_END) {
      ended = true;
    } else if (result == Z_BUF_ERROR || (result == Z_OK && z.avail_in == 0 && z.avail_out > 0)) {
      if (z.avail_out > 0) return failed("unexpected EOF");
    } else if (result != Z_OK) {
      return failed(z.msg != nullptr ? z.msg : "not gzip");
    }
  }
  out.resize(produced);
  return out;
}

}  // namespace gatehouse::rpc

// Any bytes as a .snap file: refused, or read and written again as they were read.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "common/codec/crc32c.h"
#include "common/codec/varint.h"
#include "member/snap/snap.h"

namespace gatehouse::snap {
namespace {

void run(std::string_view bytes) {
  static_cast<void>(decode(bytes));
  // The same as data under a checksum that fits.
  std::string file = "\x08";
  codec::append_varint(file, codec::crc32c(bytes));
  file += '\x12';
  codec::append_varint(file, bytes.size());
  file += bytes;
  const Result<raft::Snapshot> snapshot = decode(file);
  if (!snapshot.ok() || snapshot.value().index == 0) return;
  const Result<raft::Snapshot> again = decode(encode(snapshot.value()));
  CHECK(again.ok());
  CHECK(again.value().index == snapshot.value().index);
  CHECK(again.value().term == snapshot.value().term);
  CHECK(again.value().data == snapshot.value().data);
}

}  // namespace
}  // namespace gatehouse::snap

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gatehouse::snap::run({reinterpret_cast<const char*>(data), size});
  return 0;
}

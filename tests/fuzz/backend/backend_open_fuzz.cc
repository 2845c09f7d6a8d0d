// Any bytes as a database: refused with an error that names the file, or read, changed and left
// without a fault.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "common/env/sim_file_system.h"
#include "member/backend/backend.h"
#include "member/backend/page.h"
#include "member/backend/validate.h"

namespace gatehouse::backend {
namespace {

// Meta pages whose checksum is right, so that what lies behind them is reached.
void repair_metas(std::string& bytes) {
  for (size_t at : {size_t{0}, size_t{1024}, size_t{4096}}) {
    if (bytes.size() < at + kHeaderBytes + kMetaBytes) continue;
    char* from = bytes.data() + at + kHeaderBytes;
    Meta meta;
    meta.page_bytes = load<uint32_t>(from + 8);
    meta.root = load<uint64_t>(from + 16);
    meta.freelist = load<uint64_t>(from + 32);
    meta.high_water = load<uint64_t>(from + 40);
    meta.txid = load<uint64_t>(from + 48);
    if (load<uint32_t>(from) == 0xED0CDAED) encode_meta(meta, from);
  }
}

void run(std::string bytes) {
  repair_metas(bytes);
  env::SimFileSystem disk(64 << 20);
  CHECK(disk.replace_contents("db", bytes).ok());
  Options options;
  options.batch_interval = std::chrono::hours(1);
  options.initial_map_bytes = 1 << 20;
  options.lock_timeout = std::chrono::milliseconds(1);
  static_cast<void>(check_file(disk, "db"));  // whatever it says, it returns
  Result<std::unique_ptr<Backend>> backend = Backend::open(disk, "db", options);
  if (!backend.ok()) {
    CHECK(backend.status().message().starts_with("db: "));
    return;
  }
  size_t seen = 0;
  Writer& writer = (*backend)->writer();
  for (size_t i = 0; i < kBucketCount; ++i) {
    const auto bucket = static_cast<Bucket>(i);
    const std::unique_ptr<Reader> reader = (*backend)->read();
    std::string last;
    reader->scan(bucket, {}, {}, [&](std::string_view key, std::string_view value) {
      CHECK(last < key);
      last = key;
      std::string_view again;
      CHECK(reader->get(bucket, key, again) && again == value);
      if (++seen % 3 == 0) writer.remove(bucket, key);
      return true;
    });
    writer.put(bucket, "new", std::string(700, 'n'));
  }
  writer.end();
  CHECK((*backend)->commit().ok());
  CHECK((*backend)->defragment().ok());
  backend->reset();
  const Result<std::vector<std::string>> after = check_file(disk, "db");
  CHECK(after.ok() && after->empty());
}

}  // namespace
}  // namespace gatehouse::backend

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gatehouse::backend::run(
      std::string(reinterpret_cast<const char*>(data), std::min(size, size_t{1} << 20)));
  return 0;
}

// Any bytes as the last segment of a log: refused with an error that names the place and nothing
// changed, or opened, repaired at most once, continued and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/check.h"
#include "common/codec/crc32c.h"
#include "common/codec/fixed.h"
#include "common/env/sim_file_system.h"
#include "member/wal/log.h"
#include "member/wal/record.h"

namespace gatehouse::wal {
namespace {

const std::string kDirectory = "wal";

// Checksums that fit, as far as the frames go, so that what lies behind them is reached: each
// record is written anew. An even first byte of the input asks for it.
std::string with_checksums(std::string_view bytes) {
  FrameEncoder encoder;
  encoder.add_crc();
  encoder.add_metadata(encode_identity({1, 2}));
  encoder.add_snapshot({});
  std::string out(encoder.frames());
  uint32_t crc = encoder.crc();
  // <type> <size> <data>, as long as there is any.
  while (bytes.size() >= 2) {
    const uint8_t type = static_cast<uint8_t>(bytes[0]) % 8;
    const std::string_view data = bytes.substr(2, static_cast<uint8_t>(bytes[1]));
    bytes.remove_prefix(2 + data.size());
    if (type == 6) return out + std::string(data);  // the rest as it is
    crc = codec::crc32c(data, crc);
    std::string record = {0x08, static_cast<char>(type), 0x10};
    for (uint32_t left = crc;; left >>= 7) {
      record += static_cast<char>(left >= 0x80 ? left | 0x80 : left);
      if (left < 0x80) break;
    }
    if (!data.empty()) {
      record += '\x1a';
      if (data.size() >= 0x80) record += static_cast<char>(data.size() | 0x80);
      record += static_cast<char>(data.size() >= 0x80 ? 1 : data.size());
      record += data;
    }
    const size_t padding = -record.size() % 8;
    codec::append_little_endian<uint64_t>(
        out, record.size() | (padding == 0 ? 0 : (0x80 | padding) << 56));
    out += record + std::string(padding, '\0');
  }
  return out;
}

void run(std::string_view input) {
  if (input.empty()) return;
  const bool fitting = input[0] % 2 == 0;
  input.remove_prefix(1);
  const std::string bytes = fitting ? with_checksums(input) : std::string(input);
  env::SimFileSystem disk(1 << 20);
  const std::string path = env::join_path(kDirectory, to_string(SegmentName{}));
  CHECK(disk.create_directories(kDirectory).ok());
  CHECK(disk.replace_contents(path, bytes).ok());
  static_cast<void>(valid_snapshots(disk, kDirectory));
  Options options;
  options.segment_bytes = 4096;
  options.prepare_ahead = false;
  Result<Opened> opened = open(disk, kDirectory, {}, options);
  if (!opened.ok()) {
    CHECK(opened.status().code() == StatusCode::kDataLoss ||
          opened.status().code() == StatusCode::kNotFound);
    CHECK(disk.contents(path).value() == bytes);
    return;
  }
  for (size_t i = 0; i < opened->entries.size(); ++i) CHECK(opened->entries[i].index == i + 1);
  std::vector<raft::Entry> entries = opened->entries;
  const uint64_t term = entries.empty() ? 1 : entries.back().term;
  const raft::Entry more[] = {
      {term, entries.size() + 1, raft::EntryType::kNormal, raft::Payload("more")}};
  if (more[0].index <= opened->hard_state.commit) return;  // not a log that Raft would take
  CHECK(opened->log->append(nullptr, more, true).ok());
  opened->log.reset();
  entries.push_back(more[0]);
  const Result<Opened> again = open(disk, kDirectory, {}, options);
  CHECK_MSG(again.ok(), again.status().message());
  CHECK(again.value().repaired.empty());
  CHECK(again.value().entries == entries);
}

}  // namespace
}  // namespace gatehouse::wal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size <= 64 << 10) gatehouse::wal::run({reinterpret_cast<const char*>(data), size});
  return 0;
}

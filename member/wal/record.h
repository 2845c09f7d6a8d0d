// Records of the log and the frames around them; the grammar is in format.md. Pure; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "member/raft/types.h"
#include "proto/raft.pb.h"

namespace gatehouse::wal {

// Whose log it is.
struct Identity {
  uint64_t node_id = 0;
  uint64_t cluster_id = 0;

  friend bool operator==(const Identity&, const Identity&) = default;
};

// A snapshot that was made or received. etcd 3.4 writes no conf_state, nor is there one at index 0.
struct SnapshotRecord {
  uint64_t index = 0;
  uint64_t term = 0;
  std::optional<raftpb::ConfState> conf_state;
};

enum class RecordType : uint8_t {
  kMetadata = 1,
  kEntry = 2,
  kState = 3,
  kCrc = 4,
  kSnapshot = 5,
};

inline constexpr size_t kFrameHeaderBytes = 8;
inline constexpr size_t kSectorBytes = 512;  // what a disk writes whole

// Encodes frames, one after the other, into memory that it keeps, and carries the checksum from one
// to the next. No allocation once the memory has grown to what a batch needs.
class FrameEncoder {
 public:
  explicit FrameEncoder(uint32_t crc = 0) : crc_(crc) {}

  void add_crc();
  void add_metadata(std::string_view data);
  void add_entry(const raft::Entry& entry);
  void add_state(const raft::HardState& state);
  void add_snapshot(const SnapshotRecord& snapshot);

  // What was added since the last clear(). Valid until the next call that is not const.
  std::string_view frames() const { return {memory_.data(), used_}; }
  // Keeps the checksum; gives back memory that only an unusually large batch needed.
  void clear();
  uint32_t crc() const { return crc_; }

 private:
  // `rest` continues `head`: the payload of an entry is not copied twice.
  void add(RecordType type, std::string_view head, std::string_view rest);

  std::string memory_;  // its size is what is at hand, used_ what is taken
  size_t used_ = 0;
  uint32_t crc_;
};

// Identity as the data of a metadata record.
std::string encode_identity(const Identity& identity);

struct Record {
  RecordType type = RecordType::kCrc;
  uint32_t crc = 0;
  std::string_view data;  // of what was decoded
};

// All of `bytes`, as one record. False: not the grammar. The checksum is the caller's to check.
bool decode_record(std::string_view bytes, Record& record);

// The record at the front of `bytes`, however much follows: its own sizes say where it ends. Its
// size, 0 when it has no data or is not whole.
size_t decode_record_at_front(std::string_view bytes, Record& record);

// The data of records. False: not the grammar, or values that no member writes.
bool decode_identity(std::string_view data, Identity& identity);
bool decode_entry(std::string_view data, raft::Entry& entry);
bool decode_state(std::string_view data, raft::HardState& state);
bool decode_snapshot(std::string_view data, SnapshotRecord& snapshot);

struct FrameSizes {
  uint64_t record = 0;
  uint64_t padding = 0;
};
// False: no length that a writer makes.
bool decode_frame_header(uint64_t header, FrameSizes& sizes);

}  // namespace gatehouse::wal

// LogReader: the records of a run of segments, each checked against the checksum that runs through
// them. Tells an unfinished write from damage, as format.md says; changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/env/file_system.h"
#include "member/wal/record.h"

namespace gatehouse::wal {

class LogReader {
 public:
  // In order, without a gap, at least one; they outlive the reader and nobody writes to them.
  explicit LogReader(std::vector<env::File*> segments);

  enum class Outcome : uint8_t {
    kRecord,
    kEnd,   // of the last segment: only zeros follow
    kTorn,  // an unfinished write follows the records: torn() says what was found
  };
  // The record's data is valid until the next call. After kEnd or kTorn: the same again.
  // DataLoss: damage, "<path> at offset <n>: <what>". Others: the file cannot be read.
  Result<Outcome> next(Record& record);

  // DataLoss, naming the record that next() gave last.
  Status damage(std::string_view what) const;

  // After kEnd or kTorn, of the last segment: where the records end, the checksum there, its size.
  uint64_t end() const { return offset_; }
  uint64_t size() const { return size_; }
  uint32_t crc() const { return crc_; }
  const std::string& torn() const { return torn_; }

 private:
  Result<Outcome> next_frame(Record& record);
  Result<Outcome> at_zero_header();
  Result<Outcome> not_whole(const FrameSizes& sizes, std::string_view what);
  Result<Outcome> torn_or_damaged(bool torn, std::string_view what);
  Status check_place(const Record& record);
  Status begin_segment();
  bool last_segment() const { return position_ + 1 == segments_.size(); }
  Status damage_at(uint64_t offset, std::string_view what) const;
  // At least `bytes` from `offset` on, fewer only where the file ends; valid until the next call.
  Result<std::string_view> peek(uint64_t offset, size_t bytes);
  // Whether all from `from` up to `to` is zero; `to` may lie past the end.
  Result<bool> all_zeros(uint64_t from, uint64_t to);

  const std::vector<env::File*> segments_;
  size_t position_ = 0;        // in segments_
  uint64_t size_ = 0;          // of the segment
  uint64_t offset_ = 0;        // of the next frame
  uint64_t last_ = 0;          // of the last
  uint64_t records_ = 0;       // in this segment so far
  uint32_t crc_ = 0;
  bool crc_known_ = false;
  bool begun_ = false;
  bool ended_ = false;
  std::string torn_;

  std::string window_;
  uint64_t window_offset_ = 0;
};

}  // namespace gatehouse::wal

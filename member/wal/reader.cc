#include "member/wal/reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/check.h"
#include "common/codec/crc32c.h"
#include "common/codec/fixed.h"

namespace gatehouse::wal {
namespace {

constexpr size_t kWindowBytes = size_t{1} << 20;
constexpr uint64_t kHeadRecords = 2;  // crc, metadata

bool zeros(std::string_view bytes) {
  return bytes.empty() ||
         (bytes[0] == '\0' && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

uint64_t sector_end(uint64_t offset) { return offset / kSectorBytes * kSectorBytes + kSectorBytes; }

// Whether a piece of `bytes`, which lie at `offset`, fills its share of a sector with zeros.
bool has_unwritten_sector(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, sector_end(offset) - offset);
    if (zeros(piece)) return true;
    offset += piece.size();
    bytes.remove_prefix(piece.size());
  }
  return false;
}

}  // namespace

LogReader::LogReader(std::vector<env::File*> segments) : segments_(std::move(segments)) {
  CHECK(!segments_.empty());
}

Status LogReader::damage_at(uint64_t offset, std::string_view what) const {
  return Status(StatusCode::kDataLoss, segments_[position_]->path() + " at offset " +
                                           std::to_string(offset) + ": " + std::string(what));
}

Status LogReader::damage(std::string_view what) const { return damage_at(last_, what); }

Result<std::string_view> LogReader::peek(uint64_t offset, size_t bytes) {
  const uint64_t wanted = std::min<uint64_t>(bytes, size_ - std::min(size_, offset));
  const uint64_t window_end = window_offset_ + window_.size();
  if (offset < window_offset_ || offset + wanted > window_end) {
    const uint64_t left = size_ - std::min(size_, offset);
    window_.resize(std::max(wanted, std::min<uint64_t>(kWindowBytes, left)));
    window_offset_ = offset;
    const Result<size_t> got = segments_[position_]->read_at(
        offset, std::as_writable_bytes(std::span(window_.data(), window_.size())));
    if (!got.ok()) window_.clear();
    GATEHOUSE_RETURN_IF_ERROR(got.status());
    window_.resize(*got);
  }
  return std::string_view(window_).substr(offset - window_offset_);
}

Result<bool> LogReader::all_zeros(uint64_t from, uint64_t to) {
  to = std::min(to, size_);
  while (from < to) {
    Result<std::string_view> bytes = peek(from, 1);
    GATEHOUSE_RETURN_IF_ERROR(bytes.status());
    const std::string_view piece = bytes->substr(0, to - from);
    if (piece.empty()) break;  // cut off meanwhile
    if (!zeros(piece)) return false;
    from += piece.size();
  }
  return true;
}

Status LogReader::begin_segment() {
  const Result<uint64_t> size = segments_[position_]->size();
  GATEHOUSE_RETURN_IF_ERROR(size.status());
  size_ = *size;
  offset_ = last_ = records_ = 0;
  window_.clear();
  window_offset_ = 0;
  begun_ = true;
  return Status();
}

Result<LogReader::Outcome> LogReader::next(Record& record) {
  if (!begun_) GATEHOUSE_RETURN_IF_ERROR(begin_segment());
  if (ended_) return torn_.empty() ? Outcome::kEnd : Outcome::kTorn;
  for (;;) {
    Result<Outcome> outcome = next_frame(record);
    GATEHOUSE_RETURN_IF_ERROR(outcome.status());
    if (*outcome == Outcome::kRecord) return outcome;
    // What follows a segment got its name only after the segment's head, and all of the one before,
    // had been synced.
    if (records_ < kHeadRecords) return damage_at(offset_, "the head of the segment is not whole");
    if (last_segment()) {
      ended_ = true;
      return outcome;
    }
    ++position_;
    GATEHOUSE_RETURN_IF_ERROR(begin_segment());
  }
}

Result<LogReader::Outcome> LogReader::torn_or_damaged(bool torn, std::string_view what) {
  if (!torn || !last_segment()) return damage_at(offset_, what);
  torn_ = damage_at(offset_, what).message();
  return Outcome::kTorn;
}

// No length: the end, unless something follows.
Result<LogReader::Outcome> LogReader::at_zero_header() {
  const Result<bool> sector_clean = all_zeros(offset_, sector_end(offset_));
  GATEHOUSE_RETURN_IF_ERROR(sector_clean.status());
  if (!*sector_clean) return damage_at(offset_, "a record without a length");
  const Result<bool> clean = all_zeros(sector_end(offset_), size_);
  GATEHOUSE_RETURN_IF_ERROR(clean.status());
  if (*clean) return Outcome::kEnd;
  return torn_or_damaged(true, "a sector was not written, but one after it was");
}

// The frame at offset_ does not hold a record that fits its checksum.
Result<LogReader::Outcome> LogReader::not_whole(const FrameSizes& sizes, std::string_view what) {
  const uint64_t at = offset_ + kFrameHeaderBytes;
  const uint64_t left = size_ - std::min(size_, at);
  // Is the length wrong, and the record is not?
  for (const size_t bytes : {kWindowBytes, static_cast<size_t>(left)}) {
    Record record;
    Result<std::string_view> whole = peek(at, bytes);
    GATEHOUSE_RETURN_IF_ERROR(whole.status());
    const size_t own_size = decode_record_at_front(*whole, record);
    if (own_size == 0) continue;
    if (own_size != sizes.record && record.type != RecordType::kCrc &&
        codec::crc32c(record.data, crc_) == record.crc) {
      return damage_at(offset_, "the length is not that of the record");
    }
    break;
  }
  if (sizes.record + sizes.padding > left) {
    return torn_or_damaged(true, "the file ends within the record");
  }
  const Result<std::string_view> frame = peek(at, sizes.record + sizes.padding);
  GATEHOUSE_RETURN_IF_ERROR(frame.status());
  return torn_or_damaged(
      has_unwritten_sector(at, frame->substr(0, sizes.record + sizes.padding)), what);
}

Result<LogReader::Outcome> LogReader::next_frame(Record& record) {
  if (offset_ == size_) return Outcome::kEnd;
  Result<std::string_view> bytes = peek(offset_, kFrameHeaderBytes);
  GATEHOUSE_RETURN_IF_ERROR(bytes.status());
  if (bytes->size() < kFrameHeaderBytes) {
    if (zeros(*bytes)) return Outcome::kEnd;
    return torn_or_damaged(true, "the file ends within a length");
  }
  const uint64_t header = codec::load_little_endian<uint64_t>(bytes->data());
  if (header == 0) return at_zero_header();
  FrameSizes sizes;
  if (!decode_frame_header(header, sizes)) return damage_at(offset_, "not the length of a record");
  const uint64_t at = offset_ + kFrameHeaderBytes;
  if (sizes.record > size_ - at || sizes.padding > size_ - at - sizes.record) {
    return not_whole(sizes, "");
  }
  bytes = peek(at, sizes.record + sizes.padding);
  GATEHOUSE_RETURN_IF_ERROR(bytes.status());
  if (bytes->size() < sizes.record + sizes.padding) return damage_at(offset_, "the file was cut");
  if (!decode_record(bytes->substr(0, sizes.record), record)) {
    return not_whole(sizes, "not a record");
  }
  if (record.type == RecordType::kCrc) {
    if (crc_known_ && record.crc != crc_) {
      return damage_at(offset_, "the checksum does not go on from the segment before");
    }
    crc_ = record.crc;
    crc_known_ = true;
  } else {
    const uint32_t crc = codec::crc32c(record.data, crc_);
    if (crc != record.crc) return not_whole(sizes, "the checksum does not match");
    crc_ = crc;
  }
  if (!zeros(bytes->substr(sizes.record, sizes.padding))) {
    return damage_at(offset_, "the padding is not zero");
  }
  GATEHOUSE_RETURN_IF_ERROR(check_place(record));
  last_ = offset_;
  offset_ = at + sizes.record + sizes.padding;
  ++records_;
  return Outcome::kRecord;
}

// The checksum does not cover the type: the two records that have a place of their own are found
// there and nowhere else.
Status LogReader::check_place(const Record& record) {
  if ((record.type == RecordType::kCrc) != (records_ == 0) ||
      (record.type == RecordType::kMetadata) != (records_ == 1)) {
    return damage_at(offset_, "a record of this type has no place here");
  }
  if (record.type == RecordType::kCrc && !record.data.empty()) {
    return damage_at(offset_, "a checksum with data");
  }
  return Status();
}

}  // namespace gatehouse::wal

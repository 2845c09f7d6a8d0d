// Frames byte for byte: vectors captured from etcd 3.4.23, its 3.7 test fixture, and protobuf's own
// encoding of the same records.
#include "member/wal/record.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "common/codec/crc32c.h"
#include "common/codec/fixed.h"
#include "member/raft/wire.h"
#include "proto/etcdserver.pb.h"
#include "proto/record.pb.h"
#include "tests/member/wal/wal_for_test.h"

namespace gatehouse::wal {
namespace {

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned char c : bytes) text += {kDigits[c >> 4], kDigits[c & 15]};
  return text;
}

TEST(FrameEncoder, HeadOfALogOfEtcd34) {
  FrameEncoder encoder;
  encoder.add_crc();
  encoder.add_metadata(encode_identity(kIdentity));
  encoder.add_snapshot({});
  EXPECT_EQ(hex(encoder.frames()),
            "04000000000000840804100000000000"
            "2000000000000000080110d0c6809f021a1608cab48bc0b99bb3f2fc0110bebef4faeda0fbd4d001"
            "0e00000000000082080510c8ddf287081a04080010000000");
  EXPECT_EQ(encoder.crc(), 0x80fcaec8u);
}

TEST(FrameEncoder, FixtureOfEtcd37) {
  FrameEncoder encoder;
  encoder.add_crc();
  encoder.add_metadata("somedata");
  encoder.add_snapshot({});
  EXPECT_EQ(hex(encoder.frames()),
            "0400000000000084080410000000000012000000000000860801"
            "1085d4fda0071a08736f6d65646174610000000000000e00000000000082"
            "08051080db81c1011a04080010000000");
}

TEST(FrameEncoder, SnapshotRecordOfEtcd35HasAConfState) {
  FrameEncoder encoder;
  SnapshotRecord snapshot{0x15, 2, raftpb::ConfState()};
  snapshot.conf_state->add_voters(kIdentity.node_id);
  encoder.add_snapshot(snapshot);
  EXPECT_NE(hex(encoder.frames()).find("081510021a0d08cab48bc0b99bb3f2fc012800"),
            std::string::npos);
}

// The bytes that protobuf makes of the same record.
std::string framed(walpb::Record record) {
  std::string bytes = record.SerializeAsString();
  const size_t padding = -bytes.size() % 8;
  std::string frame;
  codec::append_little_endian<uint64_t>(
      frame, bytes.size() | (padding == 0 ? 0 : (0x80 | padding) << 56));
  return frame + bytes + std::string(padding, '\0');
}

TEST(FrameEncoder, LikeProtobufAndBack) {
  std::mt19937_64 random(20261125);
  FrameEncoder encoder;
  uint32_t crc = 0;
  for (int i = 0; i < 3000; ++i) {
    raft::Entry written{1 + (random() >> (random() % 64)), 1 + (random() >> (random() % 64)),
                        static_cast<raft::EntryType>(random() % 2), {}};
    if (written.term == 0 || written.index == 0) continue;
    if (random() % 5 != 0 || written.type == raft::EntryType::kConfChange) {
      written.data = raft::Payload(random_bytes(random, random() % 600));
    }
    encoder.clear();
    encoder.add_entry(written);
    walpb::Record record;
    record.set_type(2);
    record.set_data(raft::to_proto(written).SerializeAsString());
    crc = codec::crc32c(record.data(), crc);
    record.set_crc(crc);
    ASSERT_EQ(encoder.frames(), framed(record));
    ASSERT_EQ(encoder.crc(), crc);

    const std::string frame(encoder.frames());
    FrameSizes sizes;
    ASSERT_TRUE(decode_frame_header(codec::load_little_endian<uint64_t>(frame.data()), sizes));
    ASSERT_EQ(frame.size(), kFrameHeaderBytes + sizes.record + sizes.padding);
    Record decoded;
    ASSERT_TRUE(decode_record(std::string_view(frame).substr(8, sizes.record), decoded));
    raft::Entry read;
    ASSERT_TRUE(decode_entry(decoded.data, read));
    ASSERT_EQ(read, written);
  }
}

TEST(Decode, RefusesWhatNoMemberWrites) {
  using namespace std::string_view_literals;
  Record record;
  EXPECT_TRUE(decode_record("\x08\x04\x10\x00"sv, record));
  EXPECT_FALSE(decode_record(""sv, record));
  EXPECT_FALSE(decode_record("\x08\x06\x10\x00"sv, record));          // type
  EXPECT_FALSE(decode_record("\x10\x00\x08\x04"sv, record));          // order
  EXPECT_FALSE(decode_record("\x08\x04\x08\x04"sv, record));          // twice
  EXPECT_FALSE(decode_record("\x08\x04\x10\x80"sv, record));          // cut
  EXPECT_FALSE(decode_record("\x08\x04\x10\xff\xff\xff\xff\x1f"sv, record));  // crc > 32 bits
  EXPECT_FALSE(decode_record("\x08\x02\x10\x00\x1a\x02x"sv, record));
  EXPECT_FALSE(decode_record("\x08\x02\x10\x00\x1a\x01xy"sv, record));
  raft::Entry read;
  EXPECT_TRUE(decode_entry("\x08\x00\x10\x01\x18\x01"sv, read));
  EXPECT_TRUE(decode_entry("\x10\x01\x18\x01"sv, read)) << "etcd 3.7 leaves a type of zero out";
  EXPECT_FALSE(decode_entry("\x08\x03\x10\x01\x18\x01"sv, read));
  EXPECT_FALSE(decode_entry("\x08\x00\x10\x00\x18\x01"sv, read));
  EXPECT_FALSE(decode_entry("\x08\x01\x10\x01\x18\x01"sv, read));
  raft::HardState state;
  EXPECT_TRUE(decode_state("\x08\x01\x10\x00\x18\x01"sv, state));
  EXPECT_FALSE(decode_state("\x08\x00\x10\x01\x18\x01"sv, state));
  EXPECT_FALSE(decode_state("\x08\x01\x10\x00\x18\x01\x22\x00"sv, state));
  FrameSizes sizes;
  EXPECT_FALSE(decode_frame_header(0, sizes));
  EXPECT_FALSE(decode_frame_header(7, sizes));
  EXPECT_FALSE(decode_frame_header(8 | uint64_t{0x80} << 56, sizes));
  EXPECT_TRUE(decode_frame_header(8, sizes));
  EXPECT_TRUE(decode_frame_header(4 | uint64_t{0x84} << 56, sizes));
}

}  // namespace
}  // namespace gatehouse::wal

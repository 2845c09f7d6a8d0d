// The bytes of messages and streams: against protobuf, against what etcd was seen to send, in any
// chunking, and what is refused.
#include "member/transport/framing.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/codec/fixed.h"
#include "member/raft/wire.h"
#include "member/transport/message_codec.h"
#include "tests/member/transport/messages.h"

namespace gatehouse::transport {
namespace {

using testing::MessageMaker;
using testing::same;
using testing::unhex;

struct Kept final : MessageSink {
  std::vector<raft::Message> messages;
  size_t stop_after = SIZE_MAX;
  bool on_frame(raft::Message message) override {
    messages.push_back(std::move(message));
    return messages.size() < stop_after;
  }
};

template <typename Decoder>
Status feed_chunked(Decoder& decoder, std::string_view bytes, MessageMaker& random, Kept& kept) {
  while (!bytes.empty()) {
    const size_t count = std::min<size_t>(
        bytes.size(), random.below(3) == 0 ? 1 : 1 + random.below(random.below(2) ? 20 : 5000));
    const std::string chunk(bytes.substr(0, count));  // of its own, for a sanitizer
    GATEHOUSE_RETURN_IF_ERROR(decoder.feed(chunk, kept));
    bytes.remove_prefix(count);
  }
  return Status();
}

TEST(MessageCodec, WritesWhatProtobufWritesAndReadsItBack) {
  MessageMaker random(20261125);
  for (int i = 0; i < 3000; ++i) {
    SCOPED_TRACE(i);
    const raft::Message message = random.message();
    std::string bytes;
    append_message(bytes, message);
    ASSERT_EQ(bytes, raft::to_proto(message).SerializeAsString());
    ASSERT_EQ(bytes.size(), encoded_bytes(message));
    const Result<raft::Message> read = decode_message(bytes);
    ASSERT_TRUE(read.ok()) << read.status().to_string();
    ASSERT_TRUE(same(*read, message));
  }
}

// Whatever bytes come: where we read a message, protobuf reads the same.
TEST(MessageCodec, NeverReadsWhatProtobufDoesNot) {
  MessageMaker random(7);
  int read_some = 0;
  for (int i = 0; i < 20000; ++i) {
    SCOPED_TRACE(i);
    std::string bytes;
    append_message(bytes, random.message());
    for (uint64_t n = 1 + random.below(3); n > 0; --n) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    }
    if (random.below(4) == 0) bytes.resize(random.below(bytes.size()));
    const Result<raft::Message> ours = decode_message(bytes);
    if (!ours.ok()) continue;
    ++read_some;
    raftpb::Message proto;
    ASSERT_TRUE(proto.ParseFromString(bytes));
    const Result<raft::Message> theirs = raft::from_proto(proto);
    ASSERT_TRUE(theirs.ok());
    ASSERT_TRUE(same(*ours, *theirs));
  }
  EXPECT_GT(read_some, 1000);
}

TEST(MessageCodec, RefusesWhatNeverTravels) {
  for (const char* hex : {"", "0800", "080a", "0813", "08ffffffff0f", "1001", "0803 3aff",
                          "0803 3a02 0802ff", "0b", "0807 4a01ff"}) {
    EXPECT_FALSE(decode_message(unhex(hex)).ok()) << hex;
  }
  EXPECT_TRUE(decode_message(unhex("0803")).ok());
}

// Captured from etcd 3.4.
TEST(MessageStream, ReadsWhatEtcdSends) {
  const std::string bytes =
      unhex("000000000000001e 0808 1000 1800 2000 2800 3000 4000"
            "4a0a 12080a022800 1000 1800 5000 5800"
            "0000000000000030 0808 10b9bec4eca3ba91a3e401 18a593f3be99aef5fbb601 2002 2800"
            "3000 4000"
            "4a0a12080a0228001000180050005800"
            "0000000000000014 0808 1000 1800 2000 2800 3000 4000 5000 5800 6800"  // 3.6
            "0000000000000002 0808");                                            // 3.7
  MessageDecoder decoder;
  Kept kept;
  ASSERT_TRUE(decoder.feed(bytes, kept).ok());
  ASSERT_EQ(kept.messages.size(), 4u);
  EXPECT_TRUE(is_link_heartbeat(kept.messages[0]));
  EXPECT_FALSE(is_link_heartbeat(kept.messages[1]));
  EXPECT_EQ(kept.messages[1].to, 0xe44645d23d911f39);
  EXPECT_EQ(kept.messages[1].from, 0xb6f7d57197dcc9a5);
  EXPECT_EQ(kept.messages[1].term, 2u);
  EXPECT_EQ(kept.messages[1].snapshot, nullptr);
  EXPECT_TRUE(is_link_heartbeat(kept.messages[2]));
  EXPECT_TRUE(is_link_heartbeat(kept.messages[3]));

  // Ours is 3.6's.
  raft::Message heartbeat;
  heartbeat.type = raft::MessageType::kHeartbeat;
  std::string ours;
  append_message_frame(ours, heartbeat);
  EXPECT_EQ(ours, unhex("0000000000000014 0808 1000 1800 2000 2800 3000 4000 5000 5800 6800"));
}

TEST(AppendStream, ReadsAndWritesWhatEtcdSends) {
  constexpr raft::NodeId kFrom = 0xb6f7d57197dcc9a5;
  constexpr raft::NodeId kTo = 0xe44645d23d911f39;
  raft::Message first;
  first.type = raft::MessageType::kAppend;
  first.from = kFrom;
  first.to = kTo;
  first.term = 2;
  first.log_term = 1;
  first.index = 3;
  first.commit = 3;
  raft::Entry entry;
  entry.term = 2;
  entry.index = 4;
  first.entries.push_back(entry);
  raft::Message commit = first;
  commit.log_term = 2;
  commit.index = 4;
  commit.entries.clear();
  commit.commit = 7;
  raft::Message next = commit;
  entry.index = 8;
  entry.data = raft::Payload(unhex("22070a026b31120176a2060a0885ced9d185bfa8dd61"));
  next.entries.push_back(entry);

  AppendEncoder encoder;
  std::string bytes;
  encoder.append(bytes, first);
  EXPECT_EQ(bytes[0], 2);
  EXPECT_EQ(bytes.size(), 1 + 8 + encoded_bytes(first));
  const size_t after_first = bytes.size();
  AppendEncoder::append_heartbeat(bytes);
  encoder.append(bytes, commit);
  encoder.append(bytes, next);
  // [cap]
  EXPECT_EQ(bytes.substr(after_first),
            unhex("00"
                  "01 0000000000000000 0000000000000007"
                  "01 0000000000000001 000000000000001e"
                  "080010021808221622070a026b31120176a2060a0885ced9d185bfa8dd61 0000000000000007"));
  AppendDecoder decoder(kTo, kFrom);
  Kept kept;
  ASSERT_TRUE(decoder.feed(bytes, kept).ok());
  ASSERT_EQ(kept.messages.size(), 3u);
  EXPECT_TRUE(same(kept.messages[0], first));
  EXPECT_TRUE(same(kept.messages[1], commit));
  EXPECT_TRUE(same(kept.messages[2], next));
}

TEST(MessageStream, AnyChunking) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    MessageMaker random(seed);
    std::vector<raft::Message> sent;
    std::string bytes;
    for (int i = 0; i < 40; ++i) {
      sent.push_back(random.message());
      append_message_frame(bytes, sent.back());
    }
    MessageDecoder decoder;
    Kept kept;
    ASSERT_TRUE(feed_chunked(decoder, bytes, random, kept).ok());
    ASSERT_EQ(kept.messages.size(), sent.size());
    for (size_t i = 0; i < sent.size(); ++i) ASSERT_TRUE(same(sent[i], kept.messages[i])) << i;
  }
}

TEST(AppendStream, AnyChunking) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    MessageMaker random(seed);
    AppendEncoder encoder;
    std::vector<raft::Message> sent;
    std::string bytes;
    size_t with_head = 0;
    for (int i = 0; i < 60; ++i) {
      sent.push_back(random.append(5, 6));
      const size_t before = bytes.size();
      encoder.append(bytes, sent.back());
      if (bytes[before] == 2) ++with_head;
      if (random.below(5) == 0) AppendEncoder::append_heartbeat(bytes);
    }
    EXPECT_LT(with_head, sent.size()) << "none was sent without its head";
    AppendDecoder decoder(6, 5);
    Kept kept;
    ASSERT_TRUE(feed_chunked(decoder, bytes, random, kept).ok());
    ASSERT_EQ(kept.messages.size(), sent.size());
    for (size_t i = 0; i < sent.size(); ++i) ASSERT_TRUE(same(sent[i], kept.messages[i])) << i;
  }
}

TEST(Streams, RefuseGarbageAndAbsurdLengths) {
  Kept kept;
  for (const char* hex : {
           "ffffffffffffffff",                     // a length
           "0000000020000001",                     // one byte above 512 MiB
           "0000000000000002 0800",                // a type that never travels
           "0000000000000003 ffffff",              // no message
           "0000000000000000",                     // nothing
           "485454502f312e312034303420",           // text
       }) {
    MessageDecoder decoder;
    EXPECT_FALSE(decoder.feed(unhex(hex), kept).ok()) << hex;
  }
  for (const char* hex : {
           "03",                                            // a type of frame
           "02 ffffffffffffffff",                           // a length
           "02 0000000000000003 ffffff",                    // no message
           "01 ffffffffffffffff",                           // so many entries
           "01 0000000000800001",                           // more than memory for them is given
           "01 0000000000000001 ffffffffffffffff",          // an entry so long
           "01 0000000000000001 0000000000000002 ffff",     // no entry
       }) {
    AppendDecoder decoder(1, 2);
    EXPECT_FALSE(decoder.feed(unhex(hex), kept).ok()) << hex;
  }
  EXPECT_TRUE(kept.messages.empty());
}

// Entries count together: many below the limit are as bad as one above it.
TEST(AppendStream, BoundsTheSumOfTheEntries) {
  AppendDecoder decoder(1, 2, 10'000);
  Kept kept;
  std::string bytes = unhex("01 0000000000000064");  // 100
  std::string long_entry;
  codec::append_big_endian<uint64_t>(long_entry, 4);
  long_entry += unhex("1002 1801");
  for (int i = 0; i < 100; ++i) bytes += long_entry;
  codec::append_big_endian<uint64_t>(bytes, 0);
  EXPECT_TRUE(decoder.feed(bytes, kept).ok());
  AppendDecoder tight(1, 2, 6'400);
  EXPECT_FALSE(tight.feed(bytes, kept).ok());
}

TEST(Streams, StopWhenTheSinkWantsNoMore) {
  MessageMaker random(3);
  std::string bytes;
  for (int i = 0; i < 5; ++i) append_message_frame(bytes, random.message());
  MessageDecoder decoder;
  Kept kept;
  kept.stop_after = 2;
  EXPECT_TRUE(decoder.feed(bytes, kept).ok());
  EXPECT_EQ(kept.messages.size(), 2u);
}

}  // namespace
}  // namespace gatehouse::transport

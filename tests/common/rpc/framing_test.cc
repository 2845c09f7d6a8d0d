#include "common/rpc/framing.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "common/rpc/inbound.h"

namespace gatehouse::rpc {
namespace {

std::string framed(std::string_view message, bool compressed = false) {
  std::string out;
  append_message(out, message, compressed);
  return out;
}

// All messages of `bytes`, fed in pieces of at most `piece` bytes.
std::vector<std::string> decode(MessageDecoder& decoder, std::string_view bytes, size_t piece) {
  std::vector<std::string> messages;
  while (!bytes.empty()) {
    // A copy of its own: a view that outlives it is one a sanitizer sees.
    const std::string chunk(bytes.substr(0, piece));
    bytes.remove_prefix(chunk.size());
    std::string_view in = chunk;
    MessageDecoder::Message message;
    MessageDecoder::Next next;
    while ((next = decoder.next(in, message)) == MessageDecoder::Next::kMessage) {
      messages.push_back((message.compressed ? "z:" : "") + std::string(message.bytes));
    }
    if (next == MessageDecoder::Next::kError) break;
    EXPECT_TRUE(in.empty());
  }
  return messages;
}

TEST(Framing, TheExampleOfTheProtocol) {
  EXPECT_EQ(framed("abc"), std::string("\0\0\0\0\3abc", 8));
  EXPECT_EQ(framed("", true), std::string("\1\0\0\0\0", 5));
  EXPECT_EQ(framed(std::string(0x010203, 'x')).substr(0, 5), std::string("\0\0\1\2\3", 5));
}

TEST(Framing, AnyChunkingGivesTheSameMessages) {
  const std::string large(100'000, 'L');
  const std::string bytes = framed("one") + framed("") + framed(large, true) + framed("last");
  const std::vector<std::string> expected{"one", "", "z:" + large, "last"};
  for (size_t piece : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 1000, 16384, 1'000'000}) {
    MessageDecoder decoder(SIZE_MAX);
    EXPECT_EQ(decode(decoder, bytes, piece), expected) << piece;
    EXPECT_FALSE(decoder.inside_message()) << piece;
  }
}

TEST(Framing, RandomMessagesInRandomPieces) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::string bytes;
    std::vector<std::string> expected;
    for (size_t n = random() % 20; n > 0; --n) {
      std::string message(random() % 2 == 0 ? random() % 10 : random() % 5000, 'a');
      for (char& c : message) c = static_cast<char>(random());
      bytes += framed(message);
      expected.push_back(std::move(message));
    }
    MessageDecoder decoder(5000);
    std::vector<std::string> got;
    for (size_t at = 0; at < bytes.size();) {
      const size_t piece = 1 + random() % 700;
      for (std::string& message :
           decode(decoder, std::string_view(bytes).substr(at, piece), piece)) {
        got.push_back(std::move(message));
      }
      at += piece;
    }
    ASSERT_EQ(got, expected);
  }
}

TEST(Framing, AWholeMessageIsNotCopied) {
  const std::string bytes = framed("no copy of this") + framed("nor of this");
  MessageDecoder decoder(100);
  std::string_view in = bytes;
  MessageDecoder::Message message;
  ASSERT_EQ(decoder.next(in, message), MessageDecoder::Next::kMessage);
  EXPECT_EQ(message.bytes.data(), bytes.data() + kPrefixBytes);
  ASSERT_EQ(decoder.next(in, message), MessageDecoder::Next::kMessage);
  EXPECT_EQ(message.bytes, "nor of this");
  EXPECT_EQ(message.bytes.data(), bytes.data() + bytes.size() - 11);
}

TEST(Framing, TheLimitIsCheckedOnThePrefix) {
  MessageDecoder decoder(1000);
  const std::string prefix = framed(std::string(1001, 'x')).substr(0, kPrefixBytes);
  std::string_view in = prefix;
  MessageDecoder::Message message;
  EXPECT_EQ(decoder.next(in, message), MessageDecoder::Next::kError);
  EXPECT_EQ(decoder.error(),
            resource_exhausted("grpc: received message larger than max (1001 vs. 1000)"));
  EXPECT_EQ(decoder.kept_bytes(), 0u);
  in = "more";
  EXPECT_EQ(decoder.next(in, message), MessageDecoder::Next::kError) << "an error is final";

  MessageDecoder exact(1000);
  const std::string fits = framed(std::string(1000, 'x'));
  EXPECT_EQ(decode(exact, fits, 7).size(), 1u);
}

TEST(Framing, AnUnknownFlagIsAnError) {
  MessageDecoder decoder(1000);
  std::string_view in("\2\0\0\0\0", 5);
  MessageDecoder::Message message;
  EXPECT_EQ(decoder.next(in, message), MessageDecoder::Next::kError);
  EXPECT_EQ(decoder.error(), internal_error("grpc: received unexpected payload format 2"));
}

TEST(Framing, APrefixThatPromisesMuchCostsNothing) {
  MessageDecoder decoder(SIZE_MAX);
  std::string_view in("\0\xff\xff\xff\xffx", 6);
  MessageDecoder::Message message;
  EXPECT_EQ(decoder.next(in, message), MessageDecoder::Next::kNeedBytes);
  EXPECT_EQ(decoder.kept_bytes(), 1u);
  EXPECT_TRUE(decoder.inside_message());
}

// ---- Inbound

struct Collect final : Inbound::Sink {
  bool on_inbound(std::string_view message) override {
    messages.emplace_back(message);
    if (want_more > 0) {
      --want_more;
      inbound->want();
    }
    return !stop;
  }
  Inbound* inbound = nullptr;
  int want_more = 0;
  bool stop = false;
  std::vector<std::string> messages;
};

TEST(Inbound, HandsOutWhatIsWantedAndCreditsOnlyThat) {
  Inbound inbound(1000);
  Collect sink;
  sink.inbound = &inbound;
  const std::string bytes = framed("a") + framed("bb") + framed("ccc");
  size_t credit = 0;
  EXPECT_EQ(inbound.feed(bytes, sink, credit), Inbound::Outcome::kOk);
  EXPECT_EQ(sink.messages, std::vector<std::string>({"a"}));
  EXPECT_EQ(credit, 6u);
  EXPECT_EQ(inbound.backlog_bytes(), 7u + 8u);

  // More comes meanwhile: kept, in order, not credited.
  EXPECT_EQ(inbound.feed(framed("d").substr(0, 3), sink, credit), Inbound::Outcome::kOk);
  EXPECT_EQ(credit, 0u);

  EXPECT_TRUE(inbound.want());
  EXPECT_EQ(inbound.feed({}, sink, credit), Inbound::Outcome::kOk);
  EXPECT_EQ(credit, 7u);
  EXPECT_EQ(sink.messages.back(), "bb");

  sink.want_more = 5;
  EXPECT_TRUE(inbound.want());
  EXPECT_EQ(inbound.feed(framed("d").substr(3), sink, credit), Inbound::Outcome::kOk);
  EXPECT_EQ(sink.messages, std::vector<std::string>({"a", "bb", "ccc", "d"}));
  EXPECT_EQ(inbound.backlog_bytes(), 0u);
  EXPECT_FALSE(inbound.want()) << "nothing is kept: no turn of its own is needed";
}

TEST(Inbound, EveryByteIsCreditedOnceInTheEnd) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    Inbound inbound(100'000);
    Collect sink;
    sink.inbound = &inbound;
    std::string bytes;
    const size_t count = random() % 30;
    for (size_t i = 0; i < count; ++i) bytes += framed(std::string(random() % 300, 'x'));
    size_t credited = 0;
    size_t credit = 0;
    for (size_t at = 0; at < bytes.size();) {
      const std::string piece = bytes.substr(at, 1 + random() % 500);
      at += piece.size();
      ASSERT_EQ(inbound.feed(piece, sink, credit), Inbound::Outcome::kOk);
      credited += credit;
      ASSERT_EQ(credited + inbound.backlog_bytes(), at);
      if (random() % 2 == 0 && inbound.want()) {
        ASSERT_EQ(inbound.feed({}, sink, credit), Inbound::Outcome::kOk);
        credited += credit;
      }
    }
    while (inbound.want()) {
      ASSERT_EQ(inbound.feed({}, sink, credit), Inbound::Outcome::kOk);
      credited += credit;
    }
    ASSERT_EQ(credited, bytes.size());
    ASSERT_EQ(sink.messages.size(), count);
    ASSERT_FALSE(inbound.cut_short());
  }
}

TEST(Inbound, CompressedWithoutAnEncodingIsAnError) {
  Inbound inbound(1000);
  Collect sink;
  sink.inbound = &inbound;
  size_t credit = 0;
  EXPECT_EQ(inbound.feed(framed("x", true), sink, credit), Inbound::Outcome::kFailed);
  EXPECT_EQ(inbound.error(),
            internal_error("grpc: compressed flag set with identity or empty encoding"));
}

// A handler may destroy the call while it reads the message.
TEST(Inbound, AMessageOutlivesTheInbound) {
  struct Suicide final : Inbound::Sink {
    bool on_inbound(std::string_view message) override {
      owner.reset();
      seen = std::string(message);
      return false;
    }
    std::unique_ptr<Inbound> owner = std::make_unique<Inbound>(100'000);
    std::string seen;
  };
  const std::string message(5000, 'm');
  const std::string bytes = framed(message);
  size_t credit = 0;

  Suicide assembled;
  ASSERT_EQ(assembled.owner->feed(bytes.substr(0, 100), assembled, credit), Inbound::Outcome::kOk);
  EXPECT_EQ(assembled.owner->feed(bytes.substr(100), assembled, credit),
            Inbound::Outcome::kStopped);
  EXPECT_EQ(assembled.seen, message);

  Suicide backlogged;
  Collect first;
  ASSERT_EQ(backlogged.owner->feed(framed("1") + bytes, first, credit), Inbound::Outcome::kOk);
  ASSERT_TRUE(backlogged.owner->want());
  EXPECT_EQ(backlogged.owner->feed({}, backlogged, credit), Inbound::Outcome::kStopped);
  EXPECT_EQ(backlogged.seen, message);
}

}  // namespace
}  // namespace gatehouse::rpc

// The peer port as another member, or anybody, sees it: raw HTTP/1.1 in, exact status codes and
// texts out.
#include "member/transport/peer_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/codec/fixed.h"
#include "member/transport/message_codec.h"
#include "tests/common/loop/support.h"
#include "tests/member/transport/rig.h"

namespace gatehouse::transport {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace testing;  // NOLINT: the rig

struct Reply {
  int status = 0;  // 0: no answer, the connection is still there; -1: it was cut
  std::string head;
  std::string body;
};

class PeerPortTest : public ::testing::Test {
 protected:
  PeerPortTest() : member(net, 1) { member.transport->add_peer(2, {url_of(2)}); }

  Reply send(const std::string& bytes) {
    std::unique_ptr<net::Dialer> dialer = net.network.dialer("client", net.sim);
    std::unique_ptr<env::ByteStream> stream;
    loop::NotingSink sink;
    auto dial = dialer->dial(url_of(1), [&](Result<std::unique_ptr<env::ByteStream>> made) {
      stream = *std::move(made);
      stream->start(sink);
      stream->write(bytes);
    });
    net.sim.advance(20);
    Reply reply;
    if (sink.bytes.empty()) {
      reply.status = sink.ended || sink.broken ? -1 : 0;
    } else {
      reply.status = std::stoi(sink.bytes.substr(9, 3));
      const size_t end = sink.bytes.find("\r\n\r\n");
      reply.head = sink.bytes.substr(0, end);
      reply.body = sink.bytes.substr(end + 4);
    }
    if (stream != nullptr) net.sim.destroy_later(std::move(stream));
    net.sim.run_until_idle();
    return reply;
  }

  using Fields = std::vector<std::pair<std::string, std::string>>;

  static Fields good() {
    return {{"X-Etcd-Cluster-Id", to_hex(kCluster)},
            {"X-Server-From", "2"},
            {"X-Server-Version", "3.4.0"},
            {"X-Min-Cluster-Version", "3.0.0"}};
  }
  static Fields with(Fields fields, const std::string& name, const std::string& value) {
    std::erase_if(fields, [&](const auto& field) { return field.first == name; });
    if (value != "-") fields.emplace_back(name, value);
    return fields;
  }

  static std::string request(const std::string& method, const std::string& path,
                             const Fields& fields, std::optional<std::string> body = {}) {
    std::string out = method + " " + path + " HTTP/1.1\r\nHost: m1:2380\r\n";
    for (const auto& [name, value] : fields) out += name + ": " + value + "\r\n";
    if (body) out += "Content-Length: " + std::to_string(body->size()) + "\r\n";
    return out + "\r\n" + body.value_or("");
  }

  static std::string encoded(raft::Message message) {
    std::string bytes;
    append_message(bytes, message);
    return bytes;
  }

  static raft::Message from_two() {
    raft::Message message = message_to(1, raft::MessageType::kVote);
    message.from = 2;
    return message;
  }

  static std::string snapshot_body(const raft::Message& message, std::string_view database) {
    const std::string head = encoded(message);
    std::string body;
    codec::append_big_endian<uint64_t>(body, head.size());
    return body + head + std::string(database);
  }

  Net net;
  Member member;
};

TEST_F(PeerPortTest, StreamsByTheTable) {
  struct Row {
    const char* what;
    std::string method, path;
    Fields fields;
    int status;
    std::string body;
  };
  const std::string stream = "/raft/stream/msgapp/2";
  const Fields to_us = with(good(), "X-Raft-To", "1");
  const Row rows[] = {
      {"method", "POST", stream, to_us, 405, "Method Not Allowed\n"},
      {"version too old", "GET", stream, with(to_us, "X-Server-Version", "2.3.8"), 412,
       "incompatible version\n"},
      {"version missing", "GET", stream, with(to_us, "X-Server-Version", "-"), 412,
       "incompatible version\n"},
      {"version that is none", "GET", stream, with(to_us, "X-Server-Version", "three"), 412,
       "incompatible version\n"},
      {"needs a newer cluster", "GET", stream, with(to_us, "X-Min-Cluster-Version", "3.8.0"), 412,
       "incompatible version\n"},
      {"minimum that is none", "GET", stream, with(to_us, "X-Min-Cluster-Version", "x"), 412,
       "incompatible version\n"},
      {"cluster", "GET", stream, with(to_us, "X-Etcd-Cluster-Id", "f6154626a831dc53"), 412,
       "cluster ID mismatch\n"},
      {"cluster missing", "GET", stream, with(to_us, "X-Etcd-Cluster-Id", "-"), 412,
       "cluster ID mismatch\n"},
      {"version before cluster", "GET", stream,
       with(with(to_us, "X-Etcd-Cluster-Id", "-"), "X-Server-Version", "2.0.0"), 412,
       "incompatible version\n"},
      {"cluster before path", "GET", "/raft/stream/x/2", with(to_us, "X-Etcd-Cluster-Id", "-"),
       412, "cluster ID mismatch\n"},
      {"path", "GET", "/raft/stream/snapshot/2", to_us, 404, "invalid path\n"},
      {"path too long", "GET", "/raft/stream/msgapp/x/2", to_us, 404, "invalid path\n"},
      {"id", "GET", "/raft/stream/msgapp/xyz", to_us, 404, "invalid from\n"},
      {"no id", "GET", "/raft/stream/message/", to_us, 404, "invalid from\n"},
      {"id too long", "GET", "/raft/stream/message/11111111111111111", to_us, 404,
       "invalid from\n"},
      {"removed", "GET", "/raft/stream/msgapp/7", to_us, 410, "removed member\n"},
      {"unknown", "GET", "/raft/stream/message/8", to_us, 404, "error sender not found\n"},
      {"other target", "GET", stream, with(to_us, "X-Raft-To", "3"), 412, "to field mismatch\n"},
      {"no target", "GET", stream, good(), 412, "to field mismatch\n"},
  };
  member.removed.insert(7);
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Reply reply = send(request(row.method, row.path, row.fields));
    EXPECT_EQ(reply.status, row.status);
    EXPECT_EQ(reply.body, row.body);
    EXPECT_THAT(reply.head, row.status == 405
                                ? HasSubstr("Allow: GET")
                                : HasSubstr("X-Etcd-Cluster-Id: f6154626a831dc52"));
  }
  for (const char* kind : {"msgapp", "message"}) {
    const Reply open = send(request("GET", std::string("/raft/stream/") + kind + "/2", to_us));
    EXPECT_EQ(open.status, 200);
    EXPECT_THAT(open.head, HasSubstr("X-Server-Version: 3.7.1"));
    EXPECT_THAT(open.head, HasSubstr("X-Etcd-Cluster-Id: f6154626a831dc52"));
    EXPECT_THAT(open.head, HasSubstr("Transfer-Encoding: chunked"));
    EXPECT_THAT(open.body, IsEmpty());
  }
}

TEST_F(PeerPortTest, ASecondStreamReplacesTheFirst) {
  Member two(net, 2);
  two.transport->add_peer(1, {url_of(1)});
  net.sim.advance(300);
  const std::string get =
      request("GET", "/raft/stream/message/2", with(good(), "X-Raft-To", "1"));
  EXPECT_EQ(send(get).status, 200);
  // The real peer notices and comes back.
  net.sim.advance(300);
  member.send(message_to(2, raft::MessageType::kHeartbeat));
  net.sim.advance(50);
  EXPECT_EQ(two.messages.size(), 1u);
}

TEST_F(PeerPortTest, PipelineByTheTable) {
  const std::string ok = encoded(from_two());
  raft::Message removed = from_two(), misdirected = from_two();
  removed.from = 7;
  misdirected.to = 3;
  member.removed.insert(7);
  struct Row {
    const char* what;
    std::string method;
    Fields fields;
    std::string body;
    int status;
    std::string answer;
  };
  const Row rows[] = {
      {"good", "POST", good(), ok, 204, ""},
      {"method", "GET", good(), ok, 405, "Method Not Allowed\n"},
      {"version", "POST", with(good(), "X-Server-Version", "-"), ok, 412,
       "incompatible version\n"},
      {"cluster", "POST", with(good(), "X-Etcd-Cluster-Id", "1"), ok, 412,
       "cluster ID mismatch\n"},
      {"garbage", "POST", good(), "garbage", 400, "error unmarshalling raft message\n"},
      {"nothing", "POST", good(), "", 400, "error unmarshalling raft message\n"},
      {"no sender", "POST", good(), unhex("0805 1001"), 400, "error unmarshalling raft message\n"},
      {"removed", "POST", good(), encoded(removed), 403,
       R"({"message":"cannot process message from removed member"})"},
      {"misdirected", "POST", good(), encoded(misdirected), 403,
       R"({"message":"cannot process message to mismatch member"})"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Reply reply = send(request(row.method, "/raft", row.fields, row.body));
    EXPECT_EQ(reply.status, row.status);
    EXPECT_EQ(reply.body, row.answer);
  }
  ASSERT_EQ(member.messages.size(), 1u);
  EXPECT_TRUE(same(member.messages[0], from_two()));
}

TEST_F(PeerPortTest, SnapshotsByTheTable) {
  raft::Message snapshot = snapshot_to(1);
  snapshot.from = 2;
  raft::Message removed = snapshot, misdirected = snapshot;
  removed.from = 7;
  misdirected.to = 3;
  member.removed.insert(7);
  std::string database;
  for (uint64_t i = 0; i < 5000; ++i) database += PatternSource::at(i);
  std::string absurd;
  codec::append_big_endian<uint64_t>(absurd, uint64_t{1} << 60);
  std::string above_limit;
  codec::append_big_endian<uint64_t>(above_limit, 64 * 1024 * 1024 + 1);
  struct Row {
    const char* what;
    std::string body;
    int status;
    std::string answer;
  };
  const Row rows[] = {
      {"good", snapshot_body(snapshot, database), 204, ""},
      {"another type", snapshot_body(from_two(), database), 400, "wrong raft message type\n"},
      {"absurd length", absurd + "x", 400, "error unmarshalling raft message\n"},
      {"length", above_limit, 400, "error unmarshalling raft message\n"},
      {"cut in the message", snapshot_body(snapshot, "").substr(0, 20), 400,
       "error reading raft message\n"},
      {"empty", "", 400, "error reading raft message\n"},
      {"garbage", unhex("0000000000000003 ffffff"), 400, "error unmarshalling raft message\n"},
      {"removed", snapshot_body(removed, database), 403,
       R"({"message":"cannot process message from removed member"})"},
      {"misdirected", snapshot_body(misdirected, database), 403,
       R"({"message":"cannot process message to mismatch member"})"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Reply reply = send(request("POST", "/raft/snapshot", good(), row.body));
    EXPECT_EQ(reply.status, row.status);
    EXPECT_EQ(reply.body, row.answer);
  }
  ASSERT_EQ(member.messages.size(), 1u);
  EXPECT_TRUE(same(member.messages[0], snapshot));
  ASSERT_EQ(member.databases.size(), 1u);
  EXPECT_TRUE(member.databases[0]->finished && member.databases[0]->intact);
  EXPECT_EQ(member.databases[0]->bytes, 5000u);

  member.refuse_snapshot = internal_error("no space left on device");
  const Reply full = send(request("POST", "/raft/snapshot", good(), rows[0].body));
  EXPECT_EQ(full.status, 500);
  EXPECT_EQ(full.body, "no space left on device\n");
}

TEST_F(PeerPortTest, OtherRoutes) {
  struct Row {
    std::string method, path;
    Fields fields;
    std::optional<std::string> body;
    int status;
    std::string answer;
  };
  const Row rows[] = {
      {"GET", "/members", {}, {}, 200, "[{\"id\":1}]\n"},
      {"POST", "/members", {}, {}, 405, "Method Not Allowed\n"},
      {"GET", "/version", {}, {}, 200, R"({"etcdserver":"3.7.1"})"},
      {"DELETE", "/version", {}, {}, 405, "Method Not Allowed\n"},
      {"POST", "/members/promote/123", {{"Authorization", "tok"}}, "", 200, "promote 123 tok"},
      {"GET", "/members/promote/123", {}, {}, 405, "Method Not Allowed\n"},
      {"GET", "/members/hashkv", {}, R"({"revision":4})", 200, R"(hash {"revision":4})"},
      {"GET", "/members/hashkv", {{"X-Etcd-Cluster-Id", "1"}}, "{}", 412, "cluster ID mismatch\n"},
      {"GET", "/members/hashkv", {{"X-Etcd-Cluster-Id", to_hex(kCluster)}}, "{}", 200, "hash {}"},
      {"POST", "/leases", {}, "L", 200, "renew L"},
      {"GET", "/leases", {}, {}, 405, "Method Not Allowed\n"},
      {"POST", "/leases/internal", {}, "L", 200, "ttl L"},
      {"POST", "/leases", {}, std::string(64 * 1024 + 1, 'x'), 413,
       "http: request body too large\n"},
      {"GET", "/downgrade/enabled", {}, {}, 200, "false"},
      {"GET", "/", {}, {}, 404, "404 page not found\n"},
      {"GET", "/lease", {}, {}, 404, "404 page not found\n"},
      {"GET", "/raft/x", {}, {}, 404, "404 page not found\n"},
      {"GET", "/members?linearizable=true", {}, {}, 200, "[{\"id\":1}]\n"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.method + " " + row.path);
    const Reply reply = send(request(row.method, row.path, row.fields, row.body));
    EXPECT_EQ(reply.status, row.status);
    EXPECT_EQ(reply.body, row.answer);
  }
  const Reply probe = send(request("GET", "/raft/probing", {}));
  EXPECT_EQ(probe.status, 200);
  EXPECT_THAT(probe.body, HasSubstr("{\"OK\":true,\"Now\":\"2023-11-14T"));
  EXPECT_THAT(send(request("GET", "/members", {})).head,
              HasSubstr("X-Etcd-Cluster-Id: f6154626a831dc52"));
}

TEST_F(PeerPortTest, LateRepliesToRequestsThatAreGone) {
  member.hold_replies = true;
  EXPECT_EQ(send(request("GET", "/downgrade/enabled", {})).status, 0);
  net.sim.advance(10'000);
  ASSERT_EQ(member.held_replies.size(), 1u);
  member.held_replies[0]({.body = "false"});
  net.sim.run_until_idle();
}

TEST_F(PeerPortTest, WhoIsNotAdmittedIsCut) {
  member.admits = false;
  for (const char* path : {"/members", "/raft/probing", "/raft/stream/msgapp/2"}) {
    EXPECT_EQ(send(request("GET", path, with(good(), "X-Raft-To", "1"))).status, -1) << path;
  }
}

TEST_F(PeerPortTest, IdleConnectionsAreClosed) {
  std::unique_ptr<net::Dialer> dialer = net.network.dialer("client", net.sim);
  std::unique_ptr<env::ByteStream> stream;
  loop::NotingSink sink;
  auto dial = dialer->dial(url_of(1), [&](Result<std::unique_ptr<env::ByteStream>> made) {
    stream = *std::move(made);
    stream->start(sink);
  });
  net.sim.advance(20'000);
  EXPECT_TRUE(sink.ended || sink.broken);
}

// Strangers that call themselves members are remembered up to a bound.
TEST_F(PeerPortTest, UnknownSendersAreBounded) {
  for (uint64_t i = 100; i < 100 + 3 * kMaxRemotes; ++i) {
    raft::Message message = from_two();
    message.from = i;
    const Fields fields = with(with(good(), "X-Server-From", to_hex(i)), "X-Peerurls",
                               "http://stranger" + std::to_string(i) + ":1");
    EXPECT_EQ(send(request("POST", "/raft", fields, encoded(message))).status, 204);
  }
  const std::string metrics = member.registry.serialize();
  size_t remotes = 0;
  for (size_t at = 0; (at = metrics.find("etcd_network_known_peers{", at)) != std::string::npos;
       ++at) {
    ++remotes;
  }
  EXPECT_LE(remotes, kMaxRemotes + 1);
}

TEST_F(PeerPortTest, AfterStopThereIsNobody) {
  member.transport->stop();
  net.sim.run_until_idle();
  EXPECT_EQ(send(request("POST", "/raft", good(), encoded(from_two()))).status, 503);
}

}  // namespace
}  // namespace gatehouse::transport

#include "common/loop/srv_resolver.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "common/loop/socket_address.h"
#include "tests/common/loop/support.h"

namespace gatehouse::loop {
namespace {

using ::testing::HasSubstr;

void put16(std::string& out, uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}

void put_name(std::string& out, const std::string& name) {
  size_t start = 0;
  while (start < name.size()) {
    const size_t dot = std::min(name.find('.', start), name.size());
    out += static_cast<char>(dot - start);
    out += name.substr(start, dot - start);
    start = dot + 1;
  }
  out += '\0';
}

// A DNS server on loopback, on a thread: answers every query with what it was made with (RFC 1035
// section 4.1).
class DnsServer {
 public:
  enum class Mode { kRecords, kNoSuchName, kNoRecords, kSilent, kGarbage };

  DnsServer(Mode mode, std::vector<SrvRecord> records = {})
      : mode_(mode), records_(std::move(records)), fd_(socket(AF_INET, SOCK_DGRAM, 0)) {
    const SocketAddress any = *SocketAddress::ip("127.0.0.1", 0);
    CHECK(bind(fd_.get(), any.get(), any.size()) == 0);
    sockaddr_in bound{};
    socklen_t bytes = sizeof(bound);
    CHECK(getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&bound), &bytes) == 0);
    port_ = ntohs(bound.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~DnsServer() {
    stop_ = true;
    thread_.join();
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int queries() const { return queries_; }

 private:
  void serve() {
    while (!stop_) {
      pollfd poll_fd{fd_.get(), POLLIN, 0};
      if (poll(&poll_fd, 1, 20) != 1) continue;
      char query[1500];
      sockaddr_storage from{};
      socklen_t from_bytes = sizeof(from);
      const ssize_t n = recvfrom(fd_.get(), query, sizeof(query), 0,
                                 reinterpret_cast<sockaddr*>(&from), &from_bytes);
      if (n < 12) continue;
      ++queries_;
      if (mode_ == Mode::kSilent) continue;
      const std::string reply = answer(std::string(query, static_cast<size_t>(n)));
      sendto(fd_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from),
             from_bytes);
    }
  }

  std::string answer(const std::string& query) const {
    size_t question_end = 12;
    while (query[question_end] != '\0')
      question_end += 1 + static_cast<uint8_t>(query[question_end]);
    question_end += 5;
    std::string reply = query.substr(0, 2);
    put16(reply, static_cast<uint16_t>(0x8180 | (mode_ == Mode::kNoSuchName ? 3 : 0)));
    put16(reply, 1);
    put16(reply, static_cast<uint16_t>(mode_ == Mode::kGarbage ? 1 : records_.size()));
    put16(reply, 0);
    put16(reply, 0);
    reply += query.substr(12, question_end - 12);
    if (mode_ == Mode::kGarbage) return reply + "\xff\xff\xff";
    for (const SrvRecord& record : records_) {
      put16(reply, 0xc00c);  // the name of the question
      put16(reply, 33);
      put16(reply, 1);
      put16(reply, 0);
      put16(reply, 60);
      std::string data;
      put16(data, record.priority);
      put16(data, record.weight);
      put16(data, record.port);
      put_name(data, record.target);
      put16(reply, static_cast<uint16_t>(data.size()));
      reply += data;
    }
    return reply;
  }

  const Mode mode_;
  const std::vector<SrvRecord> records_;
  UniqueFd fd_;
  uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> queries_{0};
  std::thread thread_;
};

Result<std::vector<SrvRecord>> look_up(const DnsServer& server, uint64_t timeout_ms = 2'000) {
  EventLoop loop;
  auto resolver = SrvResolver::create(loop, {server.address(), timeout_ms});
  CHECK(resolver.ok());
  std::optional<Result<std::vector<SrvRecord>>> result;
  auto attempt =
      (*resolver)->lookup("_etcd-client._tcp.example.test",
                          [&](Result<std::vector<SrvRecord>> found) { result = std::move(found); });
  EXPECT_FALSE(result.has_value());
  EXPECT_TRUE(run_until(loop, [&] { return result.has_value(); }));
  return *std::move(result);
}

TEST(SrvResolver, GivesRecordsByPriority) {
  const DnsServer server(DnsServer::Mode::kRecords, {{20, 1, 2379, "c.example.test"},
                                                     {10, 5, 2381, "b.example.test"},
                                                     {10, 9, 2380, "a.example.test"}});
  const auto records = look_up(server);
  ASSERT_TRUE(records.ok()) << records.status().to_string();
  EXPECT_EQ(*records, (std::vector<SrvRecord>{{10, 9, 2380, "a.example.test"},
                                              {10, 5, 2381, "b.example.test"},
                                              {20, 1, 2379, "c.example.test"}}));
}

TEST(SrvResolver, NoSuchNameAndNoRecordsAreNotFound) {
  for (const DnsServer::Mode mode :
       {DnsServer::Mode::kNoSuchName, DnsServer::Mode::kNoRecords, DnsServer::Mode::kRecords}) {
    // The root as the only target: "decidedly not available at this domain" (RFC 2782).
    std::vector<SrvRecord> records;
    if (mode == DnsServer::Mode::kRecords) records.push_back({0, 0, 0, ""});
    const DnsServer server(mode, records);
    const auto found = look_up(server);
    ASSERT_FALSE(found.ok());
    EXPECT_EQ(found.status(), not_found("lookup _etcd-client._tcp.example.test: no SRV record"));
  }
}

TEST(SrvResolver, SilenceEndsInATimeout) {
  const DnsServer server(DnsServer::Mode::kSilent);
  const auto found = look_up(server, 50);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(found.status().message(), HasSubstr("_etcd-client._tcp.example.test: "));
  EXPECT_GE(server.queries(), SrvResolver::kTries);
}

TEST(SrvResolver, GarbageIsAnError) {
  const DnsServer server(DnsServer::Mode::kGarbage);
  const auto found = look_up(server, 50);
  EXPECT_FALSE(found.ok());
}

TEST(SrvResolver, GivingUpInEitherOrder) {
  const DnsServer server(DnsServer::Mode::kSilent);
  EventLoop loop;
  auto resolver = *SrvResolver::create(loop, {server.address(), 20});
  const auto fail = [](Result<std::vector<SrvRecord>>) { FAIL(); };
  auto first = resolver->lookup("a.example.test", fail);
  auto second = resolver->lookup("b.example.test", fail);
  first.reset();
  ASSERT_TRUE(run_until(loop, [&] { return server.queries() >= 2; }));
  resolver.reset();
  int turns = 0;
  ASSERT_TRUE(run_until(loop, [&] { return ++turns > 5; }));
}

TEST(SrvResolver, BadServersAreAnError) {
  EventLoop loop;
  const auto resolver = SrvResolver::create(loop, {"not an address", 1'000});
  ASSERT_FALSE(resolver.ok());
  EXPECT_EQ(resolver.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(resolver.status().message(), HasSubstr("not an address"));
}

}  // namespace
}  // namespace gatehouse::loop

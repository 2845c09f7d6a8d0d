// The command line, and that the requests made by hand are what protobuf reads.
#include "tests/bench/gatehouse_bench/requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/codec/base64.h"
#include "common/rpc/framing.h"
#include "proto/rpc.pb.h"
#include "tests/bench/gatehouse_bench/options.h"

namespace gatehouse::bench {
namespace {

namespace pb = ::etcdserverpb;

CommandLine parse(std::vector<const char*> words) {
  words.insert(words.begin(), "gatehouse-bench");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

Options options_of(std::vector<const char*> words) {
  CommandLine line = parse(std::move(words));
  EXPECT_TRUE(line.options);
  return line.options.value_or(Options());
}

template <typename Message>
Message read(std::string_view body) {
  rpc::MessageDecoder decoder(1 << 24);
  rpc::MessageDecoder::Message framed;
  EXPECT_EQ(decoder.next(body, framed), rpc::MessageDecoder::Next::kMessage);
  EXPECT_TRUE(body.empty());
  Message message;
  EXPECT_TRUE(message.ParseFromArray(framed.bytes.data(), static_cast<int>(framed.bytes.size())));
  // Nothing that protobuf does not know, and nothing it would write in another way.
  EXPECT_EQ(message.SerializeAsString().size(), framed.bytes.size());
  return message;
}

TEST(RequestsTest, Put) {
  const Options options = options_of({"put", "--value-size", "100"});
  RequestPlan plan = plan_requests(options, {"https", "host:1"});
  EXPECT_EQ(plan.head.path, "/etcdserverpb.KV/Put");
  EXPECT_EQ(plan.head.authority, "host:1");
  EXPECT_EQ(plan.head.scheme, "https");
  EXPECT_EQ(plan.numbers, 10000u);
  const auto put = read<pb::PutRequest>(plan.body.fill(plan.first_key(9999)));
  EXPECT_EQ(put.key(), options.keys.key(9999));
  EXPECT_EQ(put.key().size(), 32u);
  EXPECT_EQ(put.value().size(), 100u);
}

TEST(RequestsTest, Get) {
  const Options options = options_of({"get", "--serializable"});
  RequestPlan plan = plan_requests(options, {"https", "host:1"});
  EXPECT_EQ(plan.head.path, "/etcdserverpb.KV/Range");
  const auto get = read<pb::RangeRequest>(plan.body.fill(plan.first_key(12)));
  EXPECT_EQ(get.key(), options.keys.key(12));
  EXPECT_EQ(get.range_end(), "");
  EXPECT_TRUE(get.serializable());
  EXPECT_FALSE(
      read<pb::RangeRequest>(plan_requests(options_of({"get"}), {}).body.fill(1)).serializable());
}

TEST(RequestsTest, RangesDoNotOverlapAndStayWithinTheKeys) {
  const Options options = options_of({"range", "--keys", "1050", "--range-keys", "100"});
  RequestPlan plan = plan_requests(options, {"https", "host:1"});
  EXPECT_EQ(plan.numbers, 10u);
  const auto range = read<pb::RangeRequest>(plan.body.fill(plan.first_key(9)));
  EXPECT_EQ(range.key(), options.keys.key(900));
  EXPECT_EQ(range.range_end(), options.keys.key(1000));
  EXPECT_EQ(plan.least_answer_bytes, 5 + 100 * 256u);
}

TEST(RequestsTest, CountIsOfAllKeysOfTheRun) {
  const auto count = read<pb::RangeRequest>(plan_requests(options_of({"count"}), {}).body.fill(3));
  EXPECT_EQ(count.key(), "gatehouse-bench/");
  EXPECT_EQ(count.range_end(), "gatehouse-bench0");
  EXPECT_TRUE(count.count_only());
}

TEST(RequestsTest, TxnComparesAndPuts) {
  const Options options = options_of({"txn"});
  const auto txn = read<pb::TxnRequest>(plan_requests(options, {}).body.fill(77));
  ASSERT_EQ(txn.compare_size(), 1);
  EXPECT_EQ(txn.compare(0).key(), options.keys.key(77));
  EXPECT_EQ(txn.compare(0).result(), pb::Compare::GREATER);
  EXPECT_EQ(txn.compare(0).target(), pb::Compare::VERSION);
  ASSERT_EQ(txn.success_size(), 1);
  ASSERT_EQ(txn.failure_size(), 1);
  EXPECT_EQ(txn.success(0).request_put().key(), options.keys.key(77));
  EXPECT_EQ(txn.failure(0).request_put().key(), options.keys.key(77));
}

TEST(RequestsTest, FillWritesEachKeyAndNoOther) {
  for (const char* count : {"1", "99", "100", "101", "250"}) {
    const Options options = options_of({"get", "--keys", count, "--range-keys", "1"});
    RequestPlan plan = plan_fill(options, {});
    std::set<std::string> keys;
    for (uint64_t number = 0; number < plan.numbers; ++number) {
      const auto txn = read<pb::TxnRequest>(plan.body.fill(plan.first_key(number)));
      EXPECT_EQ(txn.compare_size(), 0);
      std::set<std::string> of_this;  // etcd refuses a transaction that puts a key twice
      for (const auto& op : txn.success()) {
        EXPECT_TRUE(of_this.insert(op.request_put().key()).second);
        EXPECT_EQ(op.request_put().value().size(), 256u);
      }
      keys.merge(of_this);
    }
    ASSERT_EQ(keys.size(), options.keys.count);
    EXPECT_EQ(*keys.begin(), options.keys.key(0));
    EXPECT_EQ(*keys.rbegin(), options.keys.key(options.keys.count - 1));
  }
}

TEST(RequestsTest, FillKeepsBelowTheSizeOfARequest) {
  const Options options = options_of({"get", "--value-size", "400000"});
  RequestPlan plan = plan_fill(options, {});
  EXPECT_LE(plan.body.size(), size_t{1536} * 1024);
  EXPECT_EQ(read<pb::TxnRequest>(plan.body.fill(0)).success_size(), 2);
}

TEST(RequestsTest, StampedPut) {
  const Options options = options_of({"watch"});
  const auto put = read<pb::PutRequest>(plan_stamped_put(options, {}).body.fill(5, 123456));
  EXPECT_EQ(put.key(), options.keys.key(5));
  EXPECT_EQ(put.value().size(), 256u);
  EXPECT_EQ(put.value().substr(0, 20), "00000000000000123456");
}

TEST(RequestsTest, Streams) {
  const Options options = options_of({"watch"});
  const auto watch = read<pb::WatchRequest>(watch_create_message(options.keys));
  EXPECT_EQ(watch.create_request().key(), "gatehouse-bench/");
  EXPECT_EQ(watch.create_request().range_end(), "gatehouse-bench0");
  EXPECT_EQ(read<pb::LeaseGrantRequest>(lease_grant_message(77)).ttl(), 77);
  EXPECT_EQ(read<pb::LeaseKeepAliveRequest>(keepalive_message(1234567890123)).id(), 1234567890123);
}

TEST(RequestsTest, Rest) {
  const Options options = options_of({"rest-put", "--value-size", "3", "--token", "secret"});
  RequestPlan plan = plan_requests(options, {"https", "host:1"});
  EXPECT_EQ(plan.head.path, "/v3/kv/put");
  EXPECT_EQ(plan.head.headers.get("authorization"), "secret");
  const std::string body(plan.body.fill(8));
  EXPECT_EQ(plan.head.headers.get("content-length"), std::to_string(body.size()));
  EXPECT_THAT(body, testing::StartsWith("{\"key\":\"" + codec::base64_encode(options.keys.key(8)) +
                                        "\",\"value\":\""));
}

TEST(CommandLineTest, OneTargetOrTwo) {
  const Options one = options_of({"get", "--pid", "11", "--pid", "12"});
  ASSERT_EQ(one.targets.size(), 1u);
  EXPECT_EQ(one.targets[0].endpoint, "127.0.0.1:2379");
  EXPECT_THAT(one.targets[0].pids, testing::ElementsAre(11, 12));
  EXPECT_EQ(one.rounds, 1u);

  const Options two = options_of({"get", "--endpoint", "a:1", "--vs", "b:2", "--vs-pid", "3"});
  ASSERT_EQ(two.targets.size(), 2u);
  EXPECT_EQ(two.targets[1].endpoint, "b:2");
  EXPECT_THAT(two.targets[1].pids, testing::ElementsAre(3));
  EXPECT_EQ(two.rounds, 5u);
}

TEST(CommandLineTest, RestHasOneStreamOnEachConnection) {
  EXPECT_EQ(options_of({"rest-get"}).streams, 1u);
  EXPECT_EQ(options_of({"get"}).streams, 16u);
}

TEST(CommandLineTest, Durations) {
  const Options options = options_of({"put", "--duration", "1m30s", "--warm-up", "250ms"});
  EXPECT_EQ(options.duration_ms, 90'000u);
  EXPECT_EQ(options.warm_up_ms, 250u);
}

TEST(CommandLineTest, WrongOnesLeaveWithTwo) {
  const std::vector<std::vector<const char*>> wrong = {
      {},
      {"sing"},
      {"get", "--connections", "0"},
      {"get", "--streams", "x"},
      {"get", "--threads", "17"},
      {"rest-get", "--streams", "2"},
      {"get", "--key-size", "20"},
      {"range", "--range-keys", "10001"},
      {"watch", "--value-size", "19"},
      {"get", "--duration", "5"},
      {"get", "--duration", "-1s"},
      {"get", "--duration", "0"},
      {"get", "--vs-pid", "1"},
      {"get", "--endpoint", "localhost"},
      {"get", "--cert", "c.pem"},
      {"get", "--no-such-flag"},
  };
  for (const auto& words : wrong) {
    const CommandLine line = parse(words);
    EXPECT_FALSE(line.options) << testing::PrintToString(words);
    EXPECT_EQ(line.exit_code, 2) << testing::PrintToString(words);
  }
  EXPECT_EQ(parse({"--help"}).exit_code, 0);
}

TEST(CommandLineTest, ErrorsNameTheFlag) {
  Options options = options_of({"get"});
  options.keys.key_bytes = 17;
  const Status status = check_options(options);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "--key-size is 17, not within 21 to 4096");
}

}  // namespace
}  // namespace gatehouse::bench

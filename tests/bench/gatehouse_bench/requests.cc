#include "tests/bench/gatehouse_bench/requests.h"

#include <algorithm>
#include <random>

#include "common/base/check.h"
#include "common/codec/base64.h"
#include "common/rpc/framing.h"
#include "tests/bench/gatehouse_bench/wire.h"

namespace gatehouse::bench {
namespace {

// etcd takes up to 128 operations and 1.5 MiB in a transaction.
constexpr size_t kFillBatch = 100;
constexpr size_t kFillBytes = 1 << 20;

namespace field {
enum Range : uint32_t { kKey = 1, kRangeEnd = 2, kSerializable = 7, kCountOnly = 9 };
enum Put : uint32_t { kPutKey = 1, kPutValue = 2 };
enum Op : uint32_t { kRequestPut = 2 };
enum Compare : uint32_t { kResult = 1, kCompareKey = 3, kVersion = 4 };
enum Txn : uint32_t { kCompare = 1, kSuccess = 2, kFailure = 3 };
enum Watch : uint32_t { kCreateRequest = 1 };
enum Lease : uint32_t { kGrantTtl = 1, kGrantId = 2, kRevokeId = 1, kKeepaliveId = 1 };
}  // namespace field

constexpr uint64_t kGreater = 1;  // Compare.CompareResult; the target's default is VERSION

std::string framed(std::string_view message) {
  std::string out;
  rpc::append_message(out, message);
  return out;
}

// Letters, digits and two more: no byte of a mark among them, and JSON takes them as base64 anyway.
std::string make_value(const Options& options) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::mt19937_64 random(options.seed);
  std::string value(options.value_bytes, '\0');
  for (char& letter : value) letter = kAlphabet[random() % kAlphabet.size()];
  return value;
}

std::string put_message(const std::string& key, const std::string& value) {
  std::string put;
  append_bytes_field(put, field::kPutKey, key);
  append_bytes_field(put, field::kPutValue, value);
  return put;
}

std::string range_message(const Options& options, const std::string& key, const std::string& end) {
  std::string range;
  append_bytes_field(range, field::kKey, key);
  if (!end.empty()) append_bytes_field(range, field::kRangeEnd, end);
  if (options.serializable) append_varint_field(range, field::kSerializable, 1);
  return range;
}

std::string txn_message(const std::string& key, const std::string& value) {
  std::string compare;
  append_varint_field(compare, field::kResult, kGreater);
  append_bytes_field(compare, field::kCompareKey, key);
  append_varint_field(compare, field::kVersion, 0);
  std::string op;
  append_bytes_field(op, field::kRequestPut, put_message(key, value));
  std::string txn;
  append_bytes_field(txn, field::kCompare, compare);
  append_bytes_field(txn, field::kSuccess, op);
  append_bytes_field(txn, field::kFailure, op);
  return txn;
}

http::RequestHead rest_head(const Options& options, const Origin& origin, std::string_view path,
                            size_t body_bytes) {
  http::RequestHead head{"POST", std::string(path), origin.scheme, origin.authority, {}};
  head.headers.add("content-type", "application/json");
  head.headers.add("content-length", std::to_string(body_bytes));
  if (!options.authorization.empty()) head.headers.add("authorization", options.authorization);
  return head;
}

RequestTemplate grpc_template(const Marks& marks, const std::string& message,
                              const std::vector<RequestTemplate::KeyHole>& holes) {
  return RequestTemplate(framed(message), marks, holes, false);
}

RequestPlan plan_rest(const Options& options, const Origin& origin) {
  const Marks marks(options.keys);
  const bool put = options.operation == Operation::kRestPut;
  std::string json = R"({"key":")" + codec::base64_encode(marks.key(0)) + '"';
  if (put) json += R"(,"value":")" + codec::base64_encode(make_value(options)) + '"';
  if (!put && options.serializable) json += R"(,"serializable":true)";
  json += '}';
  RequestPlan plan;
  plan.head = rest_head(options, origin, put ? "/v3/kv/put" : "/v3/kv/range", json.size());
  plan.body = RequestTemplate(json, marks, {{0, 0}}, true);
  plan.numbers = options.keys.count;
  plan.least_answer_bytes = put ? 2 : options.value_bytes * 4 / 3;
  return plan;
}

}  // namespace

http::RequestHead grpc_head(const Options& options, const Origin& origin, std::string_view path) {
  http::RequestHead head{"POST", std::string(path), origin.scheme, origin.authority, {}};
  head.headers.add("content-type", "application/grpc");
  head.headers.add("te", "trailers");
  if (!options.authorization.empty()) head.headers.add("authorization", options.authorization);
  return head;
}

RequestPlan plan_requests(const Options& options, const Origin& origin) {
  if (is_rest(options.operation)) return plan_rest(options, origin);
  const Marks marks(options.keys);
  const std::string key = marks.key(0);
  RequestPlan plan;
  plan.numbers = options.keys.count;
  plan.least_answer_bytes = rpc::kPrefixBytes;
  std::string_view path = "/etcdserverpb.KV/Range";
  switch (options.operation) {
    case Operation::kPut:
      path = "/etcdserverpb.KV/Put";
      plan.body = grpc_template(marks, put_message(key, make_value(options)), {{0, 0}});
      break;
    case Operation::kTxn:
      path = "/etcdserverpb.KV/Txn";
      plan.body = grpc_template(marks, txn_message(key, make_value(options)), {{0, 0}});
      break;
    case Operation::kGet:
      plan.body = grpc_template(marks, range_message(options, key, ""), {{0, 0}});
      plan.least_answer_bytes += options.value_bytes;
      break;
    case Operation::kRange:
      plan.body = grpc_template(marks, range_message(options, key, marks.key(1)),
                                {{0, 0}, {1, options.range_keys}});
      plan.numbers = options.keys.count / options.range_keys;
      plan.stride = options.range_keys;
      plan.least_answer_bytes += options.range_keys * options.value_bytes;
      break;
    case Operation::kCount: {
      std::string count = range_message(options, options.keys.prefix, options.keys.prefix_end());
      append_varint_field(count, field::kCountOnly, 1);
      plan.body = grpc_template(marks, count, {});
      break;
    }
    case Operation::kLeaseGrant:
      path = kLeaseGrantPath;
      plan.body = RequestTemplate(lease_grant_message(options.lease_ttl_s), marks, {}, false);
      plan.numbers = 1;
      break;
    case Operation::kEcho:
      path = "/bench.Echo/Echo";
      plan.body = grpc_template(marks, make_value(options), {});
      plan.least_answer_bytes += options.value_bytes;
      break;
    case Operation::kWatch:
    case Operation::kKeepalive:
    case Operation::kRestGet:
    case Operation::kRestPut:
      CHECK_MSG(false, "no unary gRPC operation");
  }
  plan.head = grpc_head(options, origin, path);
  return plan;
}

bool needs_fill(Operation operation) {
  return operation == Operation::kGet || operation == Operation::kRange ||
         operation == Operation::kCount || operation == Operation::kTxn ||
         operation == Operation::kRestGet;
}

RequestPlan plan_fill(const Options& options, const Origin& origin) {
  const Marks marks(options.keys);
  const std::string value = make_value(options);
  const uint64_t fits =
      std::max<uint64_t>(1, kFillBytes / (value.size() + options.keys.key_bytes + 16));
  const uint64_t batch = std::min({uint64_t{kFillBatch}, fits, options.keys.count});
  std::string txn;
  std::vector<RequestTemplate::KeyHole> holes;
  for (uint64_t i = 0; i < batch; ++i) {
    std::string op;
    append_bytes_field(op, field::kRequestPut, put_message(marks.key(i), value));
    append_bytes_field(txn, field::kSuccess, op);
    holes.push_back({i, i});
  }
  RequestPlan plan;
  plan.head = grpc_head(options, origin, "/etcdserverpb.KV/Txn");
  plan.body = grpc_template(marks, txn, holes);
  plan.numbers = (options.keys.count + batch - 1) / batch;
  plan.stride = batch;
  plan.last_first_key = options.keys.count - batch;
  plan.least_answer_bytes = rpc::kPrefixBytes;
  return plan;
}

RequestPlan plan_lease_grant(const Options& options, const Origin& origin, uint64_t id) {
  RequestPlan plan;
  plan.head = grpc_head(options, origin, kLeaseGrantPath);
  plan.body =
      RequestTemplate(lease_grant_message(options.lease_ttl_s, id), Marks(options.keys), {}, false);
  return plan;
}

RequestPlan plan_lease_revoke(const Options& options, const Origin& origin, uint64_t id) {
  std::string revoke;
  append_varint_field(revoke, field::kRevokeId, id);
  RequestPlan plan;
  plan.head = grpc_head(options, origin, "/etcdserverpb.Lease/LeaseRevoke");
  plan.body = RequestTemplate(framed(revoke), Marks(options.keys), {}, false);
  return plan;
}

RequestPlan plan_stamped_put(const Options& options, const Origin& origin) {
  const Marks marks(options.keys);
  std::string value = make_value(options);
  value.replace(0, Marks::kStampBytes, Marks::stamp());
  RequestPlan plan;
  plan.head = grpc_head(options, origin, "/etcdserverpb.KV/Put");
  plan.body = grpc_template(marks, put_message(marks.key(0), value), {{0, 0}});
  plan.numbers = options.keys.count;
  plan.least_answer_bytes = rpc::kPrefixBytes;
  return plan;
}

std::string watch_create_message(const KeySpace& keys) {
  std::string create;
  append_bytes_field(create, field::kKey, keys.prefix);
  append_bytes_field(create, field::kRangeEnd, keys.prefix_end());
  std::string request;
  append_bytes_field(request, field::kCreateRequest, create);
  return framed(request);
}

std::string lease_grant_message(uint64_t ttl_s, uint64_t id) {
  std::string grant;
  append_varint_field(grant, field::kGrantTtl, ttl_s);
  if (id != 0) append_varint_field(grant, field::kGrantId, id);
  return framed(grant);
}

std::string keepalive_message(uint64_t lease_id) {
  std::string keepalive;
  append_varint_field(keepalive, field::kKeepaliveId, lease_id);
  return framed(keepalive);
}

}  // namespace gatehouse::bench

// Range against a plain evaluation of the same request, from a printed seed; the bytes of requests
// and responses against protobuf's.
#include "member/mvcc/range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "proto/rpc.pb.h"
#include "tests/member/mvcc/store_for_test.h"

namespace gatehouse::mvcc {
namespace {

using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;

RangeResponse answer(const ReadTxn& txn, const RangeRequest& request) {
  const std::string bytes = request.SerializeAsString();
  RangeQuery query;
  EXPECT_TRUE(parse_range_request(bytes, query));
  RangeOutcome outcome;
  EXPECT_TRUE(range(txn, query, outcome).ok());
  std::string fields;
  append_range_fields(outcome, fields);
  RangeResponse response;
  EXPECT_TRUE(response.ParseFromString(fields));
  EXPECT_EQ(response.SerializeAsString(), fields);
  RangeOutcome same;
  EXPECT_TRUE(range(txn, range_query(request), same).ok());
  std::string again;
  append_range_fields(same, again);
  EXPECT_EQ(fields, again);
  return response;
}

// All of [key, end) at the revision, one key at a time.
RangeResponse expected(const ReadTxn& txn, const RangeRequest& request,
                       const std::vector<std::string>& keys) {
  RangeResponse response;
  std::vector<mvccpb::KeyValue> pairs;
  for (const std::string& key : keys) {
    const bool inside = request.range_end().empty()
                            ? key == request.key()
                            : key >= request.key() && (request.range_end() == kFromKey ||
                                                       key < request.range_end());
    if (!inside) continue;
    const std::vector<std::string> records = records_of(txn, key, "", request.revision());
    if (records.empty()) continue;
    pairs.emplace_back();
    EXPECT_TRUE(pairs.back().ParseFromString(records[0]));
  }
  response.set_count(static_cast<int64_t>(pairs.size()));
  if (request.count_only()) return response;
  std::erase_if(pairs, [&](const mvccpb::KeyValue& pair) {
    return (request.min_mod_revision() != 0 && pair.mod_revision() < request.min_mod_revision()) ||
           (request.max_mod_revision() != 0 && pair.mod_revision() > request.max_mod_revision()) ||
           (request.min_create_revision() != 0 &&
            pair.create_revision() < request.min_create_revision()) ||
           (request.max_create_revision() != 0 &&
            pair.create_revision() > request.max_create_revision());
  });
  // A target without an order: of the first limit + 1 keys, as etcd does it.
  const bool filtered = request.min_mod_revision() != 0 || request.max_mod_revision() != 0 ||
                        request.min_create_revision() != 0 || request.max_create_revision() != 0;
  if (request.sort_order() == RangeRequest::NONE && !filtered && request.limit() > 0 &&
      pairs.size() > static_cast<size_t>(request.limit()) + 1) {
    pairs.resize(static_cast<size_t>(request.limit()) + 1);
  }
  const auto by = [&](const auto& of) {
    std::stable_sort(pairs.begin(), pairs.end(),
                     [&](const mvccpb::KeyValue& a, const mvccpb::KeyValue& b) {
                       return request.sort_order() == RangeRequest::DESCEND ? of(b) < of(a)
                                                                            : of(a) < of(b);
                     });
  };
  switch (request.sort_target()) {
    case RangeRequest::VERSION:
      by([](const auto& pair) { return pair.version(); });
      break;
    case RangeRequest::CREATE:
      by([](const auto& pair) { return pair.create_revision(); });
      break;
    case RangeRequest::MOD:
      by([](const auto& pair) { return pair.mod_revision(); });
      break;
    case RangeRequest::VALUE:
      by([](const auto& pair) { return pair.value(); });
      break;
    default:
      by([](const auto& pair) { return pair.key(); });
  }
  if (request.limit() > 0 && pairs.size() > static_cast<size_t>(request.limit())) {
    pairs.resize(static_cast<size_t>(request.limit()));
    response.set_more(true);
  }
  for (mvccpb::KeyValue& pair : pairs) {
    if (request.keys_only()) {
      pair.clear_value();
      if (request.sort_target() != RangeRequest::VALUE) pair.clear_lease();
    }
    *response.add_kvs() = pair;
  }
  return response;
}

TEST(Range, AgreesWithAPlainEvaluation) {
  const uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  env::SimFileSystem disk;
  StoreForTest store(disk);
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back("k" + std::to_string(100 + i));
  for (int i = 0; i < 400; ++i) {
    const std::string& key = keys[random() % keys.size()];
    if (random() % 4 == 0) {
      store.remove(key);
    } else {
      store.put(key, std::to_string(random() % 50), static_cast<int64_t>(random() % 3));
    }
  }
  const std::shared_ptr<const View> view = store->view();
  const auto revision = [&] {
    return static_cast<int64_t>(random() % 2 == 0
                                    ? 0
                                    : random() % static_cast<uint64_t>(view->revision()));
  };
  for (int i = 0; i < 3000 && !HasFailure(); ++i) {
    RangeRequest request;
    request.set_key(keys[random() % keys.size()]);
    switch (random() % 5) {
      case 0:
        request.set_range_end(std::string(kFromKey));
        break;
      case 1:
        break;
      case 2:
        request.set_key(std::string(kFromKey));
        request.set_range_end(std::string(kFromKey));
        break;
      default:
        request.set_range_end(keys[random() % keys.size()]);
    }
    if (random() % 2 == 0) request.set_limit(static_cast<int64_t>(random() % 40) - 2);
    if (random() % 2 == 0) request.set_revision(revision());
    if (random() % 2 == 0) {
      request.set_sort_order(static_cast<RangeRequest::SortOrder>(random() % 3));
      request.set_sort_target(static_cast<RangeRequest::SortTarget>(random() % 5));
    }
    request.set_keys_only(random() % 4 == 0);
    request.set_count_only(random() % 8 == 0);
    request.set_serializable(random() % 2 == 0);
    if (random() % 5 == 0) request.set_min_mod_revision(revision());
    if (random() % 5 == 0) request.set_max_mod_revision(revision());
    if (random() % 5 == 0) request.set_min_create_revision(revision());
    if (random() % 5 == 0) request.set_max_create_revision(revision());
    EXPECT_EQ(answer(*view, request).DebugString(), expected(*view, request, keys).DebugString())
        << request.DebugString();
  }
}

TEST(Range, RefusesRevisionsThatCannotBeRead) {
  env::SimFileSystem disk;
  StoreForTest store(disk);
  for (int i = 0; i < 5; ++i) store.put("a", "1");
  store.compact(4);
  RangeQuery query;
  query.key = "a";
  RangeOutcome outcome;
  query.revision = 3;
  EXPECT_EQ(range(*store->view(), query, outcome), compacted_error());
  query.revision = 7;
  EXPECT_EQ(range(*store->view(), query, outcome), future_revision_error());
  query.revision = 4;
  EXPECT_TRUE(range(*store->view(), query, outcome).ok());
  ASSERT_EQ(outcome.items.size(), 1u);
  EXPECT_EQ(outcome.items[0].modified.main, 4);
}

TEST(Range, ParsesWhatProtobufWritesAndSkipsWhatItDoesNotKnow) {
  RangeQuery query;
  // Fields 14 (varint), 15 (bytes), 16 (fixed64), 17 (fixed32) between key and limit.
  const std::string known_and_not(
      "\x0a\x01\x61\x70\x05\x7a\x02xy\x81\x01" "12345678\x8d\x01" "1234\x18\x07", 27);
  ASSERT_TRUE(parse_range_request(known_and_not, query));
  EXPECT_EQ(query.key, "a");
  EXPECT_EQ(query.limit, 7);
  EXPECT_TRUE(parse_range_request("", query));
  EXPECT_FALSE(parse_range_request("\x0a", query));
  EXPECT_FALSE(parse_range_request("\x0a\x05" "abc", query));
  EXPECT_FALSE(parse_range_request("\x08\x01", query));  // a key that is a number
  EXPECT_FALSE(parse_range_request("\x0b", query));      // a group
  RangeRequest request;
  request.set_sort_order(static_cast<RangeRequest::SortOrder>(9));
  const std::string bytes = request.SerializeAsString();
  ASSERT_TRUE(parse_range_request(bytes, query));
  EXPECT_FALSE(query.sort_options_valid());
}

}  // namespace
}  // namespace gatehouse::mvcc

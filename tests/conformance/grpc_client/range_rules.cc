// Every option of Range with every other, at several revisions of a small history.
#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {

namespace {

const std::string kZero(1, '\0');

struct Interval {
  std::string key, end;
};

// "rr/a" to "rr/f" with different versions, a deleted key and one that was deleted and written
// again. Returns the revision before the first write and that after the last.
std::pair<int64_t, int64_t> write_history(Session& session, pb::KV::Stub& kv) {
  const auto put = [&](const std::string& key, const std::string& value) {
    pb::PutRequest request;
    request.set_key(key);
    request.set_value(value);
    return session.call("put " + key, kv, &pb::KV::Stub::Put, request).header().revision();
  };
  const auto remove = [&](const std::string& key) {
    pb::DeleteRangeRequest request;
    request.set_key(key);
    return session.call("delete " + key, kv, &pb::KV::Stub::DeleteRange, request)
        .header()
        .revision();
  };
  const int64_t before = put("rr/a", "6") - 1;
  put("rr/b", "5");
  put("rr/c", "4");
  put("rr/d", "3");
  put("rr/a", "2");
  remove("rr/c");
  put("rr/e", "1");
  put("rr/b", "0");
  put("rr/b", "9");
  put("rr/c", "8");
  remove("rr/d");
  return {before, put("rr/f", "")};
}

void shapes(Session& session, pb::KV::Stub& kv, int64_t before, int64_t after) {
  const Interval intervals[] = {{"rr/", "rr0"},   {"rr/b", ""},     {"rr/b", "rr/e"},
                                {"rr/b", "rr/b"}, {"rr/e", "rr/b"}, {"rr/d", kZero},
                                {"rr/d", ""}};
  for (const Interval& interval : intervals) {
    for (int64_t revision = before; revision <= after; revision += 3) {
      for (const int64_t limit : {0, 1, 2, 100}) {
        for (const bool keys_only : {false, true}) {
          pb::RangeRequest request;
          request.set_key(interval.key);
          request.set_range_end(interval.end);
          // The last one asks for the latest.
          request.set_revision(revision + 3 > after ? 0 : revision);
          request.set_limit(limit);
          request.set_keys_only(keys_only);
          request.set_serializable(limit == 2);
          if (interval.end == kZero) request.set_count_only(limit == 100);
          session.call("range " + request.ShortDebugString(), kv, &pb::KV::Stub::Range, request);
        }
      }
    }
  }
}

void filters(Session& session, pb::KV::Stub& kv, int64_t before, int64_t after) {
  for (int which = 0; which < 4; ++which) {
    for (const int64_t bound : {before, before + 5, before + 8, after, after + 1}) {
      for (const int64_t limit : {0, 2}) {
        for (const int order : {0, 1, 2}) {
          pb::RangeRequest request;
          request.set_key("rr/");
          request.set_range_end("rr0");
          request.set_limit(limit);
          request.set_sort_order(static_cast<pb::RangeRequest::SortOrder>(order));
          // Values and revisions are all different, so there are no ties.
          request.set_sort_target(order == 1   ? pb::RangeRequest::VALUE
                                  : order == 2 ? pb::RangeRequest::MOD
                                               : pb::RangeRequest::KEY);
          if (which == 0) request.set_min_mod_revision(bound);
          if (which == 1) request.set_max_mod_revision(bound);
          if (which == 2) request.set_min_create_revision(bound);
          if (which == 3) request.set_max_create_revision(bound);
          request.set_keys_only(order == 2);
          session.call("filter " + request.ShortDebugString(), kv, &pb::KV::Stub::Range, request);
        }
      }
    }
  }
  pb::RangeRequest request;
  request.set_key("rr/");
  request.set_range_end("rr0");
  request.set_count_only(true);
  request.set_keys_only(true);
  request.set_limit(1);
  request.set_min_mod_revision(after);
  request.set_sort_order(pb::RangeRequest::DESCEND);
  session.call("count beside everything else", kv, &pb::KV::Stub::Range, request);
}

// All chunks of a stream as one answer: where they are cut is the server's choice.
void streamed(Session& session, pb::KV::Stub& kv, const std::string& step,
              const pb::RangeRequest& request) {
  auto context = session.context();
  auto stream = kv.RangeStream(context.get(), request);
  std::vector<std::string> pairs;
  std::string rest;
  for (pb::RangeStreamResponse message; stream->Read(&message);) {
    for (const auto& pair : message.range_response().kvs()) pairs.push_back(to_json(pair));
    message.mutable_range_response()->clear_kvs();
    if (message.range_response().has_header()) rest = to_json(message.range_response());
  }
  pairs.push_back(rest.empty() ? "{}" : rest);
  session.record(step + " " + request.ShortDebugString(), pairs);
  session.record(step + " ends", stream->Finish());
}

void streams(Session& session, pb::KV::Stub& kv, int64_t before, int64_t after) {
  pb::RangeRequest request;
  streamed(session, kv, "range stream without a key", request);
  request.set_key("rr/");
  request.set_range_end("rr0");
  streamed(session, kv, "range stream", request);
  for (const int64_t revision :
       {before, before + 4, after, after + 1000, int64_t{-1}, int64_t{1}}) {
    request.set_revision(revision);
    streamed(session, kv, "range stream", request);
  }
  request.set_revision(0);
  request.set_limit(2);
  streamed(session, kv, "range stream", request);
  request.set_keys_only(true);
  streamed(session, kv, "range stream", request);
  request.set_count_only(true);
  streamed(session, kv, "range stream", request);
  request.Clear();
  request.set_key("rr/");
  request.set_range_end("rr0");
  request.set_sort_order(pb::RangeRequest::DESCEND);
  streamed(session, kv, "range stream", request);
  request.clear_sort_order();
  request.set_min_mod_revision(3);
  streamed(session, kv, "range stream", request);
}

}  // namespace

void run_bad_enums(Session& session) {
  auto kv = pb::KV::NewStub(session.channel());
  pb::RangeRequest request;
  request.set_key("rr/");
  request.set_range_end("rr0");
  for (const int number : {3, 9, -1}) {
    request.set_sort_order(static_cast<pb::RangeRequest::SortOrder>(number));
    session.call("sort order " + std::to_string(number), *kv, &pb::KV::Stub::Range, request);
  }
  request.set_sort_order(pb::RangeRequest::ASCEND);
  for (const int number : {5, 9, -1}) {
    request.set_sort_target(static_cast<pb::RangeRequest::SortTarget>(number));
    session.call("sort target " + std::to_string(number), *kv, &pb::KV::Stub::Range, request);
  }
}

void run_range_rules(Session& session) {
  auto kv = pb::KV::NewStub(session.channel());
  const auto [before, after] = write_history(session, *kv);
  shapes(session, *kv, before, after);
  filters(session, *kv, before, after);
  streams(session, *kv, before, after);
}

}  // namespace gatehouse::conformance

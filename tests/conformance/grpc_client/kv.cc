#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {

namespace {

const std::string kZero(1, '\0');

pb::PutRequest put(std::string key, std::string value) {
  pb::PutRequest request;
  request.set_key(std::move(key));
  request.set_value(std::move(value));
  return request;
}

pb::RangeRequest range(std::string key, std::string end = {}) {
  pb::RangeRequest request;
  request.set_key(std::move(key));
  request.set_range_end(std::move(end));
  return request;
}

pb::DeleteRangeRequest remove(std::string key, std::string end = {}) {
  pb::DeleteRangeRequest request;
  request.set_key(std::move(key));
  request.set_range_end(std::move(end));
  return request;
}

void puts(Session& session, pb::KV::Stub& kv) {
  const auto call = [&](std::string_view step, const pb::PutRequest& request) {
    session.call(step, kv, &pb::KV::Stub::Put, request);
  };
  call("put", put("foo", "bar"));
  auto request = put("foo", "bar2");
  request.set_prev_kv(true);
  call("put with prev_kv", request);
  call("put without a key", put("", "x"));
  std::string all_bytes;
  for (int byte = 0; byte < 256; ++byte) all_bytes.push_back(static_cast<char>(byte));
  call("put any bytes", put(all_bytes, all_bytes));
  call("put an empty value", put("empty", ""));
  request = put("foo", "");
  request.set_ignore_value(true);
  request.set_prev_kv(true);
  call("put ignore_value", request);
  request.set_value("both");
  call("put ignore_value with a value", request);
  request = put("none", "");
  request.set_ignore_value(true);
  call("put ignore_value, no key", request);
  request = put("foo", "x");
  request.set_ignore_lease(true);
  request.set_lease(5);
  call("put ignore_lease with a lease", request);
  request.set_ignore_lease(false);
  call("put, unknown lease", request);
  for (int i = 0; i < 10; ++i)
    call("put list", put("list/" + std::to_string(i), std::to_string((i * 7) % 10)));
  call("put again", put("list/3", "again"));
  call("put 1 MiB", put("big", std::string(1 << 20, 'x')));
}

void ranges(Session& session, pb::KV::Stub& kv) {
  const auto call = [&](std::string_view step, const pb::RangeRequest& request) {
    session.call(step, kv, &pb::KV::Stub::Range, request);
  };
  call("get", range("foo"));
  call("get what is not there", range("nothing"));
  call("get without a key", range(""));
  call("range", range("list/", "list0"));
  call("range from a key on", range("list/8", kZero));
  call("range the wrong way round", range("z", "a"));
  auto request = range(kZero, kZero);
  request.set_keys_only(true);
  call("range everything, keys only", request);
  request.set_count_only(true);
  call("range everything, count only", request);
  for (int order = 0; order <= 2; ++order) {
    for (int target = 0; target <= 4; ++target) {
      request = range("list/", "list0");
      request.set_sort_order(static_cast<pb::RangeRequest::SortOrder>(order));
      request.set_sort_target(static_cast<pb::RangeRequest::SortTarget>(target));
      request.set_limit(4);
      // Ties come in no fixed order: only the list's values and revisions are all different.
      if (target == pb::RangeRequest::VERSION) request.set_limit(1);
      if (target == pb::RangeRequest::VERSION && order != pb::RangeRequest::DESCEND)
        request.set_limit(0);
      if (request.limit() == 0) request.set_count_only(true);
      call("range, order " + std::to_string(order) + " by " + std::to_string(target), request);
    }
  }
  request = range("list/", "list0");
  request.set_min_mod_revision(10);
  request.set_max_mod_revision(14);
  call("range, mod revisions", request);
  request = range("list/", "list0");
  request.set_min_create_revision(8);
  request.set_max_create_revision(11);
  request.set_limit(2);
  call("range, create revisions", request);
  request = range("foo");
  for (const int64_t revision : {2, 3, 999999, -3}) {
    request.set_revision(revision);
    call("get at " + std::to_string(revision), request);
  }
  request = range("list/", "list0");
  request.set_serializable(true);
  request.set_limit(1);
  call("range serializable", request);
  request = range("big");
  call("get 1 MiB", request);

  auto context = session.context();
  auto stream = kv.RangeStream(context.get(), range("list/", "list0"));
  std::vector<std::string> messages;
  for (pb::RangeStreamResponse message; stream->Read(&message);)
    messages.push_back(to_json(message));
  session.record("range stream", messages);
  session.record("range stream ends", stream->Finish());
}

void deletes(Session& session, pb::KV::Stub& kv) {
  const auto call = [&](std::string_view step, const pb::DeleteRangeRequest& request) {
    session.call(step, kv, &pb::KV::Stub::DeleteRange, request);
  };
  call("delete", remove("list/0"));
  call("delete what is not there", remove("list/0"));
  call("delete without a key", remove(""));
  auto request = remove("list/1", "list/4");
  request.set_prev_kv(true);
  call("delete a range with prev_kv", request);
  call("delete the wrong way round", remove("z", "a"));
}

void compaction(Session& session, pb::KV::Stub& kv) {
  pb::CompactionRequest request;
  for (const int64_t revision : {5, 5, 999999, -1}) {
    request.set_revision(revision);
    request.set_physical(revision == 5);
    session.call("compact at " + std::to_string(revision), kv, &pb::KV::Stub::Compact, request);
  }
  auto old = range("foo");
  old.set_revision(3);
  session.call("get what is compacted", kv, &pb::KV::Stub::Range, old);
}

}  // namespace

void run_kv(Session& session) {
  auto kv = pb::KV::NewStub(session.channel());
  puts(session, *kv);
  ranges(session, *kv);
  deletes(session, *kv);
  compaction(session, *kv);
}

}  // namespace gatehouse::conformance

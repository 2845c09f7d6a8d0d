// Watching and the writes that are watched, for the parts of the session that need both.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/grpc_client/session.h"

namespace gatehouse::conformance {

// One Watch stream. The session writes, then reads exactly the responses that this must bring, so
// that the record says how events are grouped into responses.
class WatchStream {
 public:
  WatchStream(Session& session, std::string name, const Setup& setup = {})
      : session_(session),
        name_(std::move(name)),
        stub_(pb::Watch::NewStub(session.channel())),
        context_(session.context()) {
    if (setup) setup(*context_);
    stream_ = stub_->Watch(context_.get());
  }

  void create(const pb::WatchCreateRequest& create) {
    pb::WatchRequest request;
    *request.mutable_create_request() = create;
    session_.settle();
    stream_->Write(request);
  }

  void cancel(int64_t id) {
    pb::WatchRequest request;
    request.mutable_cancel_request()->set_watch_id(id);
    stream_->Write(request);
  }

  void ask_progress() {
    pb::WatchRequest request;
    request.mutable_progress_request();
    stream_->Write(request);
  }

  void half_close() { stream_->WritesDone(); }
  void cancel_call() { context_->TryCancel(); }

  // Reads `count` responses and records them, those of different watches sorted by id: only the
  // order within one watch is promised.
  void expect(std::string_view step, int count) {
    std::vector<pb::WatchResponse> responses;
    pb::WatchResponse response;
    while (static_cast<int>(responses.size()) < count && stream_->Read(&response)) {
      if (session_.revisions_apart() && !response.fragment()) {
        for (auto& each : apart(response)) responses.push_back(std::move(each));
      } else {
        responses.push_back(response);
      }
    }
    std::stable_sort(responses.begin(), responses.end(),
                     [](const auto& a, const auto& b) { return a.watch_id() < b.watch_id(); });
    std::vector<std::string> jsons;
    for (const auto& each : responses) jsons.push_back(to_json(each));
    session_.record(name_ + ": " + std::string(step), jsons);
  }

  // Reads all events of watch 0 up to one of `key`. History comes in as many responses as etcd
  // likes.
  void expect_events_until(std::string_view step, const std::string& key) {
    std::vector<std::string> jsons;
    for (pb::WatchResponse response; stream_->Read(&response);) {
      for (const auto& event : response.events()) jsons.push_back(to_json(event));
      if (response.events_size() > 0 &&
          response.events(response.events_size() - 1).kv().key() == key)
        break;
    }
    session_.record(name_ + ": " + std::string(step), jsons);
  }

  // Reads what is left and records how the stream ended.
  void end() {
    context_->TryCancel();
    for (pb::WatchResponse response; stream_->Read(&response);) {
    }
    session_.record(name_ + ": ends", stream_->Finish());
  }

 private:
  static std::vector<pb::WatchResponse> apart(const pb::WatchResponse& whole) {
    std::vector<pb::WatchResponse> parts;
    for (const auto& event : whole.events()) {
      const int64_t revision = event.kv().mod_revision();
      if (parts.empty() || parts.back().header().revision() != revision) {
        parts.push_back(whole);
        parts.back().clear_events();
        parts.back().mutable_header()->set_revision(revision);
      }
      *parts.back().add_events() = event;
    }
    if (parts.size() < 2) return {whole};
    return parts;
  }

  Session& session_;
  const std::string name_;
  std::unique_ptr<pb::Watch::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<pb::WatchRequest, pb::WatchResponse>> stream_;
};

inline pb::WatchCreateRequest watch_of(std::string key, std::string end = {}) {
  pb::WatchCreateRequest create;
  create.set_key(std::move(key));
  create.set_range_end(std::move(end));
  return create;
}

class Writer {
 public:
  explicit Writer(Session& session) : session_(session), kv_(pb::KV::NewStub(session.channel())) {}

  int64_t put(std::string key, std::string value) {
    pb::PutRequest request;
    request.set_key(std::move(key));
    request.set_value(std::move(value));
    return session_.call("put " + request.key().substr(0, 40), *kv_, &pb::KV::Stub::Put, request)
        .header()
        .revision();
  }

  void remove(std::string key, std::string end = {}) {
    pb::DeleteRangeRequest request;
    request.set_key(std::move(key));
    request.set_range_end(std::move(end));
    session_.call("delete " + request.key(), *kv_, &pb::KV::Stub::DeleteRange, request);
  }

  void put_together(const std::vector<std::string>& keys) {
    pb::TxnRequest request;
    for (const auto& key : keys) {
      auto& op = *request.add_success()->mutable_request_put();
      op.set_key(key);
      op.set_value("together");
    }
    session_.call("txn", *kv_, &pb::KV::Stub::Txn, request);
  }

 private:
  Session& session_;
  std::unique_ptr<pb::KV::Stub> kv_;
};

}  // namespace gatehouse::conformance

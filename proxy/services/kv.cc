#include "proxy/services/kv.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/base/duration.h"
#include "common/codec/proto_fields.h"
#include "proxy/mirror/range.h"

namespace gatehouse::services {

namespace {

using mirror::Mirror;
using mirror::RangeQuery;
using mirror::Reader;

constexpr std::string_view kMaxStaleness = "x-gatehouse-max-staleness";
// Confirmed once a second, as a rule.
constexpr uint64_t kOldMs = 3000;

class Range final : public rpc::ServerHandler, private Reader::Waiter, private Misses::Waiter {
 public:
  Range(rpc::ServerCall& call, Reader& reader, Misses& misses)
      : call_(call), reader_(reader), misses_(misses) {}
  ~Range() override { abandon(); }

  void on_message(std::string_view message) override { request_.assign(message); }

  void on_half_close() override {
    if (has_credentials(call_) || !mirror::parse_range_request(request_, query_) ||
        !query_.valid()) {
      return ask_member(/*bypass=*/true);
    }
    mirror_ = reader_.mirrors().find(query_.range());
    if (mirror_ == nullptr) return ask_member(false);
    if (!mirror_->serving()) return ask_member(true);

    if (const auto bound = rpc::find(call_.metadata(), kMaxStaleness)) {
      const Result<std::chrono::nanoseconds> parsed = parse_duration(*bound);
      if (!parsed.ok() || parsed->count() < 0) {
        return call_.finish(invalid_argument(std::string(kMaxStaleness) +
                                             ": not a duration such as 500ms"));
      }
      bounded_ = true;
      query_.serializable =
          std::chrono::milliseconds(reader_.age_ms(*mirror_)) <= *parsed;
    }
    if (query_.serializable) {
      const int64_t floor = reader_.floor_of(call_.peer().address);
      if (floor <= mirror_->store.revision()) return answer();
      started_us_ = reader_.executor().now_us();
      return reader_.wait_for(*mirror_, floor, *this);
    }
    if (!mirror_->can_reach()) return ask_member(true);
    started_us_ = reader_.executor().now_us();
    reader_.wait_current(*mirror_, *this);
  }

  void on_cancel(const Status&) override { abandon(); }

 private:
  void abandon() {
    reader_.cancel(*this);
    misses_.cancel(*this);
  }

  // Reader::Waiter
  void on_reached(const Status& status) override {
    // Between the question and the answer it may have become another's business.
    if (!status.ok() || !mirror_->serving()) return ask_member(true);
    reader_.metrics().probe_seconds.observe(
        static_cast<double>(reader_.executor().now_us() - started_us_) / 1e6);
    answer();
  }

  void answer() {
    const mirror::View& view = reader_.view(*mirror_);
    std::optional<mirror::Tree> older;
    if (query_.revision > 0 && query_.revision != view.revision) {
      older = mirror_->store.at(query_.revision);
      if (!older) return ask_member(false);
    }
    const uint64_t age_ms = reader_.age_ms(*mirror_);
    const uint64_t max_stale_ms = reader_.mirrors().options().max_stale_ms;
    if (max_stale_ms != 0 && age_ms > max_stale_ms) return ask_member(true);

    thread_local std::string response;
    response.clear();
    mirror_->append_header(view.revision, response);
    mirror::append_range_fields(older ? *older : view.tree, query_,
                                mirror_->keys_only_with_lease(), response);
    const mirror::Metrics& metrics = reader_.metrics();
    (started_us_ != 0 ? metrics.stale_wait : metrics.hit).add();
    metrics.cache_hits.add();
    if (bounded_ || age_ms > kOldMs) {
      call_.send_initial_metadata({{"x-gatehouse-source", "mirror"},
                                   {"x-gatehouse-age", std::to_string(age_ms) + "ms"}});
    }
    call_.send(response);
    call_.finish(Status());
    if (response.capacity() > kKeptBytes) std::string().swap(response);
  }

  void ask_member(bool bypass) {
    const bool joined = misses_.ask(call_, request_, query_.serializable && !bounded_, *this);
    const mirror::Metrics& metrics = reader_.metrics();
    (joined ? metrics.joined : bypass ? metrics.bypass : metrics.miss).add();
    metrics.cache_misses.add();
  }

  // Misses::Waiter
  void on_answer(const rpc::CallResult& result, std::string_view response) override {
    if (result.status.ok()) {
      reader_.raise_floor(call_.peer().address, mirror::header_revision(response));
      if (bounded_) call_.send_initial_metadata({{"x-gatehouse-source", "member"}});
      call_.send(response);
    }
    call_.finish(result.status, result.trailing);
  }

  static constexpr size_t kKeptBytes = 1024 * 1024;

  rpc::ServerCall& call_;
  Reader& reader_;
  Misses& misses_;
  std::string request_;
  RangeQuery query_;  // views into request_
  Mirror* mirror_ = nullptr;
  uint64_t started_us_ = 0;  // 0: did not wait
  bool bounded_ = false;
};

class Compact final : public rpc::ServerHandler {
 public:
  Compact(rpc::ServerCall& call, upstream::Upstream& upstream, Reader& reader,
          UpstreamLimits limits)
      : call_(call), upstream_(upstream), reader_(reader), limits_(limits) {}

  void on_message(std::string_view message) override { request_.assign(message); }

  void on_half_close() override {
    upstream::Target target(upstream_, {.repeat = upstream::Repeat::kNever});
    member_call_ = rpc::call_unary(
        target, "/etcdserverpb.KV/Compact", onward_options(call_, limits_), request_,
        [this](const rpc::CallResult& result, std::string_view response) {
          if (result.status.ok()) {
            codec::ProtoFields fields(request_);
            while (fields.next()) {
              if (fields.number() == 1) reader_.mirrors().compact(fields.int64());
            }
            call_.send(response);
          }
          call_.finish(result.status, result.trailing);
        });
  }

  void on_cancel(const Status&) override { member_call_.reset(); }

 private:
  rpc::ServerCall& call_;
  upstream::Upstream& upstream_;
  Reader& reader_;
  const UpstreamLimits limits_;
  std::string request_;
  std::unique_ptr<rpc::ClientCall> member_call_;
};

}  // namespace

bool has_credentials(const rpc::ServerCall& call) {
  for (const auto& [name, value] : call.metadata()) {
    if (name == "token" || name == "authorization") return true;
  }
  return false;
}

void add_range(rpc::Server& server, mirror::Reader& reader, Misses& misses) {
  server.add({"etcdserverpb.KV", "Range", rpc::MethodKind::kUnary},
             [&](rpc::ServerCall& call) { return std::make_unique<Range>(call, reader, misses); });
}

void add_compact(rpc::Server& server, upstream::Upstream& upstream, mirror::Reader& reader,
                 UpstreamLimits limits) {
  server.add({"etcdserverpb.KV", "Compact", rpc::MethodKind::kUnary},
             [&upstream, &reader, limits](rpc::ServerCall& call) {
               return std::make_unique<Compact>(call, upstream, reader, limits);
             });
}

Observer floor_raiser(mirror::Reader& reader) {
  return [&reader](const rpc::ServerCall& call, std::string_view response) {
    reader.raise_floor(call.peer().address, mirror::header_revision(response));
  };
}

}  // namespace gatehouse::services

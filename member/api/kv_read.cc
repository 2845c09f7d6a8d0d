// KV.Range and KV.RangeStream.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "member/api/services.h"
#include "member/api/unary.h"
#include "member/api/validate.h"
#include "member/apply/describe.h"
#include "member/mvcc/range.h"

namespace gatehouse::api {

namespace {

constexpr const char* kService = "etcdserverpb.KV";

class Range final : public Unary {
 public:
  using Unary::Unary;

 private:
  void run() override {
    began_us_ = context().lane.executor().now_us();
    if (!mvcc::parse_range_request(request(), query_)) return fail(undecodable());
    const Status valid = validate(query_);
    if (!valid.ok()) return fail(valid);
    query_.serializable ? look(began_us_) : read_index();
  }
  void on_unreadable() override {
    context().read_times.range_request(context().lane.executor().now_us() - began_us_, false);
  }
  void on_readable() override { look(context().lane.executor().now_us()); }

  void look(uint64_t now_us) {
    const std::shared_ptr<const mvcc::View>& view = context().views.get();
    mvcc::RangeOutcome outcome;
    const Status status = mvcc::range(*view, query_, outcome);
    std::string response;
    if (status.ok()) {
      context().header.append(response, view->revision());
      mvcc::append_range_fields(outcome, response);
    }
    context().store.count_ranges(1);
    const uint64_t end_us = context().lane.executor().now_us();
    keys_ = outcome.count;
    context().read_times.range(
        end_us - now_us, status, [&] { return content(); },
        [&] {
          return "range_response_count:" + std::to_string(outcome.items.size()) +
                 " size:" + std::to_string(response.size());
        });
    context().read_times.range_request(end_us - began_us_, status.ok());
    status.ok() ? respond(response) : fail(status);
  }

  std::string content() const {
    etcdserverpb::RangeRequest message;
    static_cast<void>(rpc::parse_message(request(), message));
    return apply::compact_text(message);
  }
  RequestStats stats() const override {
    return {0, static_cast<int64_t>(request().size()), keys_,
            static_cast<int64_t>(response_bytes()), content()};
  }

  mvcc::RangeQuery query_;  // views into request()
  uint64_t began_us_ = 0;
  int64_t keys_ = 0;
};

// The same answer in pieces, all of one view: keys in order, the header, count and "more" with the
// last piece.
class RangeStream final : public rpc::ServerHandler {
 public:
  RangeStream(rpc::ServerCall& call, Context& context) : call_(call), context_(context) {}
  ~RangeStream() override { abandon(); }

  void on_message(std::string_view message) override { request_.assign(message); }

  void on_half_close() override {
    if (!mvcc::parse_range_request(request_, query_)) return call_.finish(undecodable());
    Status valid = validate(query_);
    if (valid.ok()) valid = check_streamable();
    if (!valid.ok()) return call_.finish(valid);
    if (query_.serializable || context_.lane.readable_now()) return begin();
    read_ = context_.lane.read_index([this](const Status& status) {
      read_ = 0;
      if (!status.ok()) return call_.finish(status);
      begin();
    });
  }

  void on_can_send() override {
    if (view_ != nullptr) pump();
  }
  void on_cancel(const Status&) override { abandon(); }

 private:
  static constexpr int64_t kFirstPiece = 10;    // keys: soon, so that the client can begin
  static constexpr int64_t kLargestPiece = 4096;
  static constexpr size_t kPieceBytes = 256 * 1024;  // what a piece grows to

  Status check_streamable() const {
    const auto unimplemented = [](const char* text) {
      return Status(StatusCode::kUnimplemented, text);
    };
    if (query_.sort_order != 0 || query_.sort_target != 0) {
      return unimplemented("RangeStream does not support custom sort orders");
    }
    if (query_.min_mod_revision != 0 || query_.max_mod_revision != 0 ||
        query_.min_create_revision != 0 || query_.max_create_revision != 0) {
      return unimplemented("RangeStream does not support revision filters");
    }
    return Status();
  }

  void begin() {
    view_ = context_.views.get();
    const Status status = view_->check_revision(query_.revision);
    if (!status.ok()) return call_.finish(status);
    header_revision_ = view_->revision();
    left_ = query_.limit > 0 ? query_.limit : INT64_MAX;
    total_ = view_->count(query_.key, query_.range_end, query_.revision);
    if (query_.count_only) left_ = 0;
    next_key_.assign(query_.key);
    pump();
  }

  void pump() {
    while (call_.can_send()) {
      mvcc::RangeQuery query = query_;
      query.key = next_key_;
      query.count_only = false;
      query.limit = std::min(piece_, left_);
      mvcc::RangeOutcome outcome;
      std::string fields;
      if (left_ > 0) {
        const Status status = mvcc::range(*view_, query, outcome);
        context_.store.count_ranges(1);
        if (!status.ok()) return finish(status);
        left_ -= static_cast<int64_t>(outcome.items.size());
      }
      const bool last = left_ == 0 || !outcome.more;
      sent_ += static_cast<int64_t>(outcome.items.size());
      if (!last) next_key_ = std::string(outcome.items.back().key) + '\0';
      std::string response;
      if (last) {
        context_.header.append(response, header_revision_);
        outcome.more = !query_.count_only && sent_ < total_;
        outcome.count = total_;
      } else {
        outcome.more = false;
        outcome.count = 0;
      }
      mvcc::append_range_fields(outcome, response);
      if (response.size() < kPieceBytes / 2) piece_ = std::min(piece_ * 2, kLargestPiece);
      if (response.size() > kPieceBytes) piece_ = std::max<int64_t>(piece_ / 2, 1);
      codec::append_bytes_field(fields, 1, response);
      call_.send(fields);
      if (last) return finish(Status());
    }
  }

  void finish(const Status& status) {
    view_.reset();
    call_.finish(status);
  }
  void abandon() {
    view_.reset();
    if (read_ != 0) context_.lane.cancel_read(std::exchange(read_, 0));
  }

  rpc::ServerCall& call_;
  Context& context_;
  std::string request_;
  mvcc::RangeQuery query_;  // views into request_
  uint64_t read_ = 0;
  std::shared_ptr<const mvcc::View> view_;
  std::string next_key_;
  int64_t header_revision_ = 0;
  int64_t piece_ = kFirstPiece;
  int64_t left_ = 0;   // keys that may still be sent
  int64_t sent_ = 0;
  int64_t total_ = 0;  // keys in the range
};

}  // namespace

void add_kv_reads(rpc::Server& server, Context& context) {
  add_method<Range>(server, context, kService, "Range");
  add_method<RangeStream>(server, context, kService, "RangeStream",
                          rpc::MethodKind::kServerStream);
}

}  // namespace gatehouse::api

#include "proxy/admin/admin.h"

#include <utility>

#include "common/transcode/envelope.h"
#include "common/web/answer.h"
#include "proto/rpc.pb.h"
#include "proxy/upstream/http_get.h"

namespace gatehouse::admin {

namespace {

constexpr std::string_view kRangePath = "/etcdserverpb.KV/Range";

// An exchange without a request body to speak of, answered when something else is known.
class Waiting : public http::StreamHandler {
 public:
  explicit Waiting(http::ServerStream& the_stream) : stream(the_stream) {}
  void on_body(std::string_view bytes) override { stream.consumed(bytes.size()); }
  void on_end(const http::Headers&) override {}

 protected:
  http::ServerStream& stream;
};

// Reads one key through the members, as a client would.
class ReadCheck final : public Waiting {
 public:
  // `answer` makes the answer out of the reason why the read failed, "" when it did not.
  using AnswerFor = std::function<web::Answer(const std::string& reason)>;

  ReadCheck(http::ServerStream& the_stream, upstream::Upstream& upstream, AnswerFor answer)
      : Waiting(the_stream), answer_(std::move(answer)) {
    etcdserverpb::RangeRequest request;
    request.set_key("a");
    request.set_limit(1);
    request.set_keys_only(true);
    rpc::CallOptions options;
    options.deadline_ms = upstream.executor().now_ms() + kHealthTimeoutMs;
    upstream::Target target(upstream, {.repeat = upstream::Repeat::kUntilAnswered});
    call_ = rpc::call_unary(
        target, kRangePath, options, request.SerializeAsString(),
        [this](const rpc::CallResult& result, std::string_view) {
          web::send(stream, answer_(answers(result) ? "" : "GET ERROR:" + result.status.message()));
        });
  }
  void on_abort(const http::Abort&) override { call_.reset(); }

 private:
  // A cluster with auth on answers those who have not said who they are, too.
  static bool answers(const rpc::CallResult& result) {
    switch (result.status.code()) {
      case StatusCode::kOk:
      case StatusCode::kPermissionDenied:
      case StatusCode::kUnauthenticated:
      case StatusCode::kInvalidArgument:
        return true;
      default:
        return false;
    }
  }

  const AnswerFor answer_;
  std::unique_ptr<rpc::ClientCall> call_;
};

web::Answer health_answer(const std::string& reason) {
  web::Answer answer;
  answer.content_type = "text/plain; charset=utf-8";
  answer.body = reason.empty() ? R"({"health":"true","reason":)" : R"({"health":"false","reason":)";
  transcode::append_json_string(reason, answer.body);
  answer.body += '}';
  if (!reason.empty()) {
    answer.status = 503;
    answer.headers.add("x-content-type-options", "nosniff");
    answer.body += '\n';
  }
  return answer;
}

web::Answer checks_answer(std::string_view check, const std::string& reason, bool verbose) {
  web::Answer answer;
  answer.content_type = "text/plain; charset=utf-8";
  answer.headers.add("x-content-type-options", "nosniff");
  if (!reason.empty()) {
    answer.status = 503;
    answer.body.append("[-]").append(check).append(" failed: ").append(reason).append("\n\n");
    return answer;
  }
  if (verbose) answer.body.append("[+]").append(check).append(" ok\n");
  answer.body += "ok\n";
  return answer;
}

// Passes a member's answer to a GET on.
class Fetch final : public Waiting {
 public:
  Fetch(http::ServerStream& the_stream, const Admin::Parts& parts, std::string path)
      : Waiting(the_stream) {
    const std::string address = parts.upstream.preferred_address();
    get_ = std::make_unique<upstream::HttpGet>(
        parts.upstream.executor(), parts.http_dialer_for(address), address, std::move(path),
        kFetchTimeoutMs, [this](Result<upstream::HttpResponse> response) {
          if (!response.ok()) {
            web::send(stream, web::text_error(503, response.status().message()));
            return;
          }
          web::Answer answer;
          answer.status = response->status;
          answer.content_type = response->content_type;
          answer.body = std::move(response->body);
          web::send(stream, answer);
        });
  }
  void on_abort(const http::Abort&) override { get_.reset(); }

 private:
  std::unique_ptr<upstream::HttpGet> get_;
};

std::unique_ptr<http::StreamHandler> only_get(http::ServerStream& stream) {
  web::Answer answer = web::text_error(405, "Method Not Allowed");
  answer.headers.add("allow", "GET");
  return web::answer_now(stream, answer);
}

}  // namespace

Admin::Admin(upstream::Upstream& upstream, DialerFor http_dialer_for,
             const metrics::Registry& registry, const std::atomic<bool>& shutting_down)
    : parts_{upstream, std::move(http_dialer_for), registry, shutting_down} {}

std::unique_ptr<http::StreamHandler> Admin::start(http::ServerStream& stream) {
  const http::RequestHead& head = stream.request();
  const std::string_view path = web::path_of(head);
  const bool verbose = web::query_has(web::query_of(head), "verbose");

  if (path == "/metrics") return std::make_unique<Fetch>(stream, parts_, "/metrics");
  if (path == "/proxy/metrics") {
    web::Answer answer;
    answer.content_type = metrics::kTextContentType;
    answer.body = parts_.registry.serialize();
    return web::answer_now(stream, answer);
  }

  const bool health = path == "/health" || path == "/proxy/health";
  const bool ready = path == "/readyz" || path == "/readyz/linearizable_read";
  const bool live = path == "/livez" || path == "/livez/serving";
  if (!health && !ready && !live && path != "/version") return nullptr;
  if (head.method != "GET") return only_get(stream);

  if (live) return web::answer_now(stream, checks_answer("serving", "", verbose));
  if (path == "/version") return std::make_unique<Fetch>(stream, parts_, "/version");
  if (ready && parts_.shutting_down.load(std::memory_order_relaxed)) {
    return web::answer_now(stream, checks_answer("serving", "shutting down", verbose));
  }
  if (health) return std::make_unique<ReadCheck>(stream, parts_.upstream, health_answer);
  return std::make_unique<ReadCheck>(stream, parts_.upstream, [verbose](const std::string& reason) {
    return checks_answer("linearizable_read", reason, verbose);
  });
}

}  // namespace gatehouse::admin

#include "member/transport/answers.h"

#include <utility>

namespace gatehouse::transport {
namespace {

class NothingMore final : public http::StreamHandler {
 public:
  void on_body(std::string_view) override {}
  void on_end(const http::Headers&) override {}
  void on_abort(const http::Abort&) override {}
};

class Gathering final : public http::StreamHandler {
 public:
  Gathering(http::ServerStream& stream, size_t max_bytes, int status_if_longer,
            std::string cluster_id, UniqueFunction<void(std::string, PeerPortHooks::Reply)> then)
      : stream_(std::make_shared<http::ServerStream*>(&stream)),
        max_bytes_(max_bytes),
        status_if_longer_(status_if_longer),
        cluster_id_(std::move(cluster_id)),
        then_(std::move(then)) {}
  ~Gathering() override { *stream_ = nullptr; }

  void on_body(std::string_view bytes) override {
    if (body_.size() + bytes.size() > max_bytes_) {
      refuse(**stream_, status_if_longer_, "http: request body too large", cluster_id_);
      return;
    }
    body_.append(bytes);
    (*stream_)->consumed(bytes.size());
  }

  void on_end(const http::Headers&) override {
    then_(std::move(body_),
          [stream = stream_, cluster_id = cluster_id_](PeerPortHooks::Answer what) {
            if (*stream != nullptr) answer(**stream, what, cluster_id);
          });
  }

  void on_abort(const http::Abort&) override {}

 private:
  // Null once the request is gone, for replies that come late.
  const std::shared_ptr<http::ServerStream*> stream_;
  const size_t max_bytes_;
  const int status_if_longer_;
  const std::string cluster_id_;
  UniqueFunction<void(std::string, PeerPortHooks::Reply)> then_;
  std::string body_;
};

}  // namespace

http::Headers answer_headers(std::string_view content_type, std::string_view cluster_id) {
  http::Headers headers;
  if (!content_type.empty()) headers.add("content-type", content_type);
  if (!cluster_id.empty()) headers.add("x-etcd-cluster-id", cluster_id);
  return headers;
}

void answer(http::ServerStream& stream, const PeerPortHooks::Answer& what,
            std::string_view cluster_id) {
  stream.send_head(what.status, answer_headers(what.body.empty() ? "" : what.content_type,
                                               cluster_id));
  if (!what.body.empty()) stream.send_body(what.body);
  stream.send_end();
}

void refuse(http::ServerStream& stream, int status, std::string_view text,
            std::string_view cluster_id, std::string_view allow) {
  http::Headers headers = answer_headers("text/plain; charset=utf-8", cluster_id);
  headers.add("x-content-type-options", "nosniff");
  if (!allow.empty()) headers.add("allow", allow);
  stream.send_head(status, headers);
  stream.send_body(std::string(text) + "\n");
  stream.send_end();
}

std::unique_ptr<http::StreamHandler> nothing_more() { return std::make_unique<NothingMore>(); }

std::unique_ptr<http::StreamHandler> with_body(
    http::ServerStream& stream, size_t max_bytes, int status_if_longer, std::string cluster_id,
    UniqueFunction<void(std::string body, PeerPortHooks::Reply reply)> then) {
  return std::make_unique<Gathering>(stream, max_bytes, status_if_longer, std::move(cluster_id),
                                     std::move(then));
}

}  // namespace gatehouse::transport

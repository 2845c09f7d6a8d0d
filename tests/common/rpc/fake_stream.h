// An HTTP exchange in memory, as a server's handler sees one: what it does is noted down.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/http/exchange.h"
#include "common/rpc/framing.h"

namespace gatehouse::rpc::testing {

class FakeServerStream final : public http::ServerStream {
 public:
  FakeServerStream() {
    head.method = "POST";
    head.path = "/test.Echo/Unary";
    head.scheme = "http";
    head.headers.add("content-type", "application/grpc");
    head.headers.add("te", "trailers");
    from.address = "127.0.0.1:5";
  }

  // The client's side of things.
  void body(http::StreamHandler& handler, std::string_view bytes) {
    owed += bytes.size();
    const std::string copy(bytes);  // valid during the call only
    handler.on_body(copy);
  }
  void message(http::StreamHandler& handler, std::string_view message) {
    std::string framed;
    append_message(framed, message);
    body(handler, framed);
  }

  // http::ServerStream
  const http::RequestHead& request() const override { return head; }
  const env::PeerInfo& peer() const override { return from; }
  int http_major() const override { return 2; }
  void send_head(int code, const http::Headers& headers) override {
    ++heads;
    status = code;
    response = headers;
  }
  void send_body(std::string_view bytes) override {
    if (ended) return;
    sent.append(bytes);
    if (stalled) unsent_bytes += size_t{1} << 20;
  }
  void send_end(const http::Headers& with) override {
    if (std::exchange(ended, true)) return;
    trailers = with;
  }
  size_t unsent() const override { return unsent_bytes; }
  void consumed(size_t bytes) override { owed -= bytes; }
  void abort(http::ErrorCode) override { aborted = true; }

  // The status as a client reads it: from the trailers, or from the head of a trailers-only answer.
  std::string grpc_status() const { return field("grpc-status"); }
  std::string grpc_message() const { return field("grpc-message"); }
  bool trailers_only() const { return ended && response.get("grpc-status").has_value(); }

  http::RequestHead head;
  env::PeerInfo from;
  size_t unsent_bytes = 0;
  bool stalled = false;  // any message fills the window, as a large one does

  int heads = 0;
  int status = 0;
  http::Headers response;
  std::string sent;
  bool ended = false;
  bool aborted = false;
  http::Headers trailers;
  size_t owed = 0;  // body bytes given and not consumed

 private:
  std::string field(std::string_view name) const {
    if (const auto value = trailers.get(name)) return std::string(*value);
    return std::string(response.get(name).value_or("(none)"));
  }
};

}  // namespace gatehouse::rpc::testing

// Handlers that write down what they are told, on both sides, and do what a test asks.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/exchange.h"

namespace gatehouse::http::testing {

inline std::string text_of(const Headers& headers) {
  std::string text;
  for (const Headers::Field& field : headers) {
    text.append(field.name).append(": ").append(field.value).append("\n");
  }
  return text;
}

// One request as a server's handler saw it. Outlives the handler.
struct Served {
  ServerStream* stream = nullptr;  // null once the handler was destroyed
  RequestHead request;
  std::string body;
  bool ended = false;
  Headers trailers;
  int writable = 0;
  std::optional<Abort> abort;
};

class TestServer : public RequestHandler {
 public:
  using Hook = std::function<void(Served&)>;

  // Each may be empty. The default answers 200 with the request's body at its end.
  Hook on_head;
  Hook on_body;
  Hook on_end = echo;
  Hook on_writable;
  Hook on_abort;
  bool consume = true;

  std::vector<std::unique_ptr<Served>> served;

  static void echo(Served& served) {
    served.stream->send_head(200, {{"content-type", "text/plain"}});
    served.stream->send_body(served.body);
    served.stream->send_end();
  }

  // Exchanges whose handler lives.
  size_t alive() const {
    size_t count = 0;
    for (const auto& one : served) count += one->stream != nullptr ? 1 : 0;
    return count;
  }

  std::unique_ptr<StreamHandler> on_request(ServerStream& stream) override {
    served.push_back(std::make_unique<Served>());
    served.back()->stream = &stream;
    served.back()->request = stream.request();
    auto handler = std::make_unique<Handler>(*this, *served.back());
    handler->call(on_head);
    return handler;
  }

 private:
  class Handler final : public StreamHandler {
   public:
    Handler(TestServer& server, Served& served) : server_(server), served_(served) {}
    ~Handler() override {
      check_not_inside();
      served_.stream = nullptr;
    }

    void on_body(std::string_view bytes) override {
      served_.body.append(bytes);
      if (server_.consume) served_.stream->consumed(bytes.size());
      call(server_.on_body);
    }
    void on_end(const Headers& trailers) override {
      served_.ended = true;
      served_.trailers = trailers;
      call(server_.on_end);
    }
    void on_writable() override {
      ++served_.writable;
      call(server_.on_writable);
    }
    void on_abort(const Abort& abort) override {
      served_.abort = abort;
      call(server_.on_abort);
    }

    void call(const Hook& hook) {
      check_not_inside();
      if (!hook) return;
      inside_ = true;
      hook(served_);
      inside_ = false;
    }

   private:
    // The contract: no callback, nor the end of the handler, from inside its own calls.
    void check_not_inside() const {
      if (inside_) std::abort();
    }

    TestServer& server_;
    Served& served_;
    bool inside_ = false;
  };
};

// One exchange as a client saw it.
class TestCall final : public ClientStreamHandler {
 public:
  using Hook = std::function<void(TestCall&)>;
  Hook when_head;
  Hook when_body;
  Hook when_end;
  Hook when_writable;
  Hook when_abort;
  bool consume = true;

  ClientStream* stream = nullptr;
  int status = 0;
  Headers headers;
  std::string body;
  bool ended = false;
  Headers trailers;
  int writable = 0;
  std::optional<Abort> abort;

  bool over() const { return ended || abort.has_value(); }

  // Opens and sends; null body: none.
  bool start(ClientSession& session, const RequestHead& head,
             std::optional<std::string_view> request_body = std::nullopt) {
    stream = session.open(head, !request_body.has_value(), *this);
    if (stream == nullptr) return false;
    if (request_body.has_value()) {
      stream->send_body(*request_body);
      stream->send_end();
    }
    return true;
  }

  void on_head(int code, const Headers& fields) override {
    check();
    status = code;
    headers = fields;
    call(when_head);
  }
  void on_body(std::string_view bytes) override {
    check();
    body.append(bytes);
    if (consume) stream->consumed(bytes.size());
    call(when_body);
  }
  void on_end(const Headers& fields) override {
    check();
    ended = true;
    trailers = fields;
    call(when_end);
  }
  void on_writable() override {
    check();
    ++writable;
    call(when_writable);
  }
  void on_abort(const Abort& why) override {
    check();
    abort = why;
    call(when_abort);
  }

 private:
  void check() const {
    if (inside_ || over()) std::abort();
  }
  void call(const Hook& hook) {
    if (!hook) return;
    inside_ = true;
    hook(*this);
    inside_ = false;
  }
  bool inside_ = false;
};

inline RequestHead request_head(std::string method, std::string path, Headers headers = {}) {
  RequestHead head;
  head.method = std::move(method);
  head.path = std::move(path);
  head.scheme = "http";
  head.authority = "example.test";
  head.headers = std::move(headers);
  return head;
}

}  // namespace gatehouse::http::testing

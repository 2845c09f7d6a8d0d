// Exchange: one HTTP/1.1 request after another to addresses of one peer, each with its end told
// exactly once, and given up when nothing moves.
//
// Keeps its connection between requests to the same address for less time than the peer does, so
// that a request does not meet a connection that is being closed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/env/executor.h"
#include "common/http/exchange.h"
#include "common/httpio/client_connection.h"
#include "common/net/dialer.h"

namespace gatehouse::transport {

class Exchange final : private httpio::ClientConnection::Listener,
                       private http::ClientStreamHandler {
 public:
  class User {
   public:
    // kStreamed: the head is on its way, send_body() may be called.
    virtual void on_opened() {}
    virtual void on_head(int status, const http::Headers& headers) = 0;
    virtual void on_body(std::string_view bytes) = 0;
    // kStreamed: what waited for the network has gone.
    virtual void on_writable() {}
    // The end: one of the two, the last callback of a request. From inside it another may start.
    virtual void on_done() = 0;
    virtual void on_failed(const Status& why) = 0;

   protected:
    ~User() = default;
  };

  struct Limits {
    uint64_t dial_ms = 2'000;
    // Without a byte in either direction. 0: none.
    uint64_t quiet_ms = 5'000;
    // How long a connection waits for the next request. 0: it is closed after each.
    uint64_t idle_ms = 0;
  };

  enum class Body : uint8_t { kWhole, kStreamed };

  Exchange(env::Executor& executor, net::Dialer& dialer, Limits limits, User& user);
  // Outside its connection's callbacks; stop() may be called anywhere.
  ~Exchange();

  bool busy() const { return busy_; }
  // Not while busy(). `url` as in net::parse_address; its host becomes the authority.
  void start(const std::string& url, http::RequestHead head, std::string body = {},
             Body kind = Body::kWhole);
  // Gives the request up, without a callback, and closes the connection.
  void stop();

  // While a kStreamed request is open.
  void send_body(std::string_view bytes);
  void send_end();
  size_t unsent() const { return stream_ == nullptr ? 0 : stream_->unsent(); }
  // From here on for this request; 0: none.
  void set_quiet_limit(uint64_t ms);

 private:
  // httpio::ClientConnection::Listener
  void on_connection_state(httpio::ClientConnection& connection,
                           httpio::ClientConnection::State state) override;
  void on_can_open(httpio::ClientConnection&) override {}
  // http::ClientStreamHandler
  void on_head(int status, const http::Headers& headers) override;
  void on_body(std::string_view bytes) override;
  void on_end(const http::Headers& trailers) override;
  void on_writable() override;
  void on_abort(const http::Abort& abort) override;

  void open();
  void fail(const Status& why);
  void release();
  void moved();
  void on_timer();

  env::Executor& executor_;
  net::Dialer& dialer_;
  const Limits limits_;
  User& user_;
  std::unique_ptr<httpio::ClientConnection> connection_;
  http::ClientStream* stream_ = nullptr;
  http::RequestHead head_;
  std::string body_;
  Body kind_ = Body::kWhole;
  bool busy_ = false;
  uint64_t quiet_ms_ = 0;
  uint64_t moved_ms_ = 0;      // when a byte last moved
  size_t unsent_before_ = 0;   // at the last look
  env::Timer timer_;           // busy: looks whether bytes move; else: closes what is idle
};

}  // namespace gatehouse::transport

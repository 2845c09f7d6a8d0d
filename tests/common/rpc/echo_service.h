// A service with one method of each kind, for tests. What it does is told by the request:
//
//   /test.Echo/Unary    answers with the message. Metadata "status: N" fails the call with code N
//   and
//                       the message as its text; "echo-…" keys come back in the head and trailers;
//                       "delay-ms: N" answers later.
//   /test.Echo/Collect  answers "<messages> <bytes>" after the last message.
//   /test.Echo/List     "N SIZE" in the request: N messages of SIZE bytes, as the client reads
//   them. /test.Echo/Chat     answers each message with itself. /test.Echo/Hang     reads all and
//   never answers. /test.Echo/Sleep    reads one message and nothing more.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "common/env/executor.h"
#include "common/rpc/server.h"

namespace gatehouse::rpc::testing {

// What the handlers of a server have in common. Not for several threads.
struct EchoState {
  int alive = 0;
  int started = 0;
  int cancelled = 0;
  std::string last_cancel;
  size_t messages = 0;
  size_t listed = 0;  // sent by List
};

class EchoHandler : public ServerHandler {
 public:
  EchoHandler(ServerCall& call, EchoState& state) : call_(call), state_(state) {
    ++state_.alive;
    ++state_.started;
  }
  ~EchoHandler() override { --state_.alive; }
  void on_message(std::string_view) override { ++state_.messages; }
  void on_half_close() override {}
  void on_cancel(const Status& why) override {
    ++state_.cancelled;
    state_.last_cancel = why.to_string();
  }

 protected:
  ServerCall& call_;
  EchoState& state_;
};

class EchoUnary final : public EchoHandler {
 public:
  EchoUnary(ServerCall& call, EchoState& state)
      : EchoHandler(call, state), timer_(call.executor(), [this] { answer(); }) {}
  void on_message(std::string_view message) override {
    EchoHandler::on_message(message);
    message_ = message;
  }
  void on_half_close() override {
    if (const auto delay = find(call_.metadata(), "delay-ms")) {
      timer_.arm(static_cast<uint64_t>(std::atoll(std::string(*delay).c_str())));
    } else {
      answer();
    }
  }
  void on_cancel(const Status& why) override {
    EchoHandler::on_cancel(why);
    timer_.cancel();
  }

 private:
  void answer() {
    Metadata echo;
    for (const auto& entry : call_.metadata()) {
      if (entry.first.starts_with("echo-")) echo.push_back(entry);
    }
    if (const auto code = find(call_.metadata(), "status")) {
      call_.finish(Status(status_code_from_int(std::atoi(std::string(*code).c_str())), message_),
                   echo);
      return;
    }
    if (!echo.empty()) call_.send_initial_metadata(echo);
    call_.send(message_);
    call_.finish(Status(), echo);
  }

  std::string message_;
  env::Timer timer_;
};

class EchoCollect final : public EchoHandler {
 public:
  using EchoHandler::EchoHandler;
  void on_message(std::string_view message) override {
    EchoHandler::on_message(message);
    ++count_;
    bytes_ += message.size();
    call_.want_message();
  }
  void on_half_close() override {
    call_.send(std::to_string(count_) + " " + std::to_string(bytes_));
    call_.finish(Status());
  }

 private:
  size_t count_ = 0;
  size_t bytes_ = 0;
};

class EchoList final : public EchoHandler {
 public:
  using EchoHandler::EchoHandler;
  void on_message(std::string_view message) override {
    EchoHandler::on_message(message);
    const std::string text(message);
    char* end = nullptr;
    left_ = std::strtoull(text.c_str(), &end, 10);
    size_ = std::strtoull(end, nullptr, 10);
  }
  void on_half_close() override { on_can_send(); }
  void on_can_send() override {
    while (left_ > 0 && call_.can_send()) {
      --left_;
      ++state_.listed;
      call_.send(std::string(size_, static_cast<char>('a' + left_ % 26)));
    }
    if (left_ == 0) call_.finish(Status());
  }

 private:
  size_t left_ = 0;
  size_t size_ = 0;
};

class EchoChat final : public EchoHandler {
 public:
  using EchoHandler::EchoHandler;
  void on_message(std::string_view message) override {
    EchoHandler::on_message(message);
    call_.send(message);
    if (call_.can_send()) {
      call_.want_message();
    } else {
      stalled_ = true;
    }
  }
  void on_can_send() override {
    if (std::exchange(stalled_, false)) call_.want_message();
  }
  void on_half_close() override { call_.finish(Status()); }

 private:
  bool stalled_ = false;
};

class EchoHang final : public EchoHandler {
 public:
  using EchoHandler::EchoHandler;
  void on_message(std::string_view message) override {
    EchoHandler::on_message(message);
    call_.want_message();
  }
};

template <typename Handler>
void add_echo_method(Server& server, const char* name, MethodKind kind, EchoState& state) {
  server.add({"test.Echo", name, kind},
             [&state](ServerCall& call) { return std::make_unique<Handler>(call, state); });
}

inline void add_echo_service(Server& server, EchoState& state) {
  add_echo_method<EchoUnary>(server, "Unary", MethodKind::kUnary, state);
  add_echo_method<EchoCollect>(server, "Collect", MethodKind::kClientStream, state);
  add_echo_method<EchoList>(server, "List", MethodKind::kServerStream, state);
  add_echo_method<EchoChat>(server, "Chat", MethodKind::kBidiStream, state);
  add_echo_method<EchoHang>(server, "Hang", MethodKind::kBidiStream, state);
  add_echo_method<EchoHandler>(server, "Sleep", MethodKind::kBidiStream, state);
}

}  // namespace gatehouse::rpc::testing

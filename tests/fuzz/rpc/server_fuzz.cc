// Any headers and any body, as HTTP/2 would hand them over, through the server: it answers each
// request at most once, credits every byte of an answered one, and tells handlers in order.
//
// Input: header fields and a script of what happens, split by the bytes below.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "common/env/sim_executor.h"
#include "common/rpc/gzip.h"
#include "common/rpc/server.h"
#include "tests/common/rpc/fake_stream.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::rpc;

class Handler final : public ServerHandler {
 public:
  Handler(ServerCall& call, uint8_t habits) : call_(call), habits_(habits) {
    if (habits_ & 1) call_.send_initial_metadata(call_.metadata());
    if (habits_ & 2) call_.finish(not_found("early"));
  }
  void on_message(std::string_view message) override {
    CHECK(!over_ && !half_closed_);
    ++messages_;
    CHECK(message.size() <= 1000);
    if (habits_ & 4) call_.send(message);
    if (habits_ & 8) call_.want_message();
    if ((habits_ & 16) && messages_ == 2) call_.finish(Status(), {{"x-bin", std::string(message)}});
  }
  void on_half_close() override {
    CHECK(!over_ && !half_closed_);
    half_closed_ = true;
    const MethodKind kind = call_.method().kind;
    if (kind == MethodKind::kUnary || kind == MethodKind::kServerStream) CHECK(messages_ == 1);
    if (habits_ & 32) call_.finish(Status());
  }
  void on_can_send() override { CHECK(!over_); }
  void on_cancel(const Status& why) override {
    CHECK(!over_);
    over_ = true;
    CHECK(!why.ok());
    call_.send("nothing happens");
    call_.finish(Status());
  }

 private:
  ServerCall& call_;
  const uint8_t habits_;
  size_t messages_ = 0;
  bool half_closed_ = false;
  bool over_ = false;
};

struct Observer final : ServerObserver {
  void on_call_started(const Method&, const Metadata&) override { ++open; }
  void on_message_received(const Method&, size_t) override { CHECK(open == 1); }
  void on_message_sent(const Method&, size_t) override { CHECK(open == 1); }
  void on_call_finished(const Method&, StatusCode, uint64_t) override { CHECK(open-- == 1); }
  int open = 0;
};

// The next part of the input, up to a byte that ends parts.
std::string_view take(std::string_view& in, char end) {
  const size_t at = in.find(end);
  const std::string_view part = in.substr(0, at);
  in.remove_prefix(at == std::string_view::npos ? in.size() : at + 1);
  return part;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const uint8_t habits = data[0];
  const uint8_t kind = data[1] % 4;
  std::string_view in(reinterpret_cast<const char*>(data) + 2, size - 2);

  env::SimExecutor sim;
  Observer observer;
  Server server({.max_receive_bytes = 1000, .max_metadata_bytes = 500}, &observer);
  server.add({"s", "m", static_cast<MethodKind>(kind)},
             [habits](ServerCall& call) { return std::make_unique<Handler>(call, habits); });
  testing::FakeServerStream stream;
  stream.head.path = "/s/m";
  stream.head.headers = {{"content-type", "application/grpc"}};
  std::string_view head = take(in, '\xfe');
  while (!head.empty()) {
    std::string_view line = take(head, '\n');
    const std::string_view name = take(line, '=');
    if (name == ":path") {
      stream.head.path = line;
    } else if (name == "content-type") {
      stream.head.headers = {{"content-type", line}};
    } else if (!name.empty()) {
      stream.head.headers.add(name, line);
    }
  }

  std::unique_ptr<http::StreamHandler> handler = server.start(stream, sim);
  bool ended = false;
  while (handler != nullptr && !in.empty()) {
    std::string_view piece = take(in, '\xfd');
    const char what = piece.empty() ? 'b' : piece.front();
    if (!piece.empty()) piece.remove_prefix(1);
    switch (what) {
      case 'e':
        if (!std::exchange(ended, true)) handler->on_end({});
        break;
      case 'a':
        handler->on_abort({http::ErrorCode::kCancel, true, false, unavailable("gone")});
        handler.reset();
        break;
      case 't':
        sim.advance(1000);
        break;
      case 'w':
        handler->on_writable();
        break;
      case 'z':
        if (!ended) stream.message(*handler, gzip_compress(piece));
        break;
      case 'm':
        if (!ended) stream.message(*handler, piece);
        break;
      default:
        if (!ended) stream.body(*handler, piece);
    }
    CHECK(stream.heads <= 1);
    if (stream.ended && handler != nullptr) CHECK(stream.owed == 0);
  }
  if (handler != nullptr) sim.advance(10'000);
  CHECK(!stream.ended || (stream.heads == 1 && stream.grpc_status() != "(none)"));
  handler.reset();
  CHECK(observer.open == 0);
  return 0;
}

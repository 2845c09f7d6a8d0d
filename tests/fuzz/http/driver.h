// What the fuzz targets of common/http share: handlers that do a bit of everything, decided by the
// request, and a driver whose chunking, budgets and interruptions come from the input's first
// bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "tests/common/http/recorder.h"
#include "tests/common/http/wire.h"

namespace gatehouse::http::testing {

// The input's first 4 bytes decide what happens around the bytes that follow.
class Whims {
 public:
  static constexpr size_t kBytes = 4;

  Whims(const uint8_t* data, size_t size) {
    uint32_t seed = 0;
    for (size_t i = 0; i < kBytes && i < size; ++i) seed = seed << 8 | data[i];
    random_.seed(seed);
  }
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_()) % bound; }

 private:
  std::minstd_rand random_;
};

inline std::string_view rest_of(const uint8_t* data, size_t size) {
  if (size <= Whims::kBytes) return {};
  return {reinterpret_cast<const char*>(data) + Whims::kBytes, size - Whims::kBytes};
}

inline void set_whims(TestServer& server, Whims& whims) {
  server.consume = whims.below(4) != 0;
  const auto respond = [&whims](Served& served) {
    switch (whims.below(8)) {
      case 0:
        break;
      case 1:
        served.stream->abort(ErrorCode::kCancel);
        break;
      case 2:
        served.stream->send_head(204, {{"a", "b"}});
        served.stream->send_end();
        break;
      case 3:
        served.stream->send_head(200, {{"content-length", "5"}});
        served.stream->send_body(std::string(whims.below(9), 'x'));
        served.stream->send_end({{"t", "1"}});
        break;
      case 4:
        served.stream->send_head(200, {});
        served.stream->send_body(std::string(whims.below(200'000), 'x'));
        break;
      default:
        TestServer::echo(served);
    }
  };
  const bool early = whims.below(3) == 0;
  if (early)
    server.on_head = [&whims, respond](Served& s) {
      if (whims.below(2) == 0) respond(s);
    };
  server.on_end = early ? TestServer::Hook() : TestServer::Hook(respond);
  server.on_writable = [](Served& served) { served.stream->send_end({{"late", "1"}}); };
}

// Feeds and takes until the input is used up, then ends the connection in one way or another.
inline void drive(TestHost& host, Session& session, std::string_view bytes, Whims& whims) {
  std::string out;
  const bool small = whims.below(2) == 0;
  while (!bytes.empty()) {
    const size_t count = std::min<size_t>(bytes.size(), 1 + whims.below(small ? 8 : 4000));
    const std::string chunk(bytes.substr(0, count));  // its own block, so that overruns are seen
    session.feed(chunk);
    bytes.remove_prefix(count);
    if (whims.below(2) == 0) {
      out.clear();
      session.take_output(out, 1 + whims.below(40'000));
    }
    host.now += whims.below(20);
    if (whims.below(200) == 0) session.drain();
  }
  if (whims.below(2) == 0) session.peer_finished();
  out.clear();
  session.take_output(out, SIZE_MAX);
  if (whims.below(2) == 0) return;  // destroyed as it stands
  session.connection_lost(unavailable("the wire was cut"));
  CHECK(session.finished());
  CHECK(session.active_streams() == 0);
}

}  // namespace gatehouse::http::testing

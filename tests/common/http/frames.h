// HTTP/2 frames by hand (RFC 9113 section 4.1), for a peer that does not keep to the rules.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/http/headers.h"

namespace gatehouse::http::testing {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};

enum FrameFlag : uint8_t {
  kEndStream = 1,
  kAck = 1,
  kEndHeaders = 4,
  kPadded = 8,
  kPriorityFlag = 32
};

inline std::string big_endian(uint64_t number, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(number >> (8 * i)));
  return out;
}

inline uint32_t read_big_endian(std::string_view bytes) {
  uint32_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<uint8_t>(c);
  return number;
}

inline std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  return big_endian(payload.size(), 3) + big_endian(type, 1) + big_endian(flags, 1) +
         big_endian(stream, 4) + std::string(payload);
}

inline std::string settings(const std::vector<std::pair<uint16_t, uint32_t>>& entries = {}) {
  std::string payload;
  for (const auto& [id, value] : entries) payload += big_endian(id, 2) + big_endian(value, 4);
  return frame(kSettings, 0, 0, payload);
}
inline std::string settings_ack() { return frame(kSettings, kAck, 0, ""); }
inline std::string ping(std::string_view payload = "12345678") {
  return frame(kPing, 0, 0, payload);
}
inline std::string rst_stream(uint32_t stream, uint32_t code) {
  return frame(kRstStream, 0, stream, big_endian(code, 4));
}
inline std::string window_update(uint32_t stream, uint32_t increment) {
  return frame(kWindowUpdate, 0, stream, big_endian(increment, 4));
}
inline std::string goaway(uint32_t last, uint32_t code, std::string_view debug = "") {
  return frame(kGoaway, 0, 0, big_endian(last, 4) + big_endian(code, 4) + std::string(debug));
}

// Fields as HPACK literals that are not indexed (RFC 7541 section 6.2.2): no state to keep.
inline std::string hpack(const std::vector<Headers::Field>& fields) {
  const auto text = [](std::string_view s) {
    std::string out;
    size_t rest = s.size();
    if (rest < 127) {
      out.push_back(static_cast<char>(rest));
    } else {
      out.push_back(127);
      for (rest -= 127; rest >= 128; rest /= 128)
        out.push_back(static_cast<char>(rest % 128 + 128));
      out.push_back(static_cast<char>(rest));
    }
    return out + std::string(s);
  };
  std::string block;
  for (const auto& [name, value] : fields) block += std::string(1, '\0') + text(name) + text(value);
  return block;
}

inline std::vector<Headers::Field> get_fields(std::string_view path = "/") {
  return {{":method", "GET"}, {":scheme", "http"}, {":path", path}, {":authority", "a.test"}};
}
inline std::vector<Headers::Field> post_fields(std::string_view path = "/") {
  return {{":method", "POST"}, {":scheme", "http"}, {":path", path}, {":authority", "a.test"}};
}
inline std::string headers(uint32_t stream, const std::vector<Headers::Field>& fields,
                           bool end_stream = true) {
  return frame(kHeaders, kEndHeaders | (end_stream ? kEndStream : 0), stream, hpack(fields));
}
inline std::string data(uint32_t stream, std::string_view bytes, bool end_stream = false) {
  return frame(kData, end_stream ? kEndStream : 0, stream, bytes);
}

struct Frame {
  uint8_t type = 0;
  uint8_t flags = 0;
  uint32_t stream = 0;
  std::string payload;
};

// What a session sent, as frames. Keeps HPACK state, so one reader for one connection.
class FrameReader {
 public:
  FrameReader() {
    nghttp2_hd_inflater* made = nullptr;
    if (nghttp2_hd_inflate_new(&made) != 0) std::abort();
    inflater_.reset(made);
  }

  std::vector<Frame> read(std::string_view bytes) {
    std::vector<Frame> frames;
    while (!bytes.empty()) {
      if (bytes.starts_with(kPreface)) {
        bytes.remove_prefix(kPreface.size());
        continue;
      }
      if (bytes.size() < 9) std::abort();
      const size_t size = read_big_endian(bytes.substr(0, 3));
      if (bytes.size() < 9 + size) std::abort();
      frames.push_back({static_cast<uint8_t>(bytes[3]), static_cast<uint8_t>(bytes[4]),
                        read_big_endian(bytes.substr(5, 4)), std::string(bytes.substr(9, size))});
      bytes.remove_prefix(9 + size);
    }
    return frames;
  }

  // The fields of a HEADERS frame, in order: all of them must be read, once.
  Headers fields(const Frame& frame) {
    Headers headers;
    const auto* in = reinterpret_cast<const uint8_t*>(frame.payload.data());
    size_t left = frame.payload.size();
    for (;;) {
      nghttp2_nv field;
      int flags = 0;
      const auto read = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, in, left, 1);
      if (read < 0) std::abort();
      in += read;
      left -= static_cast<size_t>(read);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        headers.add({reinterpret_cast<char*>(field.name), field.namelen},
                    {reinterpret_cast<char*>(field.value), field.valuelen});
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    nghttp2_hd_inflate_end_headers(inflater_.get());
    return headers;
  }

 private:
  struct Deleter {
    void operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }
  };
  std::unique_ptr<nghttp2_hd_inflater, Deleter> inflater_;
};

// "SETTINGS", "GOAWAY PROTOCOL_ERROR", "RST_STREAM 1 CANCEL", "HEADERS 1 END_STREAM", …: one line a
// frame.
std::string describe(const std::vector<Frame>& frames);

}  // namespace gatehouse::http::testing

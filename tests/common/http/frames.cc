#include "tests/common/http/frames.h"

#include "common/http/error_code.h"

namespace gatehouse::http::testing {

namespace {

std::string code_at(const std::string& payload, size_t offset) {
  return error_code_name(
      static_cast<ErrorCode>(read_big_endian(std::string_view(payload).substr(offset, 4))));
}

}  // namespace

std::string describe(const std::vector<Frame>& frames) {
  static constexpr const char* kNames[] = {
      "DATA",         "HEADERS", "PRIORITY", "RST_STREAM",    "SETTINGS",
      "PUSH_PROMISE", "PING",    "GOAWAY",   "WINDOW_UPDATE", "CONTINUATION"};
  std::string text;
  for (const Frame& one : frames) {
    text += one.type < 10 ? kNames[one.type] : "UNKNOWN";
    if (one.stream != 0) text += " " + std::to_string(one.stream);
    if (one.type == kData) text += " " + std::to_string(one.payload.size()) + " bytes";
    if (one.type == kRstStream) text += " " + code_at(one.payload, 0);
    if (one.type == kGoaway) {
      text +=
          " last " + std::to_string(read_big_endian(std::string_view(one.payload).substr(0, 4)));
      text += " " + code_at(one.payload, 4);
      if (one.payload.size() > 8) text += " \"" + one.payload.substr(8) + "\"";
    }
    if (one.type == kWindowUpdate) text += " " + std::to_string(read_big_endian(one.payload));
    if (one.type == kData || one.type == kHeaders) {
      if ((one.flags & kEndStream) != 0) text += " END_STREAM";
    }
    if ((one.type == kSettings || one.type == kPing) && (one.flags & kAck) != 0) text += " ACK";
    text += "\n";
  }
  return text;
}

}  // namespace gatehouse::http::testing

#include "common/transcode/envelope.h"

#include <cstdint>

namespace gatehouse::transcode {
namespace {

// The length of the UTF-8 sequence at the front of `text` (RFC 3629: no surrogates, nothing
// overlong, nothing beyond U+10FFFF), or 0.
size_t utf8_sequence(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t size = lead >= 0xC2 && lead < 0xE0   ? 2
                      : lead >= 0xE0 && lead < 0xF0 ? 3
                      : lead >= 0xF0 && lead < 0xF5 ? 4
                                                    : 0;
  if (size == 0 || text.size() < size) return 0;
  const uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < size; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return size;
}

}  // namespace

int http_status(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return 200;
    case StatusCode::kCanceled:
      return 499;
    case StatusCode::kInvalidArgument:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kOutOfRange:
      return 400;
    case StatusCode::kDeadlineExceeded:
      return 504;
    case StatusCode::kNotFound:
      return 404;
    case StatusCode::kAlreadyExists:
    case StatusCode::kAborted:
      return 409;
    case StatusCode::kPermissionDenied:
      return 403;
    case StatusCode::kResourceExhausted:
      return 429;
    case StatusCode::kUnimplemented:
      return 501;
    case StatusCode::kUnavailable:
      return 503;
    case StatusCode::kUnauthenticated:
      return 401;
    case StatusCode::kUnknown:
    case StatusCode::kInternal:
    case StatusCode::kDataLoss:
      break;
  }
  return 500;
}

void append_json_string(std::string_view text, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const size_t size = utf8_sequence(text);
    const char c = text.front();
    if (size == 0) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (size == 1 && static_cast<uint8_t>(c) < 0x20) {
      out += "\\u00";
      out += kDigits[static_cast<uint8_t>(c) >> 4];
      out += kDigits[static_cast<uint8_t>(c) & 15];
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  out += '"';
}

std::string error_body(const Status& status) {
  std::string out = "{\"error\":";
  append_json_string(status.message(), out);
  out += ",\"message\":";
  append_json_string(status.message(), out);
  out += ",\"code\":" + std::to_string(static_cast<int>(status.code())) + "}";
  return out;
}

Status append_result_line(const Transcoder& transcoder, const Route& route, std::string_view bytes,
                          std::string& out) {
  const size_t before = out.size();
  out += "{\"result\":";
  Status status = transcoder.proto_to_json(route, bytes, out);
  if (!status.ok()) {
    out.resize(before);
    return status;
  }
  out += "}\n";
  return Status();
}

void append_error_line(const Status& status, std::string& out) {
  out +=
      "{\"error\":{\"code\":" + std::to_string(static_cast<int>(status.code())) + ",\"message\":";
  append_json_string(status.message(), out);
  out += "}}\n";
}

}  // namespace gatehouse::transcode

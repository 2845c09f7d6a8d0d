#include "common/transcode/envelope.h"

#include <cstdint>

#include "common/base/utf8.h"

namespace gatehouse::transcode {

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
    const size_t size = utf8_character_length(text);
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

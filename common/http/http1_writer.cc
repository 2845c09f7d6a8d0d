#include "common/http/http1_writer.h"

#include <algorithm>
#include <charconv>

#include "common/http/fields.h"

namespace gatehouse::http {

namespace {

// "content-type" as "Content-Type", as HTTP/1 is usually written.
void append_name(std::string& out, std::string_view name) {
  bool first = true;
  for (const char c : name) {
    out.push_back(first && c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c);
    first = c == '-';
  }
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  // A name that is none cannot be repaired; a line break in a value would start a field of its own.
  if (!is_token(name)) return;
  append_name(out, name);
  out.append(": ");
  for (const char c : value) out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
  out.append("\r\n");
}

void append_number(std::string& out, uint64_t number, int base) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, base);
  out.append(digits, end.ptr);
}

}  // namespace

void Http1Writer::reset() {
  head_.clear();
  body_.reset();
  trailers_.clear();
  length_left_ = 0;
  length_given_ = false;
  chunked_ = false;
  started_ = false;
  ended_ = false;
  head_drained_ = false;
  complete_ = false;
  must_close_ = false;
  asked_to_close_ = false;
}

void Http1Writer::start(std::string_view start_line, const Headers& headers, Traits traits) {
  started_ = true;
  traits_ = traits;
  head_.append(start_line).append("\r\n");
  for (const Headers::Field& field : headers) {
    if (field.name == "content-length") {
      const char* end = field.value.data() + field.value.size();
      const auto read = std::from_chars(field.value.data(), end, length_left_);
      length_given_ = read.ec == std::errc() && read.ptr == end && traits.length;
      if (length_given_) append_field(head_, field.name, field.value);
    } else if (is_connection_specific(field.name)) {
      if (field.name == "connection" && equals_ignoring_case(field.value, "close")) {
        asked_to_close_ = true;
      }
    } else {
      append_field(head_, field.name, field.value);
    }
  }
}

void Http1Writer::append(std::string_view bytes) {
  if (!traits_.body) return;
  if (length_given_) {
    if (bytes.size() > length_left_) {
      bytes = bytes.substr(0, length_left_);
      must_close_ = true;  // the peer would take the rest for another message
    }
    length_left_ -= bytes.size();
  }
  body_.append(bytes);
}

void Http1Writer::end(const Headers& trailers) {
  ended_ = true;
  if (traits_.trailers) trailers_ = trailers;
}

void Http1Writer::drain(std::string& out, size_t budget, std::string_view connection) {
  if (!started_ || complete_ || out.size() >= budget) return;
  if (!head_drained_) drain_head(out, connection);
  drain_body(out, budget);
  if (ended_ && body_.empty()) drain_end(out);
}

void Http1Writer::drain_head(std::string& out, std::string_view connection) {
  head_drained_ = true;
  if (traits_.body && !length_given_) {
    if (ended_ && trailers_.empty()) {
      length_given_ = true;
      length_left_ = 0;  // all of it is here
      if (!body_.empty() || traits_.empty_length) {
        head_.append("Content-Length: ");
        append_number(head_, body_.size(), 10);
        head_.append("\r\n");
      }
    } else if (traits_.chunks) {
      chunked_ = true;
      head_.append("Transfer-Encoding: chunked\r\n");
    } else {
      must_close_ = true;
    }
  }
  if (must_close_) connection = "close";
  if (!connection.empty()) append_field(head_, "connection", connection);
  head_.append("\r\n");
  out.append(head_);
  head_.clear();
}

void Http1Writer::drain_body(std::string& out, size_t budget) {
  const size_t bytes = std::min(body_.size(), out.size() < budget ? budget - out.size() : 0);
  if (bytes == 0) return;
  if (chunked_) {
    append_number(out, bytes, 16);
    out.append("\r\n");
  }
  out.append(body_.front(bytes));
  if (chunked_) out.append("\r\n");
  body_.drop(bytes);
}

void Http1Writer::drain_end(std::string& out) {
  complete_ = true;
  if (chunked_) {
    out.append("0\r\n");
    for (const Headers::Field& field : trailers_) append_field(out, field.name, field.value);
    out.append("\r\n");
  } else if (traits_.body && length_given_ && length_left_ > 0) {
    must_close_ = true;  // less than was announced
  }
}

}  // namespace gatehouse::http

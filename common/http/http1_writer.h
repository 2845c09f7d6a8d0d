// One HTTP/1 message on its way out: start line and fields, framing, body, trailers.
//
// The head waits until the first drain(): a message whose end has been given by then says its
// length, others are chunked (RFC 9112 sections 6 and 7.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/http/headers.h"
#include "common/http/send_buffer.h"

namespace gatehouse::http {

class Http1Writer {
 public:
  struct Traits {
    bool body = true;    // false: the message ends with its head, what is given as body is dropped
    bool length = true;  // false: no Content-Length either (204)
    bool chunks = true;  // false: a body of unknown length runs to the end of the connection
    bool trailers = true;      // false: dropped
    bool empty_length = true;  // say "Content-Length: 0" for an empty body (not in a GET)
  };

  // `start_line` without line end. Fields about the connection are left out, content-length decides
  // the framing, text that would break the lines is made harmless.
  void start(std::string_view start_line, const Headers& headers, Traits traits);
  void append(std::string_view bytes);
  void end(const Headers& trailers);

  // Moves on until `out` holds about `budget` bytes. `connection` is the Connection field of the
  // head, if that is still to come and not empty.
  void drain(std::string& out, size_t budget, std::string_view connection);

  bool started() const { return started_; }
  bool ended() const { return ended_; }
  bool head_drained() const { return head_drained_; }
  // The whole message is out.
  bool complete() const { return complete_; }
  // The message can only be ended by closing the connection, or was not what its length said.
  bool must_close() const { return must_close_; }
  // Its end is known from the start: a length is given, or there is none.
  bool length_known() const { return length_given_ || !traits_.body; }
  size_t waiting() const { return body_.size(); }
  // The fields given to start() asked for "Connection: close".
  bool asked_to_close() const { return asked_to_close_; }
  void reset();

 private:
  void drain_head(std::string& out, std::string_view connection);
  void drain_body(std::string& out, size_t budget);
  void drain_end(std::string& out);

  Traits traits_;
  std::string head_;
  SendBuffer body_;
  Headers trailers_;
  uint64_t length_left_ = 0;
  bool length_given_ = false;
  bool chunked_ = false;
  bool started_ = false;
  bool ended_ = false;
  bool head_drained_ = false;
  bool complete_ = false;
  bool must_close_ = false;
  bool asked_to_close_ = false;
};

}  // namespace gatehouse::http

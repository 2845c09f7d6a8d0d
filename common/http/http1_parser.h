// HTTP/1 messages out of bytes: llhttp, with limits, and with what it lets pass refused.
//
// A parser stands at the start of a message, reads one, and stops; next() goes on. Its user is told
// of a head, body pieces and an end, or finds error() set.
#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/http/headers.h"
#include "common/http/http1.h"

namespace gatehouse::http {

// Watches the line structure of a head or of trailers: lines end in CRLF, no CR, LF or NUL stands
// elsewhere, no line is a continuation of the one before. llhttp 8 is laxer, and a proxy before us
// may see other lines than it does (RFC 9112 sections 2.2, 5.2 and 11.2; CVE-2023-30589).
class LineGuard {
 public:
  // How many of the bytes belong to the head; all where it does not end in them. `broken` is set at
  // the first offence.
  size_t scan(std::string_view bytes, bool& broken);
  bool complete() const { return complete_; }
  // Something of the message has come, beyond empty lines before it.
  bool begun() const { return line_bytes_ > 0 || lines_ > 0; }
  char first_byte() const { return first_byte_; }
  void reset() { *this = LineGuard(); }
  // What follows are trailers: fields without a line before them, possibly none.
  void expect_trailers() {
    reset();
    lines_ = 1;
  }

 private:
  size_t lines_ = 0;       // that are complete and not empty
  size_t line_bytes_ = 0;  // of the current line
  char first_byte_ = '\0';
  bool after_cr_ = false;
  bool complete_ = false;
};

class Http1Parser {
 public:
  class Sink {
   public:
    // The head is complete. False: the message has no body whatever its head says (response to
    // HEAD).
    virtual bool on_message_head() = 0;
    virtual void on_message_body(std::string_view bytes) = 0;

   protected:
    ~Sink() = default;
  };

  // How a message cannot be read on: the status a server answers, and why.
  struct Error {
    int status = 0;  // 0: none
    std::string text;
  };

  enum class Kind : uint8_t { kRequest, kResponse };

  Http1Parser(Kind kind, const Http1Options& options, Sink& sink);
  Http1Parser(const Http1Parser&) = delete;
  Http1Parser& operator=(const Http1Parser&) = delete;

  // Reads on and returns how many bytes were read: fewer than given when the message ended or
  // error() is set.
  size_t read(std::string_view bytes);
  // The peer sends no more. True if that is a proper end of the message.
  bool finish();
  // From the end of one message to the start of the next.
  void next();

  bool begun() const { return guard_.begun(); }
  bool head_complete() const { return head_complete_; }
  bool message_complete() const { return message_complete_; }
  const Error& error() const { return error_; }

  // Of the head, valid from on_message_head until next().
  const char* method() const { return method_; }
  const std::string& target() const { return target_; }
  int status() const { return status_; }
  int minor_version() const { return minor_version_; }
  bool keep_alive() const { return keep_alive_; }
  // The request has a body to come: a length above 0, or chunks.
  bool expects_body() const { return expects_body_; }
  const Headers& headers() const { return headers_; }
  const Headers& trailers() const { return trailers_; }

 private:
  struct Callbacks;

  void fail(int status, std::string text);
  void fail_as_llhttp_did();
  int check_head();
  int check_transfer_encoding();
  int on_target(std::string_view bytes);
  int on_field_piece(std::string& piece, std::string_view bytes);
  int on_field_complete();
  int on_head_complete();

  const Kind kind_;
  const Http1Options options_;
  Sink& sink_;
  llhttp_t parser_;
  LineGuard guard_;

  bool head_complete_ = false;
  bool in_trailers_ = false;
  bool message_complete_ = false;
  Error error_;
  const char* method_ = "";
  std::string target_;
  int status_ = 0;
  int minor_version_ = 1;
  bool keep_alive_ = false;
  bool expects_body_ = false;
  Headers headers_;
  Headers trailers_;
  size_t start_bytes_ = 0;   // target, or reason phrase
  size_t header_bytes_ = 0;  // of the head, then of the trailers
  std::string name_;
  std::string value_;
};

}  // namespace gatehouse::http

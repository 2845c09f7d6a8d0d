#include "common/http/http1_parser.h"

#include <utility>

#include "common/http/fields.h"

namespace gatehouse::http {

namespace {

// What callbacks return to llhttp. Not every version names them all alike; these numbers are fixed.
constexpr int kGoOn = 0;
constexpr int kSkipBody = 1;

}  // namespace

size_t LineGuard::scan(std::string_view bytes, bool& broken) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (after_cr_) {
      if (c != '\n') {
        broken = true;
        return i;
      }
      after_cr_ = false;
      if (line_bytes_ > 0) {
        ++lines_;
        line_bytes_ = 0;
      } else if (lines_ > 0) {
        complete_ = true;
        return i + 1;
      }  // else an empty line before the message (RFC 9112 section 2.2)
    } else if (c == '\r') {
      after_cr_ = true;
    } else if (c == '\n' || c == '\0' ||
               (line_bytes_ == 0 && lines_ > 0 && (c == ' ' || c == '\t'))) {
      broken = true;
      return i;
    } else {
      if (line_bytes_ == 0 && lines_ == 0) first_byte_ = c;
      const size_t begin = i;
      while (i + 1 < bytes.size() && static_cast<unsigned char>(bytes[i + 1]) > '\r') ++i;
      line_bytes_ += i - begin + 1;
    }
  }
  return bytes.size();
}

struct Http1Parser::Callbacks {
  static Http1Parser& of(llhttp_t* parser) { return *static_cast<Http1Parser*>(parser->data); }

  static int start_piece(llhttp_t* parser, const char* at, size_t size) {
    return of(parser).on_target({at, size});
  }
  static int name_piece(llhttp_t* parser, const char* at, size_t size) {
    Http1Parser& self = of(parser);
    return self.on_field_piece(self.name_, {at, size});
  }
  static int value_piece(llhttp_t* parser, const char* at, size_t size) {
    Http1Parser& self = of(parser);
    return self.on_field_piece(self.value_, {at, size});
  }
  static int value_complete(llhttp_t* parser) { return of(parser).on_field_complete(); }
  static int head_complete(llhttp_t* parser) { return of(parser).on_head_complete(); }
  static int body_piece(llhttp_t* parser, const char* at, size_t size) {
    of(parser).sink_.on_message_body({at, size});
    return kGoOn;
  }
  static int chunk_header(llhttp_t* parser) {
    // After the last chunk the guard has to look first.
    return parser->content_length == 0 ? HPE_PAUSED : HPE_OK;
  }
  static int message_complete(llhttp_t* parser) {
    of(parser).message_complete_ = true;
    return HPE_PAUSED;
  }

  static llhttp_settings_t make() {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_url = start_piece;
    settings.on_status = start_piece;
    settings.on_header_field = name_piece;
    settings.on_header_value = value_piece;
    settings.on_header_value_complete = value_complete;
    settings.on_headers_complete = head_complete;
    settings.on_body = body_piece;
    settings.on_chunk_header = chunk_header;
    settings.on_message_complete = message_complete;
    return settings;
  }
};

Http1Parser::Http1Parser(Kind kind, const Http1Options& options, Sink& sink)
    : kind_(kind), options_(options), sink_(sink) {
  static const llhttp_settings_t settings = Callbacks::make();
  llhttp_init(&parser_, kind == Kind::kRequest ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
  parser_.data = this;
}

void Http1Parser::next() {
  llhttp_reset(&parser_);
  guard_.reset();
  head_complete_ = false;
  in_trailers_ = false;
  message_complete_ = false;
  target_.clear();
  headers_.clear();
  trailers_.clear();
  start_bytes_ = 0;
  header_bytes_ = 0;
  name_.clear();
  value_.clear();
}

size_t Http1Parser::read(std::string_view bytes) {
  const size_t given = bytes.size();
  while (!bytes.empty() && !message_complete_ && error_.status == 0) {
    std::string_view part = bytes;
    bool broken = false;
    const bool guarded = !head_complete_ || in_trailers_;
    if (guarded) part = bytes.substr(0, guard_.scan(bytes, broken));
    const llhttp_errno_t result = llhttp_execute(&parser_, part.data(), part.size());
    size_t read = part.size();
    if (result == HPE_PAUSED) {
      read = static_cast<size_t>(llhttp_get_error_pos(&parser_) - part.data());
      if (!message_complete_) {
        llhttp_resume(&parser_);
        in_trailers_ = true;
        guard_.expect_trailers();
      }
    } else if (result != HPE_OK) {
      fail_as_llhttp_did();
    } else if (broken) {
      fail(400, "malformed line");
    } else if (guarded && guard_.complete() && (in_trailers_ || !head_complete_)) {
      fail(400, "malformed message");  // llhttp sees another end than we do
    }
    bytes.remove_prefix(read);
  }
  return given - bytes.size();
}

bool Http1Parser::finish() {
  if (message_complete_ || error_.status != 0 || !head_complete_) return message_complete_;
  const llhttp_errno_t result = llhttp_finish(&parser_);
  return (result == HPE_OK || result == HPE_PAUSED) && message_complete_;
}

void Http1Parser::fail(int status, std::string text) {
  if (error_.status == 0) error_ = {status, std::move(text)};
}

void Http1Parser::fail_as_llhttp_did() {
  if (error_.status != 0) return;  // one of our callbacks did
  const char* reason = llhttp_get_error_reason(&parser_);
  const std::string text = reason == nullptr ? "malformed message" : reason;
  switch (llhttp_get_errno(&parser_)) {
    case HPE_INVALID_VERSION:
      return fail(505, "only HTTP/1.0 and HTTP/1.1 here");
    case HPE_INVALID_METHOD: {
      // A method we do not know, or no HTTP at all.
      const char first = guard_.first_byte();
      return fail(first >= 'A' && first <= 'Z' ? 501 : 400, "unknown method");
    }
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_INVALID_CHUNK_SIZE:
      return fail(text.find("overflow") == std::string::npos ? 400 : 413, text);
    default:
      return fail(400, text);
  }
}

int Http1Parser::on_target(std::string_view bytes) {
  start_bytes_ += bytes.size();
  if (start_bytes_ > options_.max_target_bytes) {
    fail(414, "request target longer than " + std::to_string(options_.max_target_bytes) + " bytes");
    return HPE_USER;
  }
  if (kind_ == Kind::kRequest) target_.append(bytes);
  return kGoOn;
}

int Http1Parser::on_field_piece(std::string& piece, std::string_view bytes) {
  header_bytes_ += bytes.size();
  if (header_bytes_ > options_.max_header_bytes) {
    fail(431, "header fields larger than " + std::to_string(options_.max_header_bytes) + " bytes");
    return HPE_USER;
  }
  piece.append(bytes);
  return kGoOn;
}

int Http1Parser::on_field_complete() {
  Headers& headers = head_complete_ ? trailers_ : headers_;
  if (headers.size() >= options_.max_header_count) {
    fail(431, "more than " + std::to_string(options_.max_header_count) + " header fields");
    return HPE_USER;
  }
  if (!is_token(name_)) {  // llhttp 8 takes spaces
    fail(400, "malformed header field name");
    return HPE_USER;
  }
  for (char& c : name_) c = lower_case(c);
  const size_t end = value_.find_last_not_of(" \t");
  value_.resize(end == std::string::npos ? 0 : end + 1);
  headers.add(name_, value_);
  name_.clear();
  value_.clear();
  return kGoOn;
}

int Http1Parser::on_head_complete() {
  // llhttp 9 reports a field with an empty value only here.
  if (!name_.empty() && on_field_complete() != kGoOn) return HPE_USER;
  if (check_head() != kGoOn) return HPE_USER;
  keep_alive_ = llhttp_should_keep_alive(&parser_) != 0;
  if (kind_ == Kind::kRequest) {
    method_ = llhttp_method_name(static_cast<llhttp_method_t>(llhttp_get_method(&parser_)));
  } else {
    status_ = llhttp_get_status_code(&parser_);
  }
  // An Upgrade is ignored: what follows the head is a body or the next message.
  parser_.upgrade = 0;
  head_complete_ = true;
  header_bytes_ = 0;
  // llhttp would wait for the body that the length of a 304 speaks of (RFC 9112 section 6.3).
  const bool bodyless =
      kind_ == Kind::kResponse && (status_ < 200 || status_ == 204 || status_ == 304);
  return sink_.on_message_head() && !bodyless ? kGoOn : kSkipBody;
}

int Http1Parser::check_head() {
  minor_version_ = llhttp_get_http_minor(&parser_);
  if (llhttp_get_http_major(&parser_) != 1) {
    fail(505, "only HTTP/1.0 and HTTP/1.1 here");
    return HPE_USER;
  }
  const bool chunked_or_worse = headers_.get("transfer-encoding").has_value();
  const auto length = headers_.get("content-length");
  if (chunked_or_worse && check_transfer_encoding() != kGoOn) return HPE_USER;
  expects_body_ = chunked_or_worse || (length.has_value() && parser_.content_length > 0);
  return kGoOn;
}

// RFC 9112 section 6: one field, saying "chunked" and nothing else, in HTTP/1.1, without a length.
int Http1Parser::check_transfer_encoding() {
  size_t fields = 0;
  bool known = true;
  for (const Headers::Field& field : headers_) {
    if (field.name == "content-length") {
      fail(400, "both Transfer-Encoding and Content-Length");
      return HPE_USER;
    }
    if (field.name != "transfer-encoding") continue;
    ++fields;
    known = known && equals_ignoring_case(field.value, "chunked");
  }
  if (kind_ == Kind::kResponse && !known) return kGoOn;  // llhttp reads it until the end
  if (fields != 1 || minor_version_ == 0) {
    fail(400, "doubtful Transfer-Encoding");
    return HPE_USER;
  }
  if (!known) {
    fail(501, "Transfer-Encoding other than chunked");
    return HPE_USER;
  }
  return kGoOn;
}

}  // namespace gatehouse::http

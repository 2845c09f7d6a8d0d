// What goes around a message or stands in for it in an HTTP answer: error bodies, the lines of a
// stream, HTTP status codes. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/transcode/transcoder.h"

namespace gatehouse::transcode {

// The status code of etcd 3.6 and 3.7's gateway; 499 for Canceled. 401 wants a WWW-Authenticate
// header, which is the caller's.
int http_status(StatusCode code);

// The body of a failed unary call, {"error":"…","message":"…","code":3}: what 3.4's scripts read
// (error) and what 3.7's clients read (message, code) in one. No line feed.
std::string error_body(const Status& status);

// Appends {"result":<message>} and a line feed. On an error `out` is as it was.
Status append_result_line(const Transcoder& transcoder, const Route& route, std::string_view bytes,
                          std::string& out);

// Appends {"error":{"code":3,"message":"…"}} and a line feed: the last line of a stream that
// failed, and the body of one that failed before its first message.
void append_error_line(const Status& status, std::string& out);

// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so that
// a message from anywhere makes valid JSON.
void append_json_string(std::string_view text, std::string& out);

}  // namespace gatehouse::transcode

// Small knowledge about fields and statuses that both versions share.
#pragma once

#include <string_view>

namespace gatehouse::http {

inline char lower_case(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// `lower` is in lower case.
bool equals_ignoring_case(std::string_view text, std::string_view lower);

// A field name or a method (RFC 9110 section 5.6.2).
bool is_token(std::string_view text);

// Fields about one HTTP/1 connection: ours to write there, out of place in HTTP/2 (RFC 9113 section
// 8.2.2). `name` is in lower case.
bool is_connection_specific(std::string_view name);

// "Not Found" for 404; "" where there is no phrase we know.
std::string_view reason_phrase(int status);

}  // namespace gatehouse::http

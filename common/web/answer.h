// Whole answers to plain HTTP requests, with the headers that every answer of etcd's client port
// has.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/exchange.h"

namespace gatehouse::web {

struct Answer {
  int status = 200;
  std::string_view content_type = "application/json";
  std::string body;
  http::Headers headers;  // further ones
};

// Which origins' scripts may read answers: Access-Control-*, sent with every answer, errors
// included.
//
// Immutable: one for all loops.
class Cors {
 public:
  // --cors: origins as browsers name them ("https://host:port"), or "*".
  explicit Cors(std::vector<std::string> origins);
  // etcd's default, --cors=*.
  static const Cors& any();

  // Adds the three headers for a listed origin ("*" where any is allowed), else nothing.
  void add_to(http::Headers& headers, const http::RequestHead& request) const;

 private:
  const std::vector<std::string> origins_;
  const bool any_;
};

// Sends head, body and end.
void send(http::ServerStream& stream, const Answer& answer, const Cors& cors = Cors::any());

// As http.Error in Go, which etcd's HTTP endpoints use: text and a line feed, and no sniffing.
Answer text_error(int status, std::string_view text);

// For requests that are answered before their body came: sends the answer, then reads and drops the
// body. A client that goes on sending more than kMaxDroppedBytes after its answer is cut off.
inline constexpr size_t kMaxDroppedBytes = 8 * 1024 * 1024;
std::unique_ptr<http::StreamHandler> answer_now(http::ServerStream& stream, const Answer& answer,
                                                const Cors& cors = Cors::any());

// The request target without its query.
std::string_view path_of(const http::RequestHead& head);
// The query without its question mark; "" when there is none.
std::string_view query_of(const http::RequestHead& head);
// Whether the query has `name=value` (exactly so, unescaped), or with an empty value `name` in any
// form.
bool query_has(std::string_view query, std::string_view name, std::string_view value = {});

// The values of every `name=…` in the query, unescaped ('+' and %XX), in their order.
std::vector<std::string> query_values(std::string_view query, std::string_view name);

}  // namespace gatehouse::web

#include "common/http/http1_request.h"

#include <algorithm>

#include "common/http/fields.h"

namespace gatehouse::http {

namespace {

// RFC 9112 section 3.2.2: an absolute target names the authority; the path is what handlers want.
void take_target(std::string_view target, RequestHead& head) {
  head.path = target;
  for (const std::string_view scheme :
       {std::string_view("http://"), std::string_view("https://")}) {
    if (!equals_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    const size_t end = std::min(rest.find_first_of("/?"), rest.size());
    head.authority = rest.substr(0, end);
    head.path = rest.substr(end);
    if (head.path.empty() || head.path.front() != '/') head.path.insert(0, 1, '/');
  }
}

}  // namespace

Http1Parser::Error take_request_head(const Http1Parser& parser, bool tls, RequestHead& head,
                                     Http1RequestWishes& wishes) {
  const bool http_1_1 = parser.minor_version() > 0;
  head.method = parser.method();
  head.scheme = tls ? "https" : "http";
  head.authority.clear();
  head.headers.clear();
  wishes = {};
  size_t hosts = 0;
  for (const Headers::Field& field : parser.headers()) {
    if (field.name == "host") {
      ++hosts;
      head.authority = field.value;
      continue;
    }
    head.headers.add(field.name, field.value);
    if (field.name == "te") {
      wishes.trailers = http_1_1 && field.value.find("trailers") != std::string_view::npos;
    } else if (field.name == "expect" && http_1_1) {
      if (!equals_ignoring_case(field.value, "100-continue")) {
        return {417, "only 100-continue can be expected"};
      }
      wishes.continuation = parser.expects_body();
    }
  }
  // RFC 9112 section 3.2: one Host, and HTTP/1.1 cannot do without.
  if (hosts > 1) return {400, "more than one Host header"};
  if (hosts == 0 && http_1_1) return {400, "missing Host header"};
  take_target(parser.target(), head);
  if (head.method == "CONNECT") return {501, "CONNECT is not supported"};
  return {};
}

}  // namespace gatehouse::http

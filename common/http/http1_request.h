// From the parsed head of an HTTP/1 request to what handlers see, and what is refused on the way.
#pragma once

#include "common/http/headers.h"
#include "common/http/http1_parser.h"

namespace gatehouse::http {

struct Http1RequestWishes {
  bool continuation = false;  // waits for 100 Continue before it sends its body
  bool trailers = false;      // said "te: trailers"
};

// Fills `head` and `wishes` from the parser, whose head is complete. An error with status 0 is
// none.
Http1Parser::Error take_request_head(const Http1Parser& parser, bool tls, RequestHead& head,
                                     Http1RequestWishes& wishes);

}  // namespace gatehouse::http

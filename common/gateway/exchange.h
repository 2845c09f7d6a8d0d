// One REST request on its way: a unary call, or a stream of JSON lines.
#pragma once

#include <memory>
#include <string>

#include "common/env/executor.h"
#include "common/gateway/gateway.h"
#include "common/http/exchange.h"
#include "common/rpc/client.h"
#include "common/transcode/transcoder.h"
#include "common/web/answer.h"

namespace gatehouse::gateway {

// What an exchange works with; all that it refers to outlives it.
struct Context {
  http::ServerStream& stream;
  const RouteInfo& info;
  env::Executor& executor;
  const transcode::Transcoder& transcoder;
  const Limits& limits;
  const web::Cors& cors;
  rpc::CallOptions options;
};

// Waits for the whole body, calls, answers.
std::unique_ptr<http::StreamHandler> start_unary(Context context);

// Server and bidirectional streams: {"result":…} lines as answers come, {"error":…} when it fails.
std::unique_ptr<http::StreamHandler> start_stream(Context context);

// The gateway's answer to a failed call: the code's HTTP status, the JSON body, the headers that go
// with them.
web::Answer error_answer(const Status& status, std::string body);

// ResourceExhausted in gRPC's words for a body over the limit.
Status body_too_large(size_t limit);

}  // namespace gatehouse::gateway

#include "proxy/rest/targets.h"

#include <string_view>

#include "proxy/services/methods.h"

namespace gatehouse::rest {

namespace {

using upstream::Repeat;

// A method that is not among the proxy's own is not sent twice.
Repeat repeat_of(std::string_view grpc_path) {
  const size_t slash = grpc_path.rfind('/');
  for (const services::Rpc& rpc : services::all_rpcs()) {
    if (grpc_path.substr(1, slash - 1) == rpc.service && grpc_path.substr(slash + 1) == rpc.name) {
      return rpc.repeat;
    }
  }
  return Repeat::kNever;
}

}  // namespace

Targets::Targets(upstream::Upstream& upstream)
    : unary_once_(upstream, {.stream = false, .repeat = Repeat::kNever}),
      unary_repeatable_(upstream, {.stream = false, .repeat = Repeat::kUntilAnswered}),
      stream_once_(upstream, {.stream = true, .repeat = Repeat::kNever}),
      stream_repeatable_(upstream, {.stream = true, .repeat = Repeat::kUntilAnswered}) {}

rpc::CallTarget& Targets::target_for(const transcode::Route& route) {
  const bool once = repeat_of(route.grpc_path) == Repeat::kNever;
  if (route.streaming == transcode::Streaming::kUnary) {
    return once ? unary_once_ : unary_repeatable_;
  }
  return once ? stream_once_ : stream_repeatable_;
}

}  // namespace gatehouse::rest

// Where the REST gateway's calls go in a proxy: to the members, each as its method may be sent on.
#pragma once

#include "common/rpc/client.h"
#include "common/transcode/route_table.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::rest {

// One for each loop; the upstream is that loop's and outlives it.
class Targets {
 public:
  explicit Targets(upstream::Upstream& upstream);

  // Valid as long as this.
  rpc::CallTarget& target_for(const transcode::Route& route);

 private:
  upstream::Target unary_once_;
  upstream::Target unary_repeatable_;
  upstream::Target stream_once_;
  upstream::Target stream_repeatable_;
};

}  // namespace gatehouse::rest

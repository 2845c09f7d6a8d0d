// Which requests an operation sends.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/http/headers.h"
#include "tests/bench/gatehouse_bench/options.h"
#include "tests/bench/gatehouse_bench/request_template.h"

namespace gatehouse::bench {

// What requests say about where they go.
struct Origin {
  std::string scheme = "http";
  std::string authority;
};

// A request that is sent again and again for different keys.
struct RequestPlan {
  http::RequestHead head;
  RequestTemplate body;
  uint64_t numbers = 1;  // distinct requests: first_key() of 0 to numbers - 1
  uint64_t stride = 1;
  uint64_t last_first_key = UINT64_MAX;
  // A shorter answer lacks what was asked for and counts as an error ("short answer").
  size_t least_answer_bytes = 0;

  // The key number to fill request `number` with.
  uint64_t first_key(uint64_t number) const { return std::min(number * stride, last_first_key); }
};

// Not for kWatch and kKeepalive, which are streams made of the plans below.
RequestPlan plan_requests(const Options& options, const Origin& origin);

// Writes all keys, many in each transaction; the last one overlaps the one before.
RequestPlan plan_fill(const Options& options, const Origin& origin);
bool needs_fill(Operation operation);

// One request each: a lease of this ID, and its end.
RequestPlan plan_lease_grant(const Options& options, const Origin& origin, uint64_t id);
RequestPlan plan_lease_revoke(const Options& options, const Origin& origin, uint64_t id);

// What the writer of a watch run puts: the value begins with a stamp.
RequestPlan plan_stamped_put(const Options& options, const Origin& origin);

http::RequestHead grpc_head(const Options& options, const Origin& origin, std::string_view path);

// Framed messages, ready to be sent.
std::string watch_create_message(const KeySpace& keys);
std::string lease_grant_message(uint64_t ttl_s, uint64_t id = 0);  // 0: the server chooses
std::string keepalive_message(uint64_t lease_id);

inline constexpr std::string_view kWatchPath = "/etcdserverpb.Watch/Watch";
inline constexpr std::string_view kLeaseGrantPath = "/etcdserverpb.Lease/LeaseGrant";
inline constexpr std::string_view kKeepalivePath = "/etcdserverpb.Lease/LeaseKeepAlive";

}  // namespace gatehouse::bench

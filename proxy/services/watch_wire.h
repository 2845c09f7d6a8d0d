// The messages of Watch, as far as the proxy looks into them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/mirror/watch_index.h"

namespace gatehouse::services {

// etcdserverpb.WatchCreateRequest. An empty key is the least one, as members take it.
struct WatchCreate {
  std::string key;
  std::string range_end;
  int64_t start = 0;
  int64_t watch_id = 0;
  mirror::WatchShape shape;
  bool progress_notify = false;
  bool fragment = false;
  std::string bytes;  // as sent
};

struct WatchRequest {
  enum class Kind : uint8_t { kUnknown, kCreate, kCancel, kProgress };
  Kind kind = Kind::kUnknown;
  WatchCreate create;
  int64_t cancel_id = 0;
};

// Nothing when the bytes are no message.
std::optional<WatchRequest> parse_watch_request(std::string_view bytes);

// WatchRequests. The creation is as it came, with another id.
std::string encode_create(const WatchCreate& create, int64_t watch_id);
std::string encode_cancel(int64_t watch_id);
std::string encode_progress();

struct WatchResponseHead {
  int64_t revision = 0;
  int64_t watch_id = 0;
  bool created = false;
  bool canceled = false;
};
WatchResponseHead parse_watch_response(std::string_view bytes);

// The same WatchResponse for another watcher.
std::string with_watch_id(std::string_view response, int64_t watch_id);

}  // namespace gatehouse::services

// etcdserverpb.Watch: the streaming service over a loop's WatchGroup.
//
// A stream ends by: the client going; Unavailable "etcdserver: no leader" when its metadata has
// "hasleader: true" and there is no leader at the start, or none for three election timeouts;
// Unavailable "etcdserver: server stopped" on shut_down(); a message that is no WatchRequest
// (Internal). Half-close does not end it. What is wrong with one creation ends no stream: the client
// gets a frame (member/mvcc/watch_stream.h).
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <string_view>

#include "common/base/status.h"
#include "common/env/executor.h"
#include "common/rpc/server.h"
#include "member/mvcc/watch_group.h"

namespace gatehouse::api {

class WatchCall;

// What the service needs of the member, on the loop's thread.
struct WatchContext {
  // Whether the caller may read the range, asked once for each creation. Its code and message go
  // into the cancel reason in the long form ("rpc error: code = … desc = …"). Key and range_end are
  // as in a RangeRequest (range_end "\0": all from key on). Null: everybody may.
  std::function<Status(const rpc::ServerCall& call, std::string_view key,
                       std::string_view range_end)>
      may_watch;
  std::function<bool()> has_leader;  // null: always
  uint64_t election_timeout_ms = 1000;
};

// One per event loop. Thread: the loop's.
class WatchService {
 public:
  static constexpr int kLeaderlessTimeouts = 3;

  // The group outlives the service.
  WatchService(mvcc::WatchGroup& group, WatchContext context);
  ~WatchService();  // after all its calls
  WatchService(const WatchService&) = delete;
  WatchService& operator=(const WatchService&) = delete;

  // Ends all streams, and those that begin later at once. The group has no watcher afterwards.
  void shut_down();

  size_t streams() const { return streams_.size(); }

 private:
  friend class WatchCall;

  void watch_leader();
  void look_at_leader();

  mvcc::WatchGroup& group_;
  const WatchContext context_;
  std::list<WatchCall*> streams_;
  bool stopped_ = false;

  // While a stream asked for a leader.
  env::Timer leader_timer_;
  int leaderless_ = 0;  // looks in a row that found no leader
};

// The server is one that serves calls of the service's loop only.
void add_watch(rpc::Server& server, WatchService& service);

}  // namespace gatehouse::api

// Watch out of the mirrors: one watch of a mirror at a member feeds all watchers of ranges within it.
//
// Each watcher of a client's stream is either of a mirror - its range is in one, and its start in
// the mirror's window - or of a member, over one upstream stream for all such watchers of the client's
// stream. Ids are given out here, as a member gives them, and any that a client chooses is taken;
// towards the member a watcher has an id of its own. What may be refused (an empty range, a negative
// start) and what the window does not reach is a member's. Requests are answered one after the other,
// with no header older than what the client's connection has seen. Streams with a token are passed on
// whole.
//
// "From now on" is not before what the client can know of: a watcher with start_revision 0 is made
// after a probe for the cluster's revision. A progress request is answered when the mirrors have what
// such a probe finds and all watchers of the stream had it, and the member has answered for its own.
//
// A client that does not read is cancelled once its place falls out of the window, with
// compact_revision (it may watch again from there) and a reason. With "hasleader: true" a stream with
// watchers of mirrors ends with Unavailable "etcdserver: no leader" after three seconds without any
// upstream watch.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "common/env/executor.h"
#include "common/rpc/server.h"
#include "proxy/mirror/reader.h"
#include "proxy/mirror/watch_group.h"
#include "proxy/services/passthrough.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::services {

class WatchCall;

// One per loop. Thread: the loop's.
class WatchService final : private mirror::Reader::Listener {
 public:
  static constexpr uint64_t kProgressMs = 600'000;  // etcd's interval; members' own ticks come first
  static constexpr uint64_t kLeaderLookMs = 500;
  static constexpr uint64_t kLeaderlessMs = 3000;

  // Both outlive it.
  WatchService(mirror::Reader& reader, upstream::Upstream& upstream, UpstreamLimits limits);
  ~WatchService();  // after all its calls

  void add_to(rpc::Server& server);

 private:
  friend class WatchCall;

  void on_mirrors_changed() override;
  void tick(const mirror::WatchGroup* only);
  void look_for_leader();
  mirror::WatchGroup& group_of(const mirror::Mirror& mirror);

  mirror::Reader& reader_;
  upstream::Upstream& upstream_;
  const UpstreamLimits limits_;
  std::vector<std::unique_ptr<mirror::WatchGroup>> groups_;
  std::vector<uint64_t> ticks_;  // seen, of each group's mirror
  std::list<WatchCall*> calls_;
  env::Timer progress_timer_;
  env::Timer leader_timer_;
};

}  // namespace gatehouse::services

// Peers: the other members, between the transport and the replica.
//
// Thread: that of the replica's loop.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/httpio/server.h"
#include "common/log/log.h"
#include "common/loop/event_loop.h"
#include "common/metrics/metrics.h"
#include "common/net/tcp_dialer.h"
#include "common/tls/reloading_context.h"
#include "common/transcode/transcoder.h"
#include "member/cluster_metrics.h"
#include "member/heartbeat_watch.h"
#include "member/leader_calls.h"
#include "member/lease/lessor.h"
#include "member/membership/cluster.h"
#include "member/mvcc/store.h"
#include "member/options.h"
#include "member/peer_versions.h"
#include "member/replica/replica.h"
#include "member/snapshot_port.h"
#include "member/transport/peer_port.h"
#include "member/transport/transport.h"

namespace gatehouse::member {

class Peers final : public replica::PeerSender,
                    private transport::Handler,
                    private transport::PeerPortHooks {
 public:
  // What answers the peers' questions. All outlive it.
  struct Rooms {
    membership::Cluster& cluster;
    mvcc::Store& store;
    lease::Lessor& lessor;
    backend::Backend& backend;
    env::FileSystem& files;
    std::string snap_directory;
  };

  // `tls_dialing` is null where no peer speaks TLS.
  Peers(loop::EventLoop& loop, const Options& options, const Rooms& rooms,
        const tls::ReloadingContext* tls_dialing, metrics::Registry& registry,
        const ClusterMetrics& metrics, log::Logger logger);
  ~Peers();

  // Null before it is stopped.
  void set_replica(replica::Replica* replica);

  // Binds the peer URLs. `tls` may be null.
  Status listen(const std::vector<Url>& urls, tls::ReloadingContext* tls);

  // Follows the members: new ones are spoken to, removed ones no more. `initial` are those of a
  // first start, of whom the cluster does not know yet.
  void follow_members();
  void begin_with(const std::vector<membership::Member>& initial);

  // This member leads from now on, or no more.
  void on_leader_changed() { heartbeats_.reset(); }

  // Ends all traffic; `done` from a later turn, when nothing is left.
  void stop(UniqueFunction<void()> done);

  // replica::PeerSender
  void send(std::vector<raft::Message> messages) override;

  // Nothing while it is not reachable, or is no peer; else since when, in the loop's milliseconds.
  std::optional<uint64_t> active_since(uint64_t id) const { return transport_->active_since(id); }

  // Valid while there is a replica.
  LeaderCalls& leader() { return *leader_; }
  PeerVersions& versions() { return *versions_; }

 private:
  // transport::Handler
  void on_message(raft::Message message) override;
  void report_unreachable(raft::NodeId id) override;
  void report_snapshot(raft::NodeId id, bool arrived) override;
  void report_gone(raft::NodeId id) override;
  bool is_removed(raft::NodeId id) const override { return rooms_.cluster.members()->removed.contains(id); }
  void on_removed_self(std::string_view reason) override;
  void open_snapshot(raft::Message message,
                     UniqueFunction<void(Result<transport::OutgoingSnapshot>)> ready) override;
  Result<std::unique_ptr<transport::SnapshotSink>> accept_snapshot(
      const raft::Message& message) override;

  // transport::PeerPortHooks
  std::string members_json() override;
  std::string version_json() override;
  void promote(std::string member_id, std::string token, Reply reply) override;
  void hash_kv(std::string request_json, Reply reply) override;
  void renew_lease(std::string request, Reply reply) override;
  void lease_time_to_live(std::string request, Reply reply) override;
  void downgrade_enabled(Reply reply) override;

  loop::EventLoop& loop_;
  const Rooms rooms_;
  const ClusterMetrics& metrics_;
  const log::Logger logger_;
  net::TcpDialer dialer_;
  const transcode::Transcoder transcoder_;
  SnapshotPort snapshots_;
  HeartbeatWatch heartbeats_;
  std::unique_ptr<transport::Transport> transport_;
  std::unique_ptr<httpio::HttpServer> server_;
  std::set<uint64_t> known_;
  std::map<uint64_t, std::vector<std::string>> urls_;  // of those, as the transport has them
  replica::Replica* replica_ = nullptr;
  std::unique_ptr<LeaderCalls> leader_;
  std::unique_ptr<PeerVersions> versions_;
};

}  // namespace gatehouse::member

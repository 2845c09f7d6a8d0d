// Transport: the peers of one member, spoken to in etcd's peer protocol (rafthttp over HTTP/1.1),
// so that a cluster may mix members of ours with etcd 3.4 to 3.7.
//
//   Transport transport(loop, dialer, options, handler, &registry, logger);
//   transport.add_peer(id, {"http://10.0.0.2:2380"});
//   transport.send(ready.messages);
//   auto peer_port = make_peer_port(transport, hooks);   // the incoming half: peer_port.h
//
// For each peer: two long GETs that we hold open there and read from (one for appends, one for all
// else), the two it holds open here and we write to, four POSTs for when those are down, one POST
// for a snapshot, a probe each 4 s. Whatever happens to one peer costs the others nothing: queues
// are bounded, each peer has its own, and what does not fit is dropped and reported.
//
// A dialer with TLS offers "http/1.1" alone (tls::ClientOptions::alpn): peers speak nothing else.
//
// Thread: that of the executor, all of it. Nothing blocks. Reports come at the end of the turn,
// never from inside a call; messages come while bytes are read.
//
// The end: stop(), drain the peer port's server (its streams are gone then), let the executor
// finish the turn, destroy. Executor, dialer, handler and registry outlive that.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_function.h"
#include "common/env/executor.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "common/net/dialer.h"
#include "member/raft/types.h"
#include "member/transport/identity.h"
#include "member/transport/snapshot.h"

namespace gatehouse::transport {

// Who owns the transport: the replica.
class Handler {
 public:
  // A message for this member, from one that is not removed. Not from inside send().
  virtual void on_message(raft::Message message) = 0;
  // Messages to this peer were lost: its stream broke or its queue is full.
  virtual void report_unreachable(raft::NodeId id) = 0;
  // What became of the kSnapshot sent to it; once for each.
  virtual void report_snapshot(raft::NodeId id, bool arrived) = 0;
  // Its streams have ended and every one of its addresses refuses connections: its process does not
  // run. Once, until something of it gets through again.
  virtual void report_gone(raft::NodeId) {}
  // A member that was part of this cluster and is not any more.
  virtual bool is_removed(raft::NodeId id) const = 0;
  // A peer says that this member was removed: etcd stops the whole member then. May come more than
  // once.
  virtual void on_removed_self(std::string_view reason) = 0;
  // A kSnapshot message is about to leave. `ready` may come at once or later; after stop() it does
  // nothing.
  virtual void open_snapshot(raft::Message message,
                             UniqueFunction<void(Result<OutgoingSnapshot>)> ready) = 0;
  // A snapshot begins to come; the database follows into the sink, then the message itself comes by
  // on_message. An error refuses it (500 and its text).
  virtual Result<std::unique_ptr<SnapshotSink>> accept_snapshot(const raft::Message& message) = 0;

 protected:
  ~Handler() = default;
};

struct Options {
  Identity self;
  // 1 s + the election timeout.
  uint64_t dial_timeout_ms = 2'000;
  // A connection on which nothing moves for so long is given up, at either end.
  uint64_t io_timeout_ms = 5'000;
  // From one attempt to open a stream to the next.
  uint64_t redial_ms = 100;
  uint64_t probe_interval_ms = 4'000;
  // While a snapshot was sent and its receiver makes it durable.
  uint64_t snapshot_answer_timeout_ms = 300'000;
  // For the time in probes; the system's when empty.
  std::function<std::chrono::system_clock::time_point()> wall_now;
};

// Messages that wait for one stream; more are dropped. Answers a peer that does not read.
inline constexpr size_t kMaxQueuedMessages = 4096;
// Messages that wait for the POSTs of one peer.
inline constexpr size_t kMaxQueuedPosts = 64;
// Snapshots under way to all peers together, as etcd has it.
inline constexpr size_t kMaxSnapshotsSent = 16;
// Senders that nobody added as peers, and whose URLs we know from their own requests only.
inline constexpr size_t kMaxRemotes = 64;

struct Shared;

class Transport {
 public:
  // CHECKs that the versions in options.self are versions. `registry` may be null.
  Transport(env::Executor& executor, net::Dialer& dialer, Options options, Handler& handler,
            metrics::Registry* registry, log::Logger logger);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Sends each where it belongs; a message to nobody we know is dropped, a kSnapshot among them
  // reported as not arrived.
  void send(std::vector<raft::Message> messages);

  // Adding again does nothing; an id that was a remote becomes a peer. `urls` are not empty.
  void add_peer(raft::NodeId id, std::vector<std::string> urls);
  // A sender to answer by POST until it is added: etcd does so while a member joins.
  void add_remote(raft::NodeId id, std::vector<std::string> urls);
  // Drops what waits for it. Unknown ids: nothing happens.
  void remove_peer(raft::NodeId id);
  void update_peer(raft::NodeId id, std::vector<std::string> urls);

  bool has_peer(raft::NodeId id) const;
  // Since when the peer has been reachable without a failure, in the executor's milliseconds;
  // nothing while it is not, or is no peer.
  std::optional<uint64_t> active_since(raft::NodeId id) const;

  // Ends all traffic: no callback comes after, send() does nothing, requests are answered 503.
  void stop();

  // For the peer port.
  Shared& shared() { return *shared_; }

 private:
  const std::unique_ptr<Shared> shared_;
};

}  // namespace gatehouse::transport

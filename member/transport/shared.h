// Shared: the one state behind a Transport: its peers, and what they, their parts and the peer port
// have in common. Private to the room.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "common/env/executor.h"
#include "common/http/headers.h"
#include "common/log/log.h"
#include "common/net/dialer.h"
#include "member/transport/metrics.h"
#include "member/transport/peer.h"
#include "member/transport/reports.h"
#include "member/transport/transport.h"

namespace gatehouse::transport {

struct Shared {
  Shared(env::Executor& executor_in, net::Dialer& dialer_in, Options options_in,
         Handler& handler_in, metrics::Registry* registry, log::Logger logger_in);

  env::Executor& executor;
  net::Dialer& dialer;
  const Options options;
  Handler& handler;
  const log::Logger logger;
  const PeerMetricFamilies metrics;
  const http::Headers request_headers;
  Reports reports;
  std::map<raft::NodeId, std::unique_ptr<Peer>> peers;
  std::map<raft::NodeId, std::unique_ptr<Remote>> remotes;
  size_t snapshots_sending = 0;
  size_t snapshots_receiving = 0;
  bool stopped = false;

  const Identity& self() const { return options.self; }
  Peer* peer(raft::NodeId id) const;
  void add_remote(raft::NodeId id, std::vector<std::string> urls);

  enum class Verdict : uint8_t { kTaken, kSenderRemoved, kNotForUs, kMalformed, kStopping };
  // Whether a message that came is for the owner.
  Verdict judge(const raft::Message& message) const;
  // Hands it over where it is; what is not is logged.
  Verdict deliver(raft::Message message);

  std::chrono::system_clock::time_point wall_now() const;
  void stop();
};

}  // namespace gatehouse::transport

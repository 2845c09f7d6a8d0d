// Peer: one other member, and all the ways to it. Remote: one that can only be answered.
//
//                  we GET and read            it GETs, we write
//   MsgApp         readers_[kAppend]          writers_[kAppend]   else the writer below
//   all else       readers_[kGeneral]         writers_[kGeneral]  else pipeline_
//   MsgSnap                                   snapshots_
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/http/exchange.h"
#include "member/transport/link.h"
#include "member/transport/pipeline.h"
#include "member/transport/prober.h"
#include "member/transport/snapshot_sender.h"
#include "member/transport/stream_kind.h"
#include "member/transport/stream_reader.h"
#include "member/transport/stream_writer.h"

namespace gatehouse::transport {

class Peer {
 public:
  // Starts dialling.
  Peer(Shared& shared, raft::NodeId id, std::vector<std::string> urls);

  void send(raft::Message message);
  // The peer has come for one of its streams; replaces the one before.
  std::unique_ptr<http::StreamHandler> attach(StreamKind kind, http::ServerStream& stream);
  Link& link() { return link_; }
  const Link& link() const { return link_; }
  // Ends all traffic. The object itself is then given to Executor::destroy_later.
  void stop();

 private:
  Link link_;
  StreamReader append_reader_;
  StreamReader general_reader_;
  StreamWriter append_writer_;
  StreamWriter general_writer_;
  Pipeline pipeline_;
  SnapshotSender snapshots_;
  Prober prober_;
};

class Remote {
 public:
  Remote(Shared& shared, raft::NodeId id, std::vector<std::string> urls);
  void send(raft::Message message) { pipeline_.send(std::move(message)); }
  void stop();

 private:
  Link link_;
  Pipeline pipeline_;
};

}  // namespace gatehouse::transport

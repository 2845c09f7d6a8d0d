#include "member/transport/peer.h"

#include <utility>

#include "member/transport/shared.h"

namespace gatehouse::transport {

Peer::Peer(Shared& shared, raft::NodeId id, std::vector<std::string> urls)
    : link_(shared, id, std::move(urls)),
      append_reader_(link_, StreamKind::kAppend),
      general_reader_(link_, StreamKind::kGeneral),
      append_writer_(link_, StreamKind::kAppend),
      general_writer_(link_, StreamKind::kGeneral),
      pipeline_(link_),
      snapshots_(link_),
      prober_(link_) {
  link_.metrics().known.set(1);
  append_reader_.start();
  general_reader_.start();
  prober_.start();
}

void Peer::send(raft::Message message) {
  if (message.type == raft::MessageType::kSnapshot) {
    snapshots_.send(std::move(message));
  } else if (message.type == raft::MessageType::kAppend && append_writer_.attached()) {
    append_writer_.send(std::move(message));
  } else if (general_writer_.attached()) {
    general_writer_.send(std::move(message));
  } else {
    pipeline_.send(std::move(message));
  }
}

std::unique_ptr<http::StreamHandler> Peer::attach(StreamKind kind, http::ServerStream& stream) {
  return kind == StreamKind::kAppend ? append_writer_.attach(stream)
                                     : general_writer_.attach(stream);
}

void Peer::stop() {
  append_reader_.stop();
  general_reader_.stop();
  append_writer_.stop();
  general_writer_.stop();
  pipeline_.stop();
  snapshots_.stop();
  prober_.stop();
  link_.close();
}

Remote::Remote(Shared& shared, raft::NodeId id, std::vector<std::string> urls)
    : link_(shared, id, std::move(urls)), pipeline_(link_) {}

void Remote::stop() {
  pipeline_.stop();
  link_.close();
}

}  // namespace gatehouse::transport

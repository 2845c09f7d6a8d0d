#include "member/transport/transport.h"

#include <utility>

#include "common/base/check.h"
#include "member/transport/shared.h"

namespace gatehouse::transport {

// ---- Shared

Shared::Shared(env::Executor& executor_in, net::Dialer& dialer_in, Options options_in,
               Handler& handler_in, metrics::Registry* registry, log::Logger logger_in)
    : executor(executor_in),
      dialer(dialer_in),
      options(std::move(options_in)),
      handler(handler_in),
      logger(std::move(logger_in)),
      metrics(registry, options.self.id),
      request_headers(identify(options.self)),
      reports(executor, handler) {
  CHECK_MSG(parse_version(options.self.server_version) &&
                parse_version(options.self.min_cluster_version),
            "a version that etcd could not parse");
}

Peer* Shared::peer(raft::NodeId id) const {
  const auto found = peers.find(id);
  return found == peers.end() ? nullptr : found->second.get();
}

void Shared::add_remote(raft::NodeId id, std::vector<std::string> urls) {
  if (stopped || id == self().id || peers.count(id) != 0 || remotes.count(id) != 0) return;
  if (handler.is_removed(id)) return;
  if (remotes.size() >= kMaxRemotes) {
    LOG_WARN_LIMITED(logger, "too many unknown members ask; one more is not answered",
                     {"remote-peer-id", to_hex(id)});
    return;
  }
  LOG_INFO_LIMITED(logger, "added remote peer", {"remote-peer-id", to_hex(id)},
                   {"remote-peer-urls", urls});
  remotes.emplace(id, std::make_unique<Remote>(*this, id, std::move(urls)));
}

Shared::Verdict Shared::judge(const raft::Message& message) const {
  if (stopped) return Verdict::kStopping;
  if (message.from == raft::kNoNode) return Verdict::kMalformed;
  if (handler.is_removed(message.from)) return Verdict::kSenderRemoved;
  if (message.to != self().id) return Verdict::kNotForUs;
  return Verdict::kTaken;
}

Shared::Verdict Shared::deliver(raft::Message message) {
  const Verdict verdict = judge(message);
  if (verdict == Verdict::kTaken) handler.on_message(std::move(message));
  if (verdict == Verdict::kTaken || verdict == Verdict::kStopping) return verdict;
  LOG_WARN_LIMITED(logger, "refused a message of a peer",
                   {"reason", verdict == Verdict::kSenderRemoved ? "its sender was removed"
                              : verdict == Verdict::kNotForUs    ? "it is for another member"
                                                                 : "it has no sender"},
                   {"from", to_hex(message.from)}, {"to", to_hex(message.to)},
                   {"message-type", raft::message_name(message.type)});
  return verdict;
}

std::chrono::system_clock::time_point Shared::wall_now() const {
  return options.wall_now ? options.wall_now() : std::chrono::system_clock::now();
}

void Shared::stop() {
  if (std::exchange(stopped, true)) return;
  reports.stop();
  // This may be a callback of one of them.
  for (auto& [id, peer] : peers) {
    peer->stop();
    executor.destroy_later(std::move(peer));
  }
  for (auto& [id, remote] : remotes) {
    remote->stop();
    executor.destroy_later(std::move(remote));
  }
  peers.clear();
  remotes.clear();
}

// ---- Transport

Transport::Transport(env::Executor& executor, net::Dialer& dialer, Options options,
                     Handler& handler, metrics::Registry* registry, log::Logger logger)
    : shared_(std::make_unique<Shared>(executor, dialer, std::move(options), handler, registry,
                                       std::move(logger))) {}

Transport::~Transport() { stop(); }

void Transport::send(std::vector<raft::Message> messages) {
  if (shared_->stopped) return;
  for (raft::Message& message : messages) {
    const raft::NodeId to = message.to;
    if (to == raft::kNoNode) continue;  // etcd-raft's way of dropping one
    if (Peer* peer = shared_->peer(to)) {
      peer->send(std::move(message));
      continue;
    }
    if (message.type == raft::MessageType::kSnapshot) {
      shared_->reports.snapshot(to, false);
      continue;
    }
    const auto remote = shared_->remotes.find(to);
    if (remote != shared_->remotes.end()) {
      remote->second->send(std::move(message));
    } else {
      LOG_DEBUG(shared_->logger, "ignored a message to an unknown member", {"to", to_hex(to)},
                {"message-type", raft::message_name(message.type)});
    }
  }
}

void Transport::add_peer(raft::NodeId id, std::vector<std::string> urls) {
  if (shared_->stopped || shared_->peers.count(id) != 0) return;
  CHECK_MSG(id != shared_->self().id && id != raft::kNoNode, "a peer is another member");
  const auto remote = shared_->remotes.find(id);
  if (remote != shared_->remotes.end()) {
    remote->second->stop();
    shared_->executor.destroy_later(std::move(remote->second));
    shared_->remotes.erase(remote);
  }
  LOG_INFO(shared_->logger, "added peer", {"peer-id", to_hex(id)}, {"peer-urls", urls});
  shared_->peers.emplace(id, std::make_unique<Peer>(*shared_, id, std::move(urls)));
}

void Transport::add_remote(raft::NodeId id, std::vector<std::string> urls) {
  shared_->add_remote(id, std::move(urls));
}

void Transport::remove_peer(raft::NodeId id) {
  const auto remote = shared_->remotes.find(id);
  if (remote != shared_->remotes.end()) {
    remote->second->stop();
    shared_->executor.destroy_later(std::move(remote->second));
    shared_->remotes.erase(remote);
  }
  const auto found = shared_->peers.find(id);
  if (found == shared_->peers.end()) return;
  found->second->link().metrics().known.set(0);
  found->second->stop();
  shared_->executor.destroy_later(std::move(found->second));
  shared_->peers.erase(found);
  LOG_INFO(shared_->logger, "removed peer", {"peer-id", to_hex(id)});
}

void Transport::update_peer(raft::NodeId id, std::vector<std::string> urls) {
  Peer* peer = shared_->peer(id);
  if (peer == nullptr) return;
  LOG_INFO(shared_->logger, "updated peer", {"peer-id", to_hex(id)}, {"peer-urls", urls});
  peer->link().set_urls(std::move(urls));
}

bool Transport::has_peer(raft::NodeId id) const { return shared_->peer(id) != nullptr; }

std::optional<uint64_t> Transport::active_since(raft::NodeId id) const {
  const Peer* peer = shared_->peer(id);
  return peer == nullptr ? std::nullopt : peer->link().active_since();
}

void Transport::stop() { shared_->stop(); }

}  // namespace gatehouse::transport

#include "member/peers.h"

#include <charconv>
#include <utility>

#include "common/rpc/typed.h"
#include "member/version.h"
#include "proto/lease.pb.h"

namespace gatehouse::member {

namespace {

using Answer = transport::PeerPortHooks::Answer;

transport::Options transport_options(const Options& options, const membership::Cluster& cluster) {
  transport::Options out;
  out.self.id = cluster.local_id();
  out.self.cluster_id = cluster.id();
  out.self.server_version = kEtcdVersion;
  out.self.peer_urls = url_texts(options.initial_advertise_peer_urls);
  out.dial_timeout_ms = 1000 + static_cast<uint64_t>(options.election_timeout.count());
  return out;
}

net::TcpDialerOptions dialer_options(const Options& options, const tls::ReloadingContext* tls) {
  net::TcpDialerOptions out;
  out.timeout_ms = 1000 + static_cast<uint64_t>(options.election_timeout.count());
  out.reloading_tls = tls;
  return out;
}

Answer text(int status, std::string body) {
  Answer answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

Answer protobuf(std::string body) {
  Answer answer;
  answer.content_type = "application/protobuf";
  answer.body = std::move(body);
  return answer;
}

}  // namespace

Peers::Peers(loop::EventLoop& loop, const Options& options, const Rooms& rooms,
             const tls::ReloadingContext* tls_dialing, metrics::Registry& registry,
             const ClusterMetrics& metrics, log::Logger logger)
    : loop_(loop),
      rooms_(rooms),
      metrics_(metrics),
      logger_(std::move(logger)),
      dialer_(loop, dialer_options(options, tls_dialing)),
      snapshots_(loop, rooms.files, rooms.backend, rooms.snap_directory, metrics),
      heartbeats_(static_cast<uint64_t>(options.heartbeat_interval.count())) {
  const transport::Options transport = transport_options(options, rooms.cluster);
  transport::Handler& handler = *this;
  transport_ = std::make_unique<transport::Transport>(loop, dialer_, transport, handler, &registry,
                                                      logger_);
  httpio::HttpServerOptions server;
  server.connection = transport::peer_connection_options(transport);
  server_ = std::make_unique<httpio::HttpServer>(
      loop, std::vector<loop::EventLoop*>{&loop},
      [this](env::Executor&) { return transport::make_peer_port(*transport_, *this); }, server);
}

Peers::~Peers() = default;

void Peers::set_replica(replica::Replica* replica) {
  replica_ = replica;
  leader_.reset();
  versions_.reset();
  if (replica == nullptr) return;
  leader_ =
      std::make_unique<LeaderCalls>(loop_, dialer_, rooms_.cluster, replica->progress());
  versions_ = std::make_unique<PeerVersions>(loop_, dialer_, rooms_.cluster,
                                             *membership::parse_release(kEtcdVersion),
                                             [replica] { replica->check_version(); });
}

Status Peers::listen(const std::vector<Url>& urls, tls::ReloadingContext* tls) {
  for (const Url& url : urls) {
    const Result<net::Address> bound = server_->listen(url.address(), url.tls() ? tls : nullptr);
    if (!bound.ok()) return bound.status();
    LOG_INFO(logger_, "serving peer traffic", {"address", bound->to_string()});
  }
  return Status();
}

void Peers::begin_with(const std::vector<membership::Member>& initial) {
  for (const membership::Member& member : initial) {
    if (member.id == rooms_.cluster.local_id() || !known_.insert(member.id).second) continue;
    transport_->add_peer(member.id, member.peer_urls);
    urls_[member.id] = member.peer_urls;
  }
}

void Peers::follow_members() {
  const auto members = rooms_.cluster.members();
  for (const auto& [id, member] : members->by_id) {
    if (member.id == rooms_.cluster.local_id()) continue;
    if (known_.insert(member.id).second) {
      transport_->add_peer(member.id, member.peer_urls);
      LOG_INFO(logger_, "added member", {"added-peer-id", schema::id_text(member.id)},
               {"added-peer-peer-urls", member.peer_urls});
    } else if (urls_[id] != member.peer_urls) {
      transport_->update_peer(member.id, member.peer_urls);
    }
    urls_[id] = member.peer_urls;
  }
  std::erase_if(known_, [&](uint64_t id) {
    // Those of a first start are not members until the first entries are applied.
    if (members->find(id) != nullptr || !members->removed.contains(id)) return false;
    transport_->remove_peer(id);
    urls_.erase(id);
    LOG_INFO(logger_, "removed member", {"removed-remote-peer-id", schema::id_text(id)});
    return true;
  });
}

void Peers::stop(UniqueFunction<void()> done) {
  transport_->stop();
  server_->drain(0, std::move(done));
}

void Peers::send(std::vector<raft::Message> messages) {
  for (const raft::Message& message : messages) {
    if (message.type == raft::MessageType::kSnapshot) replica_->hold_log_for(message.to);
    if (message.type != raft::MessageType::kHeartbeat) continue;
    if (const uint64_t late = heartbeats_.on_heartbeat(message.to, loop_.now_ms()); late > 0) {
      metrics_.heartbeat_failures.add();
      LOG_WARN_LIMITED(logger_,
                       "leader failed to send out heartbeat on time; took too long, leader is "
                       "overloaded likely from slow disk",
                       {"to", schema::id_text(message.to)},
                       {"exceeded-duration", std::chrono::milliseconds(late)});
    }
  }
  transport_->send(std::move(messages));
}

void Peers::on_message(raft::Message message) {
  if (replica_ != nullptr) replica_->pump().step(std::move(message));
}

void Peers::report_unreachable(raft::NodeId id) {
  if (replica_ != nullptr) replica_->pump().report_unreachable(id);
}

void Peers::report_gone(raft::NodeId id) {
  if (replica_ != nullptr) replica_->pump().report_gone(id);
}

void Peers::report_snapshot(raft::NodeId id, bool arrived) {
  if (replica_ != nullptr) replica_->report_snapshot(id, arrived);
}

void Peers::on_removed_self(std::string_view reason) {
  if (replica_ != nullptr) replica_->on_removed(reason);
}

void Peers::open_snapshot(raft::Message message,
                          UniqueFunction<void(Result<transport::OutgoingSnapshot>)> ready) {
  snapshots_.open(std::move(message), std::move(ready));
}

Result<std::unique_ptr<transport::SnapshotSink>> Peers::accept_snapshot(
    const raft::Message& message) {
  return snapshots_.accept(message);
}

std::string Peers::members_json() {
  std::string out = "[";
  const auto members = rooms_.cluster.members();
  for (const auto& [id, member] : members->by_id) {
    if (out.size() > 1) out += ',';
    out += schema::member_json(member);
  }
  return out + "]";
}

std::string Peers::version_json() {
  const std::string cluster = rooms_.cluster.members()->version;
  const std::string& storage = cluster;
  return "{\"etcdserver\":\"" + std::string(kEtcdVersion) + "\",\"etcdcluster\":\"" +
         (cluster.empty() ? "not_decided" : cluster) + "\",\"storage\":\"" +
         (storage.empty() ? "unknown" : storage) + "\"}";
}

void Peers::promote(std::string member_id, std::string, Reply reply) {
  uint64_t id = 0;
  const auto [end, error] =
      std::from_chars(member_id.data(), member_id.data() + member_id.size(), id);
  if (error != std::errc() || end != member_id.data() + member_id.size()) {
    return reply(text(404, "member " + member_id + " not found in cluster\n"));
  }
  auto shared = std::make_shared<Reply>(std::move(reply));
  replica_->promote(id, [this, shared](const Status& status) {
    if (status.ok()) {
      Answer answer;
      answer.content_type = "application/json";
      answer.body = members_json() + "\n";
      return (*shared)(std::move(answer));
    }
    const int code = status.code() == StatusCode::kNotFound             ? 404
                     : status.code() == StatusCode::kFailedPrecondition ? 412
                                                                        : 500;
    (*shared)(text(code, status.message() + "\n"));
  });
}

void Peers::hash_kv(std::string request_json, Reply reply) {
  etcdserverpb::HashKVRequest message;
  const Result<std::string> request =
      transcoder_.json_to_proto(etcdserverpb::HashKVRequest::default_instance(), request_json);
  if (!request.ok() || !rpc::parse_message(*request, message).ok()) {
    return reply(text(400, "error unmarshalling request\n"));
  }
  const Result<mvcc::HashResult> hash = rooms_.store.hash_kv(message.revision());
  if (!hash.ok()) return reply(text(400, hash.status().message() + "\n"));
  // Go's encoding of the response: numbers, and zeros left out.
  Answer answer;
  answer.content_type = "application/json";
  answer.body = "{\"header\":{\"revision\":" + std::to_string(rooms_.store.view()->revision()) + "}";
  const auto field = [&](const char* name, int64_t value) {
    if (value != 0) answer.body += ",\"" + std::string(name) + "\":" + std::to_string(value);
  };
  field("hash", hash->hash);
  field("compact_revision", hash->compact_revision);
  field("hash_revision", hash->revision);
  answer.body += "}";
  reply(std::move(answer));
}

void Peers::renew_lease(std::string request, Reply reply) {
  etcdserverpb::LeaseKeepAliveRequest message;
  if (!rpc::parse_message(request, message).ok()) {
    return reply(text(400, "error unmarshalling request\n"));
  }
  const auto shared = std::make_shared<Reply>(std::move(reply));
  const auto refuse = [shared](lease::Lessor::Renewal state) {
    (*shared)(state == lease::Lessor::Renewal::kNotFound ? text(404, "lease not found\n")
                                                         : text(400, "not a primary lessor\n"));
  };
  const lease::Lessor::Renewed renewed = rooms_.lessor.renew(
      message.id(), [refuse, &loop = loop_](lease::Lessor::Renewal state) {
        loop.post([refuse, state] { refuse(state); });
      });
  if (renewed.state == lease::Lessor::Renewal::kExpired) return;
  if (renewed.state != lease::Lessor::Renewal::kRenewed) return refuse(renewed.state);
  etcdserverpb::LeaseKeepAliveResponse response;
  response.set_id(message.id());
  response.set_ttl(renewed.ttl);
  (*shared)(protobuf(response.SerializeAsString()));
}

void Peers::lease_time_to_live(std::string request, Reply reply) {
  leasepb::LeaseInternalRequest message;
  if (!rpc::parse_message(request, message).ok()) {
    return reply(text(400, "error unmarshalling request\n"));
  }
  const etcdserverpb::LeaseTimeToLiveRequest& asked = message.leasetimetoliverequest();
  const auto lease = rooms_.lessor.time_to_live(asked.id(), asked.keys());
  if (!lease.ok()) return reply(text(404, "lease not found\n"));
  leasepb::LeaseInternalResponse response;
  etcdserverpb::LeaseTimeToLiveResponse* told = response.mutable_leasetimetoliveresponse();
  told->mutable_header();
  told->set_id(asked.id());
  told->set_ttl(lease->remaining);
  told->set_grantedttl(lease->granted);
  for (const std::string& key : lease->keys) told->add_keys(key);
  reply(protobuf(response.SerializeAsString()));
}

void Peers::downgrade_enabled(Reply reply) {
  reply(text(200, rooms_.cluster.members()->downgrade.enabled ? "true" : "false"));
}

}  // namespace gatehouse::member

#include "member/transport/peer_port.h"

#include <string>
#include <string_view>
#include <utility>

#include "member/transport/answers.h"
#include "member/transport/message_codec.h"
#include "member/transport/prober.h"
#include "member/transport/removal.h"
#include "member/transport/shared.h"
#include "member/transport/snapshot_receiver.h"
#include "member/transport/stream_kind.h"

namespace gatehouse::transport {
namespace {

// Of a message by POST. An append has at most 1 MiB of entries, or one entry of the largest request
// that a cluster is configured for.
constexpr size_t kMaxPostBytes = 64 * 1024 * 1024;
// Of requests about leases and hashes, as in etcd 3.6.14 and 3.7.1.
constexpr size_t kMaxSmallBodyBytes = 64 * 1024;

constexpr std::string_view kPromotePrefix = "/members/promote/";

class PeerPort final : public http::RequestHandler {
 public:
  PeerPort(Shared& shared, PeerPortHooks& hooks)
      : shared_(shared), hooks_(hooks), cluster_id_(to_hex(shared.self().cluster_id)) {}

  std::unique_ptr<http::StreamHandler> on_request(http::ServerStream& stream) override {
    if (!hooks_.admit(stream.peer())) {
      LOG_WARN_LIMITED(shared_.logger, "cut a connection to the peer port: not an allowed peer",
                       {"remote-addr", stream.peer().address},
                       {"common-name", stream.peer().certificate_common_name});
      stream.abort(http::ErrorCode::kCancel);
      return nothing_more();
    }
    if (shared_.stopped) return refused(stream, 503, "the member is stopping");
    std::string_view path = stream.request().path;
    path = path.substr(0, path.find('?'));
    if (path == "/raft") return pipeline(stream);
    if (path == "/raft/probing") return probing(stream);
    if (path == "/raft/snapshot") return snapshot(stream);
    if (path.starts_with("/raft/stream/")) return open_stream(stream, path);
    if (path == "/members") return members(stream);
    if (path.starts_with(kPromotePrefix)) return promote(stream, path);
    if (path == "/members/hashkv") return hash_kv(stream);
    if (path == "/leases" || path == "/leases/internal") return lease(stream, path);
    if (path == "/downgrade/enabled") return downgrade(stream);
    if (path == "/version") return version(stream);
    return refused(stream, 404, "404 page not found", "");
  }

 private:
  using Handler = std::unique_ptr<http::StreamHandler>;

  Handler refused(http::ServerStream& stream, int status, std::string_view text) {
    return refused(stream, status, text, cluster_id_);
  }
  Handler refused(http::ServerStream& stream, int status, std::string_view text,
                  std::string_view cluster_id) {
    refuse(stream, status, text, cluster_id);
    return nothing_more();
  }

  // Null, or the request is answered.
  Handler wrong_method(http::ServerStream& stream, std::string_view method) {
    if (stream.request().method == method) return nullptr;
    refuse(stream, 405, "Method Not Allowed", "", method);
    return nothing_more();
  }

  // The same for a request of another cluster, or of a version that does not go with ours.
  Handler incompatible(http::ServerStream& stream) {
    const http::Headers& headers = stream.request().headers;
    const char* why = incompatibility(headers, shared_.self());
    if (why == nullptr) return nullptr;
    LOG_WARN_LIMITED(shared_.logger, "refused a request of a peer", {"reason", why},
                     {"remote-addr", stream.peer().address},
                     {"remote-peer-id", headers.get("x-server-from").value_or("")},
                     {"remote-cluster-id", headers.get("x-etcd-cluster-id").value_or("")},
                     {"remote-version", headers.get("x-server-version").value_or("")});
    return refused(stream, 412, why);
  }

  void remember_sender(http::ServerStream& stream) {
    std::optional<Sender> sender = sender_of(stream.request().headers);
    if (sender) shared_.add_remote(sender->id, std::move(sender->urls));
  }

  Handler pipeline(http::ServerStream& stream) {
    if (Handler done = wrong_method(stream, "POST")) return done;
    if (Handler done = incompatible(stream)) return done;
    remember_sender(stream);
    return with_body(stream, kMaxPostBytes, 400, cluster_id_,
                     [this](std::string body, PeerPortHooks::Reply reply) {
                       reply(take_message(body));
                     });
  }

  PeerPortHooks::Answer take_message(std::string_view body) {
    Result<raft::Message> message = decode_message(body);
    if (!message.ok()) {
      LOG_WARN_LIMITED(shared_.logger, "refused a message of a peer: its bytes make no sense",
                       {"error", message.status()});
      return {.status = 400, .body = "error unmarshalling raft message\n"};
    }
    if (const Peer* peer = shared_.peer(message->from)) {
      peer->link().metrics().received_bytes.add(body.size());
    }
    const Shared::Verdict verdict = shared_.deliver(*std::move(message));
    return refusal(verdict).value_or(PeerPortHooks::Answer{.status = 204});
  }

  Handler probing(http::ServerStream& stream) {
    answer(stream,
           {.content_type = "application/json", .body = probe_answer(shared_.wall_now())}, "");
    return nothing_more();
  }

  Handler snapshot(http::ServerStream& stream) {
    if (Handler done = wrong_method(stream, "POST")) return done;
    if (Handler done = incompatible(stream)) return done;
    remember_sender(stream);
    return receive_snapshot(shared_, stream);
  }

  Handler open_stream(http::ServerStream& stream, std::string_view path) {
    if (Handler done = wrong_method(stream, "GET")) return done;
    if (Handler done = incompatible(stream)) return done;
    const size_t slash = path.rfind('/');
    const std::string_view parent = path.substr(0, slash);
    if (parent != kAppendStreamPath && parent != kGeneralStreamPath) {
      return refused(stream, 404, "invalid path");
    }
    const std::optional<uint64_t> from = parse_hex(path.substr(slash + 1));
    if (!from) return refused(stream, 404, "invalid from");
    if (shared_.handler.is_removed(*from)) {
      LOG_WARN_LIMITED(shared_.logger, "refused a stream to a removed member",
                       {"remote-peer-id", to_hex(*from)});
      return refused(stream, 410, "removed member");
    }
    Peer* peer = shared_.peer(*from);
    if (peer == nullptr) {
      remember_sender(stream);
      LOG_WARN_LIMITED(shared_.logger, "refused a stream to an unknown member",
                       {"remote-peer-id", to_hex(*from)});
      return refused(stream, 404, "error sender not found");
    }
    if (stream.request().headers.get("x-raft-to").value_or("") != to_hex(shared_.self().id)) {
      LOG_WARN_LIMITED(shared_.logger, "refused a stream meant for another member",
                       {"remote-peer-id", to_hex(*from)},
                       {"to", stream.request().headers.get("x-raft-to").value_or("")});
      return refused(stream, 412, "to field mismatch");
    }
    return peer->attach(
        parent == kAppendStreamPath ? StreamKind::kAppend : StreamKind::kGeneral, stream);
  }

  Handler members(http::ServerStream& stream) {
    if (Handler done = wrong_method(stream, "GET")) return done;
    answer(stream, {.content_type = "application/json", .body = hooks_.members_json() + "\n"},
           cluster_id_);
    return nothing_more();
  }

  Handler promote(http::ServerStream& stream, std::string_view path) {
    if (Handler done = wrong_method(stream, "POST")) return done;
    return with_body(stream, kMaxSmallBodyBytes, 413, cluster_id_,
                     [this, id = std::string(path.substr(kPromotePrefix.size())),
                      token = std::string(stream.request().headers.get("authorization").value_or(
                          ""))](std::string, PeerPortHooks::Reply reply) {
                       hooks_.promote(id, token, std::move(reply));
                     });
  }

  Handler hash_kv(http::ServerStream& stream) {
    if (Handler done = wrong_method(stream, "GET")) return done;
    const auto cluster = stream.request().headers.get("x-etcd-cluster-id");
    if (cluster && !cluster->empty() && *cluster != cluster_id_) {
      return refused(stream, 412, "cluster ID mismatch");
    }
    return with_body(stream, kMaxSmallBodyBytes, 413, cluster_id_,
                     [this](std::string body, PeerPortHooks::Reply reply) {
                       hooks_.hash_kv(std::move(body), std::move(reply));
                     });
  }

  Handler lease(http::ServerStream& stream, std::string_view path) {
    if (Handler done = wrong_method(stream, "POST")) return done;
    return with_body(stream, kMaxSmallBodyBytes, 413, "",
                     [this, renew = path == "/leases"](std::string body,
                                                       PeerPortHooks::Reply reply) {
                       if (renew) {
                         hooks_.renew_lease(std::move(body), std::move(reply));
                       } else {
                         hooks_.lease_time_to_live(std::move(body), std::move(reply));
                       }
                     });
  }

  Handler downgrade(http::ServerStream& stream) {
    if (Handler done = wrong_method(stream, "GET")) return done;
    return with_body(stream, kMaxSmallBodyBytes, 413, cluster_id_,
                     [this](std::string, PeerPortHooks::Reply reply) {
                       hooks_.downgrade_enabled(std::move(reply));
                     });
  }

  Handler version(http::ServerStream& stream) {
    if (Handler done = wrong_method(stream, "GET")) return done;
    answer(stream, {.content_type = "application/json", .body = hooks_.version_json()}, "");
    return nothing_more();
  }

  Shared& shared_;
  PeerPortHooks& hooks_;
  const std::string cluster_id_;
};

}  // namespace

std::unique_ptr<http::RequestHandler> make_peer_port(Transport& transport, PeerPortHooks& hooks) {
  return std::make_unique<PeerPort>(transport.shared(), hooks);
}

httpio::ServerConnectionOptions peer_connection_options(const Options& options) {
  httpio::ServerConnectionOptions connection;
  connection.request_head_timeout_ms = options.io_timeout_ms;
  connection.idle_timeout_ms = options.io_timeout_ms;
  return connection;
}

}  // namespace gatehouse::transport

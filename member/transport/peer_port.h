// The peer port: every route that members serve each other (formats 6.1), as one HTTP handler.
//
//   httpio::HttpServer server(loop, {&loop},
//       [&](env::Executor&) { return make_peer_port(transport, hooks); },
//       {.connection = peer_connection_options(options)});
//
// Raft's routes end in the transport. What other rooms know (members, hashes, leases) is asked by
// PeerPortHooks; methods, cluster ids, headers and body limits are checked here before.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/unique_function.h"
#include "common/env/byte_stream.h"
#include "common/http/exchange.h"
#include "common/httpio/server_connection.h"
#include "member/transport/transport.h"

namespace gatehouse::transport {

class PeerPortHooks {
 public:
  struct Answer {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
  };
  // Comes once, at once or later, on the same thread; after the request or the port is gone it does
  // nothing.
  using Reply = UniqueFunction<void(Answer)>;

  // Whether to talk to who is at the other end: the certificate's names that are allowed for peers.
  // A connection that is refused is cut, as a failed handshake would be.
  virtual bool admit(const env::PeerInfo&) { return true; }

  virtual std::string members_json() = 0;  // the array
  virtual std::string version_json() = 0;  // the object
  // The text after /members/promote/, a decimal id, as it came, and the Authorization field.
  virtual void promote(std::string member_id, std::string token, Reply reply) = 0;
  virtual void hash_kv(std::string request_json, Reply reply) = 0;
  // Protobuf in and out: LeaseKeepAliveRequest; LeaseInternalRequest.
  virtual void renew_lease(std::string request, Reply reply) = 0;
  virtual void lease_time_to_live(std::string request, Reply reply) = 0;
  virtual void downgrade_enabled(Reply reply) = 0;

 protected:
  ~PeerPortHooks() = default;
};

// Transport and hooks outlive the handler, which may serve any number of connections of the
// transport's executor.
std::unique_ptr<http::RequestHandler> make_peer_port(Transport& transport, PeerPortHooks& hooks);

// etcd's time limits for connections to the peer port: what is idle for the I/O timeout is closed.
httpio::ServerConnectionOptions peer_connection_options(const Options& options);

}  // namespace gatehouse::transport

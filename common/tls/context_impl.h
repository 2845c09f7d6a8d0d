// What a Context holds. Private to this room.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/tls/context.h"
#include "common/tls/mbedtls_compat.h"

namespace gatehouse::tls {

// Read-only once the Context is made: `config` points at the members before it, and sessions at
// `config`. What mbed TLS changes in them later (blinding values of RSA keys, ticket keys) it
// guards with its own mutexes.
struct Context::Impl {
  bool server = false;
  bool verifies = false;  // the peer's certificate, if it presents one
  ClientAuth client_auth = ClientAuth::kNone;
  std::string server_name;
  std::vector<std::string> allowed_cn;
  std::vector<std::string> allowed_hostname;

  Certificates chain;
  PrivateKey key;
  Certificates roots;
  std::optional<RevocationLists> revoked;
  std::vector<int> cipher_suites;
  std::vector<std::string> alpn;
  std::vector<const char*> alpn_pointers;  // ended by null
  TicketKeys tickets;
  SslConfig config;
};

// For mbedtls_ssl_conf_sni: notes the name the client asked for in its Session. Defined in
// session.cc.
int on_server_name(void* unused, mbedtls_ssl_context* ssl, const unsigned char* name, size_t size);

}  // namespace gatehouse::tls

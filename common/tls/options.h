// What a TLS server or client is configured with. Plain data: nothing is read or checked before
// Context::server/client.
#pragma once

#include <string>
#include <vector>

namespace gatehouse::tls {

// Whether a server asks its clients for a certificate. One that is presented is always verified;
// there is no mode in which a bad certificate is let through.
enum class ClientAuth {
  kNone,     // do not ask
  kRequest,  // ask; a client without one is welcome, a client with one that does not verify is
             // refused
  kRequire,  // refuse a client without a certificate that verifies
};

struct ServerOptions {
  // PEM or DER. cert_file holds the leaf first, then intermediates. Both are required; the key must
  // be unencrypted.
  std::string cert_file;
  std::string key_file;

  ClientAuth client_auth = ClientAuth::kNone;
  // Roots for client certificates, one or more. Empty: the system's roots. Read only if client_auth
  // is not kNone.
  std::string trusted_ca_file;
  // Revoked client certificates, PEM (one or more lists) or DER. A certificate of the client's
  // chain is refused if a list of the same issuer names its serial number. As in etcd the file is
  // trusted as it is: neither the list's signature nor its nextUpdate is checked, so a list past
  // its date goes on revoking. Empty: none.
  std::string crl_file;
  // If not empty, a client certificate must match: its subject's common name is one of allowed_cn,
  // or it is valid for one of allowed_hostname (DNS or IP subject alternative names, wildcards as
  // for servers). Only one of the two may be given, and only with a client_auth that asks.
  std::vector<std::string> allowed_cn;
  std::vector<std::string> allowed_hostname;

  // IANA names, the most preferred first: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256". Empty:
  // forward-secret AEAD suites.
  std::vector<std::string> cipher_suites;
  // "TLS1.2", "TLS1.3" or "": the lowest (TLS1.2) and the highest the library has. With min_version
  // TLS1.3, cipher_suites must be empty, as in etcd.
  std::string min_version;
  std::string max_version;

  // Protocols in order of the server's preference, each 1..255 bytes. A client that offers some but
  // none of these is refused; one that offers none gets none. Empty: the extension is ignored.
  std::vector<std::string> alpn = {"h2", "http/1.1"};
};

struct ClientOptions {
  // Roots for the server's certificate. Empty: the system's roots. Not read under
  // insecure_skip_verify.
  std::string ca_file;
  // The client's own certificate; both or neither.
  std::string cert_file;
  std::string key_file;
  // The own certificate must have no common name, which a server that takes it for a user's name
  // would hold against all that this client does (etcd with --client-cert-auth).
  bool refuse_common_name = false;

  // The DNS name or IP address (v6 without brackets) the server's certificate must be valid for; a
  // DNS name is also sent as SNI. A session may name another. Only subject alternative names count,
  // never the common name.
  std::string server_name;
  // Accept any certificate for any name. The connection is then open to whoever sits on the path.
  bool insecure_skip_verify = false;

  // As for the server.
  std::vector<std::string> cipher_suites;
  std::string min_version;
  std::string max_version;

  // Offered in this order. A server that answers none leaves alpn() empty, which the caller judges.
  std::vector<std::string> alpn = {"h2", "http/1.1"};
};

}  // namespace gatehouse::tls

// The judgement of a peer's certificate: mbed TLS checks signatures, dates and usages up to a root;
// this adds names, revocation and the server's lists, and finds the words. Private to this room.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/status.h"
#include "common/tls/context_impl.h"
#include "common/tls/session.h"

namespace gatehouse::tls {

class Verifier {
 public:
  // `host` is what a server's certificate must be valid for; not used for the certificates of
  // clients.
  Verifier(const Context::Impl& context, std::string host);

  // For mbedtls_ssl_set_verify: called for each certificate of the chain, the root first, the leaf
  // at depth 0.
  static int on_certificate(void* verifier, mbedtls_x509_crt* certificate, int depth,
                            uint32_t* flags);

  // The leaf has been judged.
  bool has_judged() const { return judged_; }

  // Whether `result`, of mbedtls_ssl_get_verify_result, lets the handshake go on.
  bool accepts(uint32_t result) const;

  // The words for a result that is not accepted.
  Status refusal(uint32_t result) const;

 private:
  void judge(const mbedtls_x509_crt& certificate, int depth, uint32_t& flags);
  void judge_server_name(const PeerCertificate& names, uint32_t& flags);
  void judge_client_name(const PeerCertificate& names, uint32_t& flags);

  const Context::Impl& context_;
  const std::string host_;
  bool judged_ = false;
  // The first sentence for each ground of refusal.
  std::string dates_text_, revoked_text_, authority_text_, name_text_;
};

}  // namespace gatehouse::tls

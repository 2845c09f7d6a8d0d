// Session: one TLS connection as a function of bytes. Ciphertext goes in by feed(), plaintext comes
// out by take_plaintext(); plaintext goes in by write(), ciphertext comes out by take_output(). No
// socket, no clock but the one that certificate dates are compared with, no thread: use a Session
// from one thread at a time. The deadline of the handshake is the caller's.
//
//   auto session = Session::create(context);            // a client has its ClientHello ready in
//   take_output() on bytes:  status = session->feed(bytes);           // then always: send what
//   take_output() gives, even on error
//              session->take_plaintext(buffer);
//   on EOF:    status = session->end_of_input();        // OK only after the peer's close_notify
//
// Bounds: feed() consumes all it is given and what it makes (plaintext, replies) is never larger
// than that plus one record and the handshake's flight, so the caller bounds memory by how much it
// reads before it takes. Inside, a session holds one record each way (about 34 KiB) for its whole
// life.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/tls/context.h"

namespace gatehouse::tls {

// The leaf certificate the peer presented. Strings are the certificate's bytes, not checked for
// UTF-8.
struct PeerCertificate {
  std::string common_name;  // of the subject; the last one if there are several, "" if none
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;  // as inet_ntop writes them
  std::vector<std::string> uris;
  std::string serial_hex;  // lower case, no separators
  // The chain leads to a trusted root and the name, dates, usage and revocation checks passed.
  // False only under insecure_skip_verify.
  bool verified = false;
};

class Session {
 public:
  // A session of the context's side. `server_name` (clients only) replaces the option of that name;
  // a client that verifies must have one. A client starts its handshake here.
  static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Context> context,
                                                 std::string_view server_name = {});

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // Takes bytes from the peer, in pieces of any size. An error ends the session: feed() and write()
  // return it from then on. Plaintext that came before it, and the alert that tells the peer, can
  // still be taken.
  //
  // Codes: kUnauthenticated if the peer's certificate (or its absence) is the reason, kUnavailable
  // for the rest. Texts: "tls: client did not present a certificate", "tls: certificate signed by
  // unknown authority", "tls: certificate has expired or is not yet valid: not after
  // 2024-01-31T00:00:00Z", "tls: certificate is valid for a, b, not c", "tls: certificate is
  // revoked: serial number 1f", "remote error: tls: bad certificate" (the peer's alert). Bytes
  // after the peer's close_notify are ignored.
  Status feed(std::string_view ciphertext);

  // The transport has ended. OK if the peer said close_notify first; otherwise what was received
  // may be cut short.
  Status end_of_input();

  // Encrypts all of it, in records of at most 16 KiB; one call makes at least one record, so
  // callers gather small pieces first. kFailedPrecondition before handshake_done() and after
  // close_notify(). Nothing is done for "".
  Status write(std::string_view plaintext);

  // Tells the peer that no more will be written. Once, and only in a session that has not failed;
  // otherwise nothing.
  void close_notify();

  // Appends what is there to `to` and forgets it. If `to` is empty the buffers are swapped: no
  // copy, and its capacity is used for what comes next.
  void take_plaintext(std::string& to);
  void take_output(std::string& to);
  size_t plaintext_size() const;  // bytes waiting for take_plaintext
  size_t output_size() const;     // bytes waiting for take_output

  bool handshake_done() const;
  // The peer's close_notify has arrived. Writing may go on.
  bool peer_closed() const;

  // The following are fixed when the handshake is done.
  std::string_view alpn() const;                    // "" if none was agreed on
  const PeerCertificate* peer_certificate() const;  // null if the peer presented none
  std::string_view version() const;                 // "TLS1.2" or "TLS1.3"
  std::string_view cipher_suite() const;            // the IANA name

  // The DNS name: that the client asked for by SNI (server; "" if none), or that is verified
  // (client).
  std::string_view server_name() const;

  struct Impl;  // for this room only

 private:
  explicit Session(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse::tls

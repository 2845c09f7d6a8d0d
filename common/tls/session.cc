#include "common/tls/session.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "common/base/check.h"
#include "common/tls/cipher_suites.h"
#include "common/tls/context_impl.h"
#include "common/tls/error_text.h"
#include "common/tls/names.h"
#include "common/tls/verifier.h"

namespace gatehouse::tls {
namespace {

// RFC 8446 section 5.1.
constexpr uint8_t kAlertRecord = 21;
constexpr uint8_t kHandshakeRecord = 22;
// Type, version, length, level, description: an alert that is not encrypted.
constexpr size_t kClearAlertBytes = 7;

// A read goes here first, so that small records cost no growth of the plaintext string before their
// size is known.
constexpr size_t kFirstPieceBytes = 512;

// RFC 1035 section 2.3.4.
constexpr size_t kMaxHostNameBytes = 253;

Status closed(std::string text) { return unavailable("tls: " + std::move(text)); }

Result<std::string> checked_host(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  const bool printable =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (name.empty() || name.size() > kMaxHostNameBytes || !printable) {
    return invalid_argument("tls: server_name \"" + std::string(name) +
                            "\" is neither a DNS name nor an IP address");
  }
  return std::string(name);
}

}  // namespace

struct Session::Impl {
  enum class State { kHandshake, kOpen, kFailed };

  Impl(std::shared_ptr<const Context> of, std::string host_name)
      : context(std::move(of)), host(std::move(host_name)), verifier(context->impl(), host) {}

  static int on_send(void* self, const unsigned char* bytes, size_t size);
  static int on_receive(void* self, unsigned char* to, size_t size);

  Status start();
  Status handshake();
  Status finish_handshake();
  Status read_records();
  Status fail(Status status, uint8_t alert);
  Status fail_with(int error);
  bool makes_progress();
  bool has_sent_alert() const;

  const std::shared_ptr<const Context> context;
  const std::string host;  // clients: what is verified
  State state = State::kHandshake;
  Status failure;
  bool seen_input = false;
  bool peer_closed = false;
  bool close_sent = false;
  bool established = false;

  std::optional<uint8_t> sent_alert;  // the last one sent in clear
  uint8_t last_sent_type = 0;
  size_t sent_records = 0;  // in all
  size_t sent_before = 0;   // when the present call of mbed TLS began

  std::string_view input;  // what feed() was given and mbed TLS has not fetched yet
  size_t idle_input = 0;   // input.size() when it last asked for more
  bool idle = false;
  std::string output;
  std::string plaintext;

  std::string server_name;
  std::string cipher_suite;
  std::string_view version;
  std::optional<PeerCertificate> peer;
  Verifier verifier;
  SslContext ssl;
};

int Session::Impl::on_send(void* self, const unsigned char* bytes, size_t size) {
  auto& session = *static_cast<Impl*>(self);
  session.output.append(reinterpret_cast<const char*>(bytes), size);
  session.sent_records++;
  session.last_sent_type = bytes[0];
  if (size == kClearAlertBytes && bytes[0] == kAlertRecord) session.sent_alert = bytes[6];
  return static_cast<int>(size);
}

int Session::Impl::on_receive(void* self, unsigned char* to, size_t size) {
  auto& session = *static_cast<Impl*>(self);
  if (session.input.empty()) return MBEDTLS_ERR_SSL_WANT_READ;
  const size_t taken = std::min(size, session.input.size());
  std::memcpy(to, session.input.data(), taken);
  session.input.remove_prefix(taken);
  return static_cast<int>(taken);
}

int on_server_name(void* unused, mbedtls_ssl_context* ssl, const unsigned char* name, size_t size) {
  static_cast<void>(unused);
  auto& session = *static_cast<Session::Impl*>(bio_of(ssl));
  session.server_name.assign(reinterpret_cast<const char*>(name), size);
  return 0;
}

Status Session::Impl::start() {
  const Context::Impl& shared = context->impl();
  int error = mbedtls_ssl_setup(ssl.get(), shared.config.get());
  if (error != 0) return resource_exhausted("tls: new session: " + error_text(error));
  mbedtls_ssl_set_bio(ssl.get(), this, on_send, on_receive, nullptr);
  mbedtls_ssl_set_verify(ssl.get(), Verifier::on_certificate, &verifier);
  if (shared.server) return Status();
  // An address is not sent as SNI (RFC 6066 section 3); a null name tells mbed TLS that we verify
  // it ourselves.
  if (canonical_ip(host).empty()) server_name = host;
  error = mbedtls_ssl_set_hostname(ssl.get(), server_name.empty() ? nullptr : server_name.c_str());
  if (error != 0) return invalid_argument("tls: server_name: " + error_text(error));
  return handshake();
}

// mbed TLS may ask for more although there is more, after a message it skips. True: call it again.
// Asking twice without having taken a byte would be a loop that no input ends.
bool Session::Impl::makes_progress() {
  if (input.empty()) return false;
  const bool stuck = idle && idle_input == input.size();
  idle = true;
  idle_input = input.size();
  return !stuck;
}

Status Session::Impl::handshake() {
  idle = false;
  while (!handshake_over(ssl.get())) {
    sent_before = sent_records;
    const int error = mbedtls_ssl_handshake_step(ssl.get());
    const uint32_t result = mbedtls_ssl_get_verify_result(ssl.get());
    if (verifier.has_judged() && !verifier.accepts(result)) {
      return fail(verifier.refusal(result), alert_for_verification(result));
    }
    if (error == MBEDTLS_ERR_SSL_WANT_READ) {
      if (makes_progress()) continue;
      if (input.empty()) return Status();
      return fail_with(MBEDTLS_ERR_SSL_INTERNAL_ERROR);
    }
    if (error != 0) return fail_with(error);
  }
  return finish_handshake();
}

Status Session::Impl::finish_handshake() {
  const uint32_t result = mbedtls_ssl_get_verify_result(ssl.get());
  if (!verifier.accepts(result)) {
    return fail(verifier.refusal(result), alert_for_verification(result));
  }
  if (const mbedtls_x509_crt* certificate = mbedtls_ssl_get_peer_cert(ssl.get())) {
    peer = read_names(*certificate);
    peer->verified = context->impl().verifies && verifier.has_judged() && result == 0;
  }
  const char* suite = mbedtls_ssl_get_ciphersuite(ssl.get());
  if (suite != nullptr) cipher_suite = iana_name(suite);
  version = is_tls13(ssl.get()) ? "TLS1.3" : "TLS1.2";
  state = State::kOpen;
  established = true;
  return Status();
}

Status Session::Impl::read_records() {
  idle = false;
  for (;;) {
    unsigned char first[kFirstPieceBytes];
    sent_before = sent_records;
    const int got = mbedtls_ssl_read(ssl.get(), first, sizeof(first));
    if (got > 0) {
      plaintext.append(reinterpret_cast<const char*>(first), static_cast<size_t>(got));
      idle = false;
      const size_t rest = mbedtls_ssl_get_bytes_avail(ssl.get());
      if (rest == 0) continue;
      const size_t size = plaintext.size();
      plaintext.resize(size + rest);
      const int more = mbedtls_ssl_read(
          ssl.get(), reinterpret_cast<unsigned char*>(plaintext.data()) + size, rest);
      plaintext.resize(size + static_cast<size_t>(std::max(more, 0)));
      if (more < 0) return fail_with(more);
      continue;
    }
    if (got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
      peer_closed = true;
      return Status();
    }
    if (got == MBEDTLS_ERR_SSL_WANT_READ || got == 0 || is_new_session_ticket(got)) {
      if (makes_progress()) continue;
      if (input.empty()) return Status();
      return fail_with(MBEDTLS_ERR_SSL_INTERNAL_ERROR);
    }
    return fail_with(got);
  }
}

// Ends the session. The alert is sent unless the call that failed has sent one.
Status Session::Impl::fail(Status status, uint8_t alert) {
  state = State::kFailed;
  failure = std::move(status);
  if (!has_sent_alert()) {
    static_cast<void>(
        mbedtls_ssl_send_alert_message(ssl.get(), MBEDTLS_SSL_ALERT_LEVEL_FATAL, alert));
  }
  return failure;
}

Status Session::Impl::fail_with(int error) {
  if (error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
    state = State::kFailed;  // and no alert: the peer has left
    failure = unavailable("remote error: tls: " + alert_name(received_alert(ssl.get())));
    return failure;
  }
  if (error == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
    state = State::kFailed;
    failure = closed("connection closed by the peer during the handshake");
    return failure;
  }
  if (error == MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE) {
    return fail(Status(StatusCode::kUnauthenticated, "tls: client did not present a certificate"),
                MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
  }
  std::string_view reason;
  if (has_sent_alert() && sent_alert.has_value()) reason = reason_for_sent_alert(*sent_alert);
  return fail(closed(reason.empty() ? error_text(error) : std::string(reason)),
              state == State::kHandshake ? MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE
                                         : MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
}

// TLS 1.3 hides the type of what it encrypts, but a call that fails sends nothing else.
bool Session::Impl::has_sent_alert() const {
  return sent_records != sent_before && (last_sent_type == kAlertRecord || is_tls13(ssl.get()));
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Context> context,
                                                 std::string_view server_name) {
  CHECK(context != nullptr);
  std::string host;
  const Context::Impl& shared = context->impl();
  if (!shared.server) {
    if (server_name.empty()) server_name = shared.server_name;
    if (server_name.empty() && shared.verifies) {
      return invalid_argument(
          "tls: server_name is required to verify the server's certificate (or "
          "insecure_skip_verify)");
    }
    if (!server_name.empty()) {
      Result<std::string> checked = checked_host(server_name);
      if (!checked.ok()) return checked.status();
      host = *std::move(checked);
    }
  }
  auto impl = std::make_unique<Impl>(std::move(context), std::move(host));
  GATEHOUSE_RETURN_IF_ERROR(impl->start());
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

Status Session::feed(std::string_view ciphertext) {
  Impl& self = *impl_;
  if (self.state == Impl::State::kFailed) return self.failure;
  if (ciphertext.empty() || self.peer_closed) return Status();
  self.sent_before = self.sent_records;
  if (!std::exchange(self.seen_input, true)) {
    // mbed TLS would wait for a whole record of whatever length the next bytes happen to spell.
    const auto type = static_cast<uint8_t>(ciphertext[0]);
    if (type != kHandshakeRecord && type != kAlertRecord) {
      return self.fail(closed("first record does not look like a TLS handshake"),
                       MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
    }
  }
  self.input = ciphertext;
  Status status;
  if (self.state == Impl::State::kHandshake) status = self.handshake();
  if (status.ok() && self.state == Impl::State::kOpen) status = self.read_records();
  self.input = {};
  return status;
}

Status Session::end_of_input() {
  Impl& self = *impl_;
  if (self.state == Impl::State::kFailed) return self.failure;
  if (self.peer_closed) return Status();
  self.failure =
      closed(self.state == Impl::State::kHandshake
                 ? "connection closed by the peer during the handshake"
                 : "connection closed by the peer without close_notify: data may be cut short");
  self.state = Impl::State::kFailed;
  return self.failure;
}

Status Session::write(std::string_view plaintext) {
  Impl& self = *impl_;
  if (self.state == Impl::State::kFailed) return self.failure;
  if (self.state == Impl::State::kHandshake) {
    return Status(StatusCode::kFailedPrecondition, "tls: write before the handshake is done");
  }
  if (self.close_sent) {
    return Status(StatusCode::kFailedPrecondition, "tls: write after close_notify");
  }
  self.sent_before = self.sent_records;
  while (!plaintext.empty()) {
    // One record a call; on_send always takes all, so there is no "want write".
    const int written = mbedtls_ssl_write(
        self.ssl.get(), reinterpret_cast<const unsigned char*>(plaintext.data()), plaintext.size());
    if (written <= 0) return self.fail_with(written);
    plaintext.remove_prefix(static_cast<size_t>(written));
  }
  return Status();
}

void Session::close_notify() {
  Impl& self = *impl_;
  if (self.state == Impl::State::kFailed || self.close_sent) return;
  self.close_sent = true;
  // It can only fail for want of memory or sequence numbers, and then the peer sees a truncated
  // stream, as it should.
  static_cast<void>(mbedtls_ssl_close_notify(self.ssl.get()));
}

namespace {

void take(std::string& from, std::string& to) {
  if (to.empty()) {
    std::swap(from, to);
  } else {
    to += from;
  }
  from.clear();
}

}  // namespace

void Session::take_plaintext(std::string& to) { take(impl_->plaintext, to); }
void Session::take_output(std::string& to) { take(impl_->output, to); }
size_t Session::plaintext_size() const { return impl_->plaintext.size(); }
size_t Session::output_size() const { return impl_->output.size(); }
bool Session::handshake_done() const { return impl_->established; }
bool Session::peer_closed() const { return impl_->peer_closed; }

std::string_view Session::alpn() const {
  const char* protocol = mbedtls_ssl_get_alpn_protocol(impl_->ssl.get());
  return protocol == nullptr ? std::string_view() : std::string_view(protocol);
}

const PeerCertificate* Session::peer_certificate() const {
  return impl_->peer.has_value() ? &*impl_->peer : nullptr;
}

std::string_view Session::version() const { return impl_->version; }
std::string_view Session::cipher_suite() const { return impl_->cipher_suite; }
std::string_view Session::server_name() const { return impl_->server_name; }

}  // namespace gatehouse::tls

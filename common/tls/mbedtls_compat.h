// The one place that includes mbed TLS and the one that knows in what 2.28 (Debian 12) and 3.6
// (Debian 13) differ. Private to this room and its tests.
#pragma once

#include <mbedtls/asn1.h>
#include <mbedtls/asn1write.h>
#include <mbedtls/ecp.h>
#include <mbedtls/error.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/version.h>
#include <mbedtls/x509.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>

#include <cstddef>
#include <cstdint>

#if MBEDTLS_VERSION_NUMBER < 0x021c0000
#error "mbed TLS 2.28 or later is needed"
#endif
// A Context, with its keys and ticket keys, is used by several threads; mbed TLS guards them only
// if built so.
#if !defined(MBEDTLS_THREADING_C)
#error "mbed TLS must be built with MBEDTLS_THREADING_C"
#endif

#if MBEDTLS_VERSION_MAJOR >= 3
#include <mbedtls/private_access.h>
#include <psa/crypto.h>
#define GATEHOUSE_MBEDTLS_PRIVATE(member) MBEDTLS_PRIVATE(member)
#else
#define GATEHOUSE_MBEDTLS_PRIVATE(member) member
#endif

namespace gatehouse::tls {

#if MBEDTLS_VERSION_MAJOR >= 3 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
inline constexpr bool kHasTls13 = true;
#else
inline constexpr bool kHasTls13 = false;
#endif

// The kernel's generator as mbed TLS wants it; `state` is not used. A thread-local or per-session
// CTR_DRBG would save the system calls (about a dozen a handshake, 0.7 us each, of 2.6 ms) at the
// price of state to seed, reseed and never share.
int system_random(void* state, unsigned char* bytes, size_t size);

// An mbed TLS object with its init and free.
template <typename T, void (*kInit)(T*), void (*kFree)(T*)>
class Owned {
 public:
  Owned() { kInit(&value_); }
  ~Owned() { kFree(&value_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;

  T* get() { return &value_; }
  const T* get() const { return &value_; }
  T* operator->() { return &value_; }
  const T* operator->() const { return &value_; }

 private:
  T value_;
};

using Certificates = Owned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free>;
using RevocationLists = Owned<mbedtls_x509_crl, mbedtls_x509_crl_init, mbedtls_x509_crl_free>;
using PrivateKey = Owned<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free>;
using SslConfig = Owned<mbedtls_ssl_config, mbedtls_ssl_config_init, mbedtls_ssl_config_free>;
using SslContext = Owned<mbedtls_ssl_context, mbedtls_ssl_init, mbedtls_ssl_free>;
using TicketKeys =
    Owned<mbedtls_ssl_ticket_context, mbedtls_ssl_ticket_init, mbedtls_ssl_ticket_free>;

// ---- what differs
// -----------------------------------------------------------------------------------------------

inline int parse_key(mbedtls_pk_context* key, const unsigned char* bytes, size_t size) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_parse_key(key, bytes, size, nullptr, 0, system_random, nullptr);
#else
  return mbedtls_pk_parse_key(key, bytes, size, nullptr, 0);
#endif
}

inline int check_pair(const mbedtls_pk_context* certificate_key, const mbedtls_pk_context* key) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_check_pair(certificate_key, key, system_random, nullptr);
#else
  return mbedtls_pk_check_pair(certificate_key, key);
#endif
}

// `signature` has room for MBEDTLS_PK_SIGNATURE_MAX_SIZE.
inline int sign_sha256(mbedtls_pk_context* key, const unsigned char* hash, unsigned char* signature,
                       size_t* size) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash, 32, signature, MBEDTLS_PK_SIGNATURE_MAX_SIZE,
                         size, system_random, nullptr);
#else
  return mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash, 32, signature, size, system_random, nullptr);
#endif
}

// `serial` is big-endian with its highest bit clear.
inline int set_serial(mbedtls_x509write_cert* certificate, unsigned char* serial, size_t size) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_x509write_crt_set_serial_raw(certificate, serial, size);
#else
  Owned<mbedtls_mpi, mbedtls_mpi_init, mbedtls_mpi_free> number;
  const int error = mbedtls_mpi_read_binary(number.get(), serial, size);
  return error != 0 ? error : mbedtls_x509write_crt_set_serial(certificate, number.get());
#endif
}

// Must have succeeded before any session: TLS 1.3 is built on PSA. Cheap when done already.
inline int start_library() {
#if MBEDTLS_VERSION_MAJOR >= 3
  return psa_crypto_init() == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
#else
  return 0;
#endif
}

inline void set_versions(mbedtls_ssl_config* config, bool min_tls13, bool max_tls13) {
#if MBEDTLS_VERSION_MAJOR >= 3
  mbedtls_ssl_conf_min_tls_version(
      config, min_tls13 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2);
  mbedtls_ssl_conf_max_tls_version(
      config, max_tls13 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2);
#else
  static_cast<void>(min_tls13);
  static_cast<void>(max_tls13);
  mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_max_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
}

// The order decides: left to itself 2.28 takes P-521 first, several times the work; with X25519 a
// handshake costs the server 2.6 ms, with P-256 3.0 ms (2.28, ECDSA certificate). P-521 stays in
// the list because 2.28 also holds the curves of certificates against it, and etcd's own --auto-tls
// makes P-521 certificates.
inline void set_curves(mbedtls_ssl_config* config) {
#if MBEDTLS_VERSION_MAJOR >= 3
  static const uint16_t kGroups[] = {
      MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
      MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
      MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
  mbedtls_ssl_conf_groups(config, kGroups);
#else
  static const mbedtls_ecp_group_id kCurves[] = {MBEDTLS_ECP_DP_CURVE25519,
                                                 MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1,
                                                 MBEDTLS_ECP_DP_SECP521R1, MBEDTLS_ECP_DP_NONE};
  mbedtls_ssl_conf_curves(config, kCurves);
#endif
}

inline bool handshake_over(mbedtls_ssl_context* ssl) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_ssl_is_handshake_over(ssl) != 0;
#else
  return ssl->state == MBEDTLS_SSL_HANDSHAKE_OVER;
#endif
}

inline bool is_tls13(const mbedtls_ssl_context* ssl) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_ssl_get_version_number(ssl) == MBEDTLS_SSL_VERSION_TLS1_3;
#else
  static_cast<void>(ssl);
  return false;
#endif
}

// The pointer given to mbedtls_ssl_set_bio; for callbacks that are handed only the
// mbedtls_ssl_context.
inline void* bio_of(const mbedtls_ssl_context* ssl) {
  return ssl->GATEHOUSE_MBEDTLS_PRIVATE(p_bio);
}

// Of an alert record just read, which MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE does not carry.
inline uint8_t received_alert(const mbedtls_ssl_context* ssl) {
  return ssl->GATEHOUSE_MBEDTLS_PRIVATE(in_msg)[1];
}

// Post-handshake messages of TLS 1.3 that are no error: a ticket, which we do not use.
inline bool is_new_session_ticket(int error) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return error == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
  static_cast<void>(error);
  return false;
#endif
}

}  // namespace gatehouse::tls

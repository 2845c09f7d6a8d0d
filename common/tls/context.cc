#include "common/tls/context.h"

#include <utility>

#include "common/tls/cipher_suites.h"
#include "common/tls/context_impl.h"
#include "common/tls/credentials.h"
#include "common/tls/error_text.h"
#include "common/tls/names.h"

namespace gatehouse::tls {
namespace {

// How long a client may resume a session. The keys of the tickets change as often, which bounds
// what is lost with one.
constexpr uint32_t kTicketLifetimeS = 3600;

struct Versions {
  bool min_tls13 = false;
  bool max_tls13 = kHasTls13;
};

Result<bool> is_tls13_name(std::string_view option, const std::string& version) {
  if (version == "TLS1.2") return false;
  if (version == "TLS1.3") return true;
  return invalid_argument("tls: " + std::string(option) + ": \"" + version +
                          "\" is not one of TLS1.2, TLS1.3");
}

Result<Versions> parse_versions(const std::string& min_version, const std::string& max_version) {
  Versions versions;
  if (!min_version.empty()) {
    Result<bool> tls13 = is_tls13_name("min_version", min_version);
    if (!tls13.ok()) return tls13.status();
    if (*tls13 && !kHasTls13) {
      return invalid_argument("tls: min_version: TLS1.3 is not supported by " + library_name());
    }
    versions.min_tls13 = *tls13;
  }
  if (!max_version.empty()) {
    Result<bool> tls13 = is_tls13_name("max_version", max_version);
    if (!tls13.ok()) return tls13.status();
    versions.max_tls13 = *tls13 && kHasTls13;
  }
  if (versions.min_tls13 && !versions.max_tls13) {
    return invalid_argument("tls: min_version TLS1.3 is higher than max_version TLS1.2");
  }
  return versions;
}

// What server and client have in common.
template <typename Options>
Status configure(const Options& options, Context::Impl& impl) {
  if (start_library() != 0) return internal_error("tls: " + library_name() + " does not start");
  mbedtls_ssl_config* config = impl.config.get();
  const int error = mbedtls_ssl_config_defaults(
      config, impl.server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
      MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
  if (error != 0) return internal_error("tls: " + error_text(error));
  mbedtls_ssl_conf_rng(config, system_random, nullptr);
#if defined(MBEDTLS_SSL_RENEGOTIATION)
  mbedtls_ssl_conf_renegotiation(config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
  set_curves(config);

  Result<Versions> versions = parse_versions(options.min_version, options.max_version);
  if (!versions.ok()) return versions.status();
  if (versions->min_tls13 && !options.cipher_suites.empty()) {
    return invalid_argument("tls: cipher_suites cannot be chosen with min_version TLS1.3");
  }
  set_versions(config, versions->min_tls13, versions->max_tls13);
  Result<std::vector<int>> suites = cipher_suite_list(options.cipher_suites);
  if (!suites.ok()) return suites.status();
  impl.cipher_suites = *std::move(suites);
  mbedtls_ssl_conf_ciphersuites(config, impl.cipher_suites.data());

  impl.alpn = options.alpn;
  for (const std::string& protocol : impl.alpn) {
    if (protocol.empty() || protocol.size() > 255 || protocol.find('\0') != std::string::npos) {
      return invalid_argument("tls: alpn: a protocol name has 1 to 255 bytes and no zero");
    }
    impl.alpn_pointers.push_back(protocol.c_str());
  }
  if (!impl.alpn.empty()) {
    impl.alpn_pointers.push_back(nullptr);
    const int alpn_error = mbedtls_ssl_conf_alpn_protocols(config, impl.alpn_pointers.data());
    if (alpn_error != 0) return invalid_argument("tls: alpn: " + error_text(alpn_error));
  }
  return Status();
}

Status use_identity(const std::string& cert_file, const std::string& key_file,
                    Context::Impl& impl) {
  GATEHOUSE_RETURN_IF_ERROR(load_identity(cert_file, key_file, impl.chain, impl.key));
  const Status signs = warm_up(impl.key);
  if (!signs.ok()) return signs.with_context("tls: key_file " + key_file);
  const int error = mbedtls_ssl_conf_own_cert(impl.config.get(), impl.chain.get(), impl.key.get());
  if (error != 0) return internal_error("tls: " + error_text(error));
  return Status();
}

Status check_server_options(const ServerOptions& options) {
  if (options.cert_file.empty()) return invalid_argument("tls: cert_file is required");
  if (options.key_file.empty()) return invalid_argument("tls: key_file is required");
  if (!options.allowed_cn.empty() && !options.allowed_hostname.empty()) {
    return invalid_argument("tls: allowed_cn and allowed_hostname exclude each other");
  }
  const bool restricts =
      !options.allowed_cn.empty() || !options.allowed_hostname.empty() || !options.crl_file.empty();
  if (restricts && options.client_auth == ClientAuth::kNone) {
    return invalid_argument(
        "tls: allowed_cn, allowed_hostname and crl_file have no effect unless client certificates "
        "are asked for");
  }
  return Status();
}

Status load_client_roots(const ServerOptions& options, Context::Impl& impl) {
  if (options.trusted_ca_file.empty()) {
    GATEHOUSE_RETURN_IF_ERROR(load_system_roots("trusted_ca_file", impl.roots));
    // A hundred names would not fit in the message, and help nobody to choose.
    mbedtls_ssl_conf_cert_req_ca_list(impl.config.get(), MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
  } else {
    GATEHOUSE_RETURN_IF_ERROR(
        load_certificates("trusted_ca_file", options.trusted_ca_file, impl.roots));
  }
  warm_up(impl.roots);
  mbedtls_ssl_conf_ca_chain(impl.config.get(), impl.roots.get(), nullptr);
  if (!options.crl_file.empty()) {
    GATEHOUSE_RETURN_IF_ERROR(load_revocation_lists(options.crl_file, impl.revoked.emplace()));
  }
  return Status();
}

int auth_mode(ClientAuth mode) {
  switch (mode) {
    case ClientAuth::kNone:
      return MBEDTLS_SSL_VERIFY_NONE;
    case ClientAuth::kRequest:
      return MBEDTLS_SSL_VERIFY_OPTIONAL;  // the session refuses a bad one: see Verifier::accepts
    case ClientAuth::kRequire:
      return MBEDTLS_SSL_VERIFY_REQUIRED;
  }
  return MBEDTLS_SSL_VERIFY_REQUIRED;
}

}  // namespace

Context::Context(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Context::~Context() = default;
bool Context::is_server() const { return impl_->server; }

Result<std::shared_ptr<const Context>> Context::server(const ServerOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->server = true;
  GATEHOUSE_RETURN_IF_ERROR(check_server_options(options));
  GATEHOUSE_RETURN_IF_ERROR(configure(options, *impl));
  GATEHOUSE_RETURN_IF_ERROR(use_identity(options.cert_file, options.key_file, *impl));
  // mbed TLS would pass the certificate over in every handshake, and say that no cipher suite is in
  // common.
  if (mbedtls_x509_crt_check_extended_key_usage(impl->chain.get(), MBEDTLS_OID_SERVER_AUTH,
                                                MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0) {
    return invalid_argument("tls: cert_file " + options.cert_file +
                            ": the certificate is not for use by servers (extended key usage)");
  }
  mbedtls_ssl_config* config = impl->config.get();
  impl->client_auth = options.client_auth;
  impl->allowed_cn = options.allowed_cn;
  impl->allowed_hostname = options.allowed_hostname;
  mbedtls_ssl_conf_authmode(config, auth_mode(options.client_auth));
  mbedtls_ssl_conf_sni(config, on_server_name, nullptr);
  if (options.client_auth != ClientAuth::kNone) {
    impl->verifies = true;
    GATEHOUSE_RETURN_IF_ERROR(load_client_roots(options, *impl));
  } else {
    // Only here: a resumed session would bring the client's certificate back without judging it
    // again, and in TLS 1.3 without the certificate.
    const int error = mbedtls_ssl_ticket_setup(impl->tickets.get(), system_random, nullptr,
                                               MBEDTLS_CIPHER_AES_256_GCM, kTicketLifetimeS);
    if (error != 0) return internal_error("tls: session tickets: " + error_text(error));
    mbedtls_ssl_conf_session_tickets_cb(config, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse,
                                        impl->tickets.get());
  }
  return std::shared_ptr<const Context>(new Context(std::move(impl)));
}

Result<std::shared_ptr<const Context>> Context::client(const ClientOptions& options) {
  auto impl = std::make_unique<Impl>();
  if (options.cert_file.empty() != options.key_file.empty()) {
    return invalid_argument("tls: cert_file and key_file are given both or not at all");
  }
  GATEHOUSE_RETURN_IF_ERROR(configure(options, *impl));
  if (!options.cert_file.empty()) {
    GATEHOUSE_RETURN_IF_ERROR(use_identity(options.cert_file, options.key_file, *impl));
    const std::string name = read_names(*impl->chain.get()).common_name;
    if (options.refuse_common_name && !name.empty()) {
      return invalid_argument("tls: cert_file " + options.cert_file +
                              ": cert has non empty Common Name (" + name + ")");
    }
  }
  mbedtls_ssl_config* config = impl->config.get();
  impl->server_name = options.server_name;
  impl->verifies = !options.insecure_skip_verify;
  mbedtls_ssl_conf_session_tickets(config, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
  if (impl->verifies) {
    GATEHOUSE_RETURN_IF_ERROR(options.ca_file.empty()
                                  ? load_system_roots("ca_file", impl->roots)
                                  : load_certificates("ca_file", options.ca_file, impl->roots));
    warm_up(impl->roots);
    mbedtls_ssl_conf_ca_chain(config, impl->roots.get(), nullptr);
  }
  // Not NONE for insecure_skip_verify: TLS 1.3 knows no such mode, and the certificate is wanted
  // for peer_certificate().
  mbedtls_ssl_conf_authmode(
      config, impl->verifies ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_OPTIONAL);
  return std::shared_ptr<const Context>(new Context(std::move(impl)));
}

}  // namespace gatehouse::tls

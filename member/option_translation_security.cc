#include <algorithm>
#include <array>
#include <string_view>

#include "common/config/config.h"
#include "common/config/values.h"
#include "member/option_translation.h"

namespace gatehouse::member {

namespace {

constexpr uint32_t kDefaultBcryptCost = 10;

// The suites that Go knows, less their common "TLS_". Which of them the TLS library has is for it
// to say when the listeners are made.
constexpr std::array<std::string_view, 25> kCipherSuites = {
    "AES_128_GCM_SHA256",
    "AES_256_GCM_SHA384",
    "CHACHA20_POLY1305_SHA256",
    "ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "ECDHE_ECDSA_WITH_RC4_128_SHA",
    "ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "ECDHE_RSA_WITH_RC4_128_SHA",
    "RSA_WITH_3DES_EDE_CBC_SHA",
    "RSA_WITH_AES_128_CBC_SHA",
    "RSA_WITH_AES_256_CBC_SHA",
    "RSA_WITH_AES_128_CBC_SHA256",
    "RSA_WITH_AES_128_GCM_SHA256",
    "RSA_WITH_AES_256_GCM_SHA384",
    "RSA_WITH_RC4_128_SHA",
};

bool is_cipher_suite(std::string_view name) {
  if (!name.starts_with("TLS_")) return false;
  name.remove_prefix(4);
  return std::find(kCipherSuites.begin(), kCipherSuites.end(), name) != kCipherSuites.end();
}

Status check_versions_and_suites(const OptionValues& values) {
  const std::string& min = values.string("tls-min-version");
  const std::string& max = values.string("tls-max-version");
  for (const std::string& version : {min, max}) {
    if (version.empty() || version == "TLS1.2" || version == "TLS1.3") continue;
    return invalid_argument("unexpected TLS version \"" + version +
                            "\" (must be one of: TLS1.2, TLS1.3)");
  }
  if (!max.empty() && min > max) {
    return invalid_argument("min version (" + min + ") is greater than max version (" + max + ")");
  }
  const std::vector<std::string>& suites = values.list("cipher-suites");
  if (min == "TLS1.3" && !suites.empty()) {
    return invalid_argument("cipher suites cannot be configured when only TLS1.3 is enabled");
  }
  for (const std::string& suite : suites) {
    if (!is_cipher_suite(suite)) {
      return invalid_argument("unexpected TLS cipher suite \"" + suite + "\"");
    }
  }
  if (suites.empty() && values.is_set("cipher-suites") && !values.from_file("cipher-suites")) {
    return invalid_argument("unexpected TLS cipher suite \"\"");
  }
  return Status();
}

// The options of one side, less what their names begin with.
struct Side {
  std::string prefix;       // "" or "peer-"
  const char* crl_file;     // whose names follow another pattern
  const char* client_auth;  //
  const char* own_cert;     // as a client of others
  const char* own_key;      //
};
const Side kClientSide = {"", "client-crl-file", "client-cert-auth", "client-cert-file",
                          "client-key-file"};
const Side kPeerSide = {"peer-", "peer-crl-file", "peer-client-cert-auth", "peer-client-cert-file",
                        "peer-client-key-file"};

// `used`: half a pair of files is an error; where nothing uses them it is not looked at.
Result<Options::Tls> translate_side(const OptionValues& values, const Side& side, bool used) {
  tls::ServerOptions server;
  server.cert_file = values.string(side.prefix + "cert-file");
  server.key_file = values.string(side.prefix + "key-file");
  server.trusted_ca_file = values.string(side.prefix + "trusted-ca-file");
  server.crl_file = values.string(side.crl_file);
  server.cipher_suites = values.list("cipher-suites");
  server.min_version = values.string("tls-min-version");
  server.max_version = values.string("tls-max-version");
  if (!server.trusted_ca_file.empty() || values.boolean(side.client_auth)) {
    server.client_auth = tls::ClientAuth::kRequire;
  }

  Options::Tls tls;
  const bool has_files = !server.cert_file.empty() || !server.key_file.empty();
  tls.auto_tls = values.boolean(side.prefix + "auto-tls") && !has_files;
  tls.client_cert_file = values.string(side.own_cert);
  tls.client_key_file = values.string(side.own_key);
  if (tls.client_cert_file.empty() != tls.client_key_file.empty()) {
    return invalid_argument("--" + std::string(side.own_cert) + " and --" + side.own_key +
                            " must both be present or both absent");
  }
  if (used && has_files && (server.cert_file.empty() || server.key_file.empty())) {
    return invalid_argument("KeyFile and CertFile must both be present[key: " + server.key_file +
                            ", cert: " + server.cert_file + "]");
  }
  if (has_files || tls.auto_tls) tls.server = std::move(server);
  return tls;
}

const Url* first_with_tls(const std::vector<Url>& urls) {
  const auto found = std::find_if(urls.begin(), urls.end(), [](const Url& u) { return u.tls(); });
  return found == urls.end() ? nullptr : &*found;
}

Status translate_tls_of_clients(const OptionValues& values, Options* options) {
  const Url* secured = first_with_tls(options->listen_client_urls);
  if (secured == nullptr) secured = first_with_tls(options->listen_client_http_urls);
  if (secured == nullptr) secured = first_with_tls(options->listen_metrics_urls);
  Result<Options::Tls> tls = translate_side(values, kClientSide, secured != nullptr);
  if (!tls.ok()) return tls.status();
  if (secured != nullptr && !tls->server.has_value()) {
    return invalid_argument(
        "TLS key/cert (--cert-file, --key-file) must be provided for client url " +
        secured->to_string() + " with HTTPS scheme");
  }
  if (tls->server.has_value()) {
    tls->server->allowed_hostname = values.list("client-cert-allowed-hostname");
  }
  for (const Url& url : options->listen_client_urls) {
    if (url.tls()) continue;
    if (tls->server.has_value() && !tls->auto_tls) {
      options->warnings.push_back(
          "scheme is http or unix while key and cert files are present; ignoring key and cert "
          "files for " +
          url.to_string());
    }
    if (values.boolean("client-cert-auth")) {
      options->warnings.push_back(
          "scheme is http or unix while --client-cert-auth is enabled; ignoring client cert auth "
          "for " +
          url.to_string());
    }
  }
  // Without a listener that uses them the files are not even looked at.
  if (secured == nullptr) tls->server.reset();
  options->client_tls = *std::move(tls);
  return Status();
}

Status translate_tls_of_peers(const OptionValues& values, Options* options) {
  Result<Options::Tls> tls = translate_side(values, kPeerSide, true);
  if (!tls.ok()) return tls.status();
  const Url* secured = first_with_tls(options->listen_peer_urls);
  if (secured != nullptr && !tls->server.has_value()) {
    return invalid_argument("cannot listen on TLS for " + secured->to_string() +
                            ": KeyFile and CertFile are not presented");
  }
  tls::ClientOptions& dialing = options->peer_dialing;
  dialing.ca_file = values.string("peer-trusted-ca-file");
  dialing.cipher_suites = values.list("cipher-suites");
  dialing.min_version = values.string("tls-min-version");
  dialing.max_version = values.string("tls-max-version");
  dialing.insecure_skip_verify = tls->auto_tls;  // nobody can vouch for what was made at the start
  if (tls->server.has_value()) {
    dialing.cert_file = tls->server->cert_file;
    dialing.key_file = tls->server->key_file;
    tls->server->allowed_cn = values.list("peer-cert-allowed-cn");
    tls->server->allowed_hostname = values.list("peer-cert-allowed-hostname");
    if (!tls->server->allowed_cn.empty() && !tls->server->allowed_hostname.empty()) {
      return invalid_argument(
          "--peer-cert-allowed-cn and --peer-cert-allowed-hostname are mutually exclusive");
    }
  }
  if (!tls->client_cert_file.empty()) {
    dialing.cert_file = tls->client_cert_file;
    dialing.key_file = tls->client_key_file;
  }
  for (const Url& url : options->listen_peer_urls) {
    if (url.tls() || !tls->server.has_value() || tls->auto_tls) continue;
    options->warnings.push_back(
        "scheme is HTTP while key and cert files are present; ignoring key and cert files for " +
        url.to_string());
  }
  if (secured == nullptr) tls->server.reset();
  options->peer_tls = *std::move(tls);
  return Status();
}

// "simple", "jwt,sign-method=RS256,…" or nothing.
Result<Options::AuthToken> parse_auth_token(const std::string& text) {
  using Kind = Options::AuthToken::Kind;
  const Status bad = invalid_argument("auth: invalid auth options");
  Options::AuthToken token;
  std::vector<std::string> items = config::split_list(text);
  if (items.empty()) {
    token.kind = Kind::kNone;
    return token;
  }
  if (items.front() == "simple") return token;
  if (items.front() != "jwt") return bad;
  token.kind = Kind::kJwt;
  items.erase(items.begin());
  for (const std::string& item : items) {
    const size_t equals = item.find('=');
    if (equals == std::string::npos) return bad;
    if (!token.jwt.emplace(item.substr(0, equals), item.substr(equals + 1)).second) return bad;
  }
  return token;
}

}  // namespace

Status translate_security(const OptionValues& values, Options* options) {
  GATEHOUSE_RETURN_IF_ERROR(check_versions_and_suites(values));
  options->self_signed_cert_validity_years = values.uint32("self-signed-cert-validity");
  GATEHOUSE_RETURN_IF_ERROR(translate_tls_of_clients(values, options));
  GATEHOUSE_RETURN_IF_ERROR(translate_tls_of_peers(values, options));
  options->peer_skip_client_san_verification = values.boolean("peer-skip-client-san-verification");
  if (options->self_signed_cert_validity_years == 0) {
    if (!values.from_file("self-signed-cert-validity") &&
        (values.boolean("auto-tls") || values.boolean("peer-auto-tls"))) {
      return invalid_argument("selfSignedCertValidity is invalid,it should be greater than 0");
    }
    options->self_signed_cert_validity_years = 1;
  }
  options->cors = values.list("cors");
  if (options->cors != std::vector<std::string>{"*"} && !options->cors.empty()) {
    Result<std::vector<Url>> origins = parse_urls(options->cors);
    if (!origins.ok()) return origins.status().with_context("--cors");
    origins->erase(std::unique(origins->begin(), origins->end()), origins->end());
    options->cors = url_texts(*origins);
  }
  options->host_whitelist = values.list("host-whitelist");
  if (options->host_whitelist.empty()) options->host_whitelist = {"*"};
  Result<Options::AuthToken> token = parse_auth_token(values.string("auth-token"));
  if (!token.ok()) return token.status();
  options->auth_token = *std::move(token);
  const uint64_t cost = values.uint64("bcrypt-cost");
  if (cost >= 4 && cost <= 31) {
    options->bcrypt_cost = static_cast<uint32_t>(cost);
  } else {
    options->bcrypt_cost = kDefaultBcryptCost;
    options->warnings.push_back(
        "use default bcrypt cost instead of the invalid given cost: min-cost 4, max-cost 31, "
        "default-cost 10, given-cost " +
        std::to_string(cost));
  }
  constexpr auto kMaxTtl =
      static_cast<uint64_t>(std::chrono::seconds::max().count() / 1'000'000'000);
  options->auth_token_ttl =
      std::chrono::seconds(std::min(values.uint64("auth-token-ttl"), kMaxTtl));
  return Status();
}

}  // namespace gatehouse::member

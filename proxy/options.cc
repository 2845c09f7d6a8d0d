#include "proxy/options.h"

#include <algorithm>
#include <set>

#include "proxy/option_table.h"
#include "proxy/version.h"

namespace gatehouse::proxy {

namespace {

using config::Exit;
using config::Settings;
using std::chrono::milliseconds;

// "--a needs --b": which of two flags is missing, if just one is given.
Status both_or_neither(const Settings& settings, const char* one, const char* other) {
  const bool has_one = !settings.string(one).empty();
  const bool has_other = !settings.string(other).empty();
  if (has_one == has_other) return Status();
  const std::string given = has_one ? one : other;
  const std::string missing = has_one ? other : one;
  return invalid_argument("--" + given + " needs --" + missing +
                          ": a certificate and its key go together");
}

Result<net::Address> address_of(const char* flag, const std::string& text) {
  Result<net::Address> address = net::parse_address(text);
  if (!address.ok()) return address.status().with_context(std::string("--") + flag);
  return address;
}

// From settings to options, a group at a time; each tells the first thing that is wrong.
class Translator {
 public:
  explicit Translator(const Settings& settings) : settings_(settings) {}

  Result<Options> run() {
    GATEHOUSE_RETURN_IF_ERROR(client_tls());
    GATEHOUSE_RETURN_IF_ERROR(listening());
    GATEHOUSE_RETURN_IF_ERROR(member_tls());
    GATEHOUSE_RETURN_IF_ERROR(members());
    GATEHOUSE_RETURN_IF_ERROR(mirrors());
    GATEHOUSE_RETURN_IF_ERROR(process());
    return std::move(options_);
  }

 private:
  milliseconds duration(const char* name) const {
    return std::chrono::ceil<milliseconds>(settings_.duration(name));
  }

  Status client_tls() {
    GATEHOUSE_RETURN_IF_ERROR(both_or_neither(settings_, "cert-file", "key-file"));
    const bool has_files = !settings_.string("cert-file").empty();
    // As in etcd, files win over a certificate made up.
    options_.auto_tls = settings_.boolean("auto-tls") && !has_files;
    options_.self_signed_cert_validity_years = settings_.uint32("self-signed-cert-validity");
    options_.data_dir = settings_.string("data-dir");

    tls::ServerOptions tls;
    tls.cert_file = settings_.string("cert-file");
    tls.key_file = settings_.string("key-file");
    tls.trusted_ca_file = settings_.string("trusted-ca-file");
    tls.crl_file = settings_.string("client-crl-file");
    tls.cipher_suites = settings_.list("listen-cipher-suites");
    tls.min_version = settings_.string("tls-min-version");
    tls.max_version = settings_.string("tls-max-version");
    if (!tls.trusted_ca_file.empty()) {
      tls.client_auth = tls::ClientAuth::kRequire;
      if (settings_.is_set("client-cert-auth") && !settings_.boolean("client-cert-auth")) {
        warn("--client-cert-auth=false has no effect beside --trusted-ca-file");
      }
    } else if (settings_.boolean("client-cert-auth")) {
      // The system's roots would let in whoever has any certificate of a public authority.
      return invalid_argument("--client-cert-auth needs --trusted-ca-file");
    } else if (!tls.crl_file.empty()) {
      return invalid_argument("--client-crl-file needs --trusted-ca-file");
    }
    if (has_files || options_.auto_tls) {
      options_.client_tls = std::move(tls);
    } else if (!tls.trusted_ca_file.empty()) {
      return invalid_argument(
          "--trusted-ca-file needs --cert-file and --key-file, or --auto-tls: clients show "
          "certificates to a server with TLS only");
    }
    return Status();
  }

  Status check_listener(const char* flag, const net::Address& address, const std::string& text) {
    if (!address.tls() || options_.client_tls.has_value()) return Status();
    return invalid_argument("--" + std::string(flag) + " " + text +
                            " needs --cert-file and --key-file, or --auto-tls");
  }

  Status listening() {
    const std::vector<std::string>& addresses = settings_.list("listen-addr");
    if (addresses.empty()) return invalid_argument("--listen-addr names no address");
    std::set<std::string> seen;
    for (const std::string& text : addresses) {
      Result<net::Address> address = address_of("listen-addr", text);
      if (!address.ok()) return address.status();
      GATEHOUSE_RETURN_IF_ERROR(check_listener("listen-addr", *address, text));
      // Port 0 is any free one, each time another.
      const bool fixed = address->kind == net::Address::Kind::kUnix || address->port != 0;
      if (!seen.insert(address->to_string()).second && fixed) {
        return invalid_argument("--listen-addr names " + text + " twice");
      }
      options_.listen_addresses.push_back(*std::move(address));
    }
    options_.listen_addr = config::value_text(config::Type::kList, config::Value(addresses));

    if (const std::string& text = settings_.string("metrics-addr"); !text.empty()) {
      Result<net::Address> address = address_of("metrics-addr", text);
      if (!address.ok()) return address.status();
      GATEHOUSE_RETURN_IF_ERROR(check_listener("metrics-addr", *address, text));
      options_.metrics_address = *std::move(address);
    }
    options_.advertise_client_url = settings_.string("advertise-client-url");
    if (!options_.advertise_client_url.empty()) {
      const auto address = address_of("advertise-client-url", options_.advertise_client_url);
      if (!address.ok()) return address.status();
    }
    options_.max_request_bytes = settings_.uint64("max-request-bytes");
    options_.max_concurrent_streams = settings_.uint32("max-concurrent-streams");
    options_.keepalive_min_time = duration("grpc-keepalive-min-time");
    options_.keepalive_interval = duration("grpc-keepalive-interval");
    options_.keepalive_timeout = duration("grpc-keepalive-timeout");
    options_.drain_timeout = duration("drain-timeout");
    return Status();
  }

  Status member_tls() {
    GATEHOUSE_RETURN_IF_ERROR(both_or_neither(settings_, "cert", "key"));
    tls::ClientOptions& tls = options_.member_tls;
    tls.ca_file = settings_.string("cacert");
    tls.cert_file = settings_.string("cert");
    tls.key_file = settings_.string("key");
    tls.refuse_common_name = true;
    tls.insecure_skip_verify = settings_.boolean("insecure-skip-tls-verify");
    options_.tls_unless_stated =
        !tls.ca_file.empty() || !tls.cert_file.empty() || tls.insecure_skip_verify;
    return Status();
  }

  Status members() {
    options_.endpoints = settings_.list("endpoints");
    options_.endpoints_given = settings_.is_set("endpoints");
    if (options_.endpoints.empty()) return invalid_argument("--endpoints names no member");
    std::set<std::string> seen;
    for (const std::string& text : options_.endpoints) {
      const Result<net::Address> address = address_of("endpoints", text);
      if (!address.ok()) return address.status();
      if (address->kind == net::Address::Kind::kTcp &&
          (address->host.empty() || address->port == 0)) {
        return invalid_argument("--endpoints: \"" + text + "\" needs a host and a port");
      }
      if (!seen.insert(address->to_string()).second) {
        return invalid_argument("--endpoints names " + text + " twice");
      }
    }
    options_.endpoints_auto_sync_interval = duration("endpoints-auto-sync-interval");
    options_.discovery_srv = settings_.string("discovery-srv");
    options_.discovery_srv_name = settings_.string("discovery-srv-name");
    options_.insecure_discovery = settings_.boolean("insecure-discovery");
    options_.dial_keepalive_time = duration("dial-keepalive-time");
    options_.dial_keepalive_timeout = duration("dial-keepalive-timeout");
    options_.permit_without_stream = settings_.boolean("permit-without-stream");
    options_.max_send_bytes = settings_.uint64("max-send-bytes");
    options_.max_recv_bytes = settings_.uint64("max-recv-bytes");
    options_.balancer = settings_.string("balancer") == "round_robin"
                            ? upstream::Balancer::kRoundRobin
                            : upstream::Balancer::kLeastRequest;
    options_.health_check_interval = duration("health-check-interval");
    options_.connect_timeout = duration("connect-timeout");
    return Status();
  }

  Status mirrors() {
    std::set<std::string> seen;
    for (const std::string& text : settings_.list("mirror")) {
      const std::string prefix = text == "*" ? "" : text;
      if (!seen.insert(prefix).second) {
        return invalid_argument("--mirror names " + text + " twice");
      }
      options_.mirror_prefixes.push_back(prefix);
    }
    if (seen.contains("") && seen.size() > 1) {
      return invalid_argument("--mirror: * has all keys, other prefixes beside it make no sense");
    }
    options_.mirror_max_bytes = settings_.uint64("mirror-max-bytes");
    options_.max_stale = duration("max-stale");
    return Status();
  }

  Status process() {
    options_.threads = settings_.uint32("threads");
    if (settings_.boolean("enable-pprof")) {
      warn("--enable-pprof has no effect: profiles of this process are taken with perf");
    }
    options_.log_calls = settings_.boolean("experimental-enable-grpc-logging");
    const Result<log::Level> level =
        log::parse_level(settings_.boolean("debug") ? "debug" : settings_.string("log-level"));
    if (!level.ok()) return level.status();
    const Result<log::Format> format = log::parse_format(settings_.string("log-format"));
    if (!format.ok()) return format.status();
    options_.log.level = *level;
    options_.log.format = *format;
    options_.log.outputs = settings_.list("log-outputs");
    if (options_.log.outputs.empty()) return invalid_argument("--log-outputs names no output");
    options_.effective = settings_.effective();
    options_.warnings.insert(options_.warnings.begin(), settings_.warnings().begin(),
                             settings_.warnings().end());
    return Status();
  }

  void warn(std::string text) { options_.warnings.push_back(std::move(text)); }

  const Settings& settings_;
  Options options_;
};

ParsedOptions parse(CommandLine command_line, const config::Input& input) {
  const config::Schema schema = option_schema(command_line);
  if (command_line == CommandLine::kPlain) {
    // Whatever environment and file hold: somebody who asks for the version gets it.
    config::Schema flags_only = schema;
    flags_only.env_prefix.clear();
    flags_only.config_file_option.clear();
    const config::Loaded flags = config::load(flags_only, {input.arguments, {}});
    const auto* settings = std::get_if<Settings>(&flags);
    if (settings != nullptr && settings->boolean("version")) {
      return Exit{.code = 0, .to_stderr = false, .text = version_text()};
    }
  }
  config::Loaded loaded = config::load(schema, input);
  if (auto* exit = std::get_if<Exit>(&loaded)) return std::move(*exit);
  Result<Options> options = Translator(std::get<Settings>(loaded)).run();
  if (!options.ok()) return config::usage_error(schema, options.status().message());
  return *std::move(options);
}

Exit refuse(std::string text) {
  return Exit{.code = 1, .to_stderr = true, .text = "Error: " + std::move(text) + "\n"};
}

// `words` are those after "grpc-proxy".
ParsedOptions parse_grpc_proxy(config::Input input) {
  std::vector<std::string_view>& words = input.arguments;
  const bool asks_for_help =
      words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help";
  if (asks_for_help) {
    return Exit{0, false, config::help_text(option_schema(CommandLine::kSubCommand))};
  }
  if (words[0] != "start") {
    return refuse("unknown command \"" + std::string(words[0]) +
                  "\" for \"gatehouse-proxy grpc-proxy\"");
  }
  words.erase(words.begin());
  return parse(CommandLine::kSubCommand, input);
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv, const char* const* environ) {
  config::Input input;
  if (argc > 1) input.arguments.assign(argv + 1, argv + argc);
  for (; environ != nullptr && *environ != nullptr; ++environ) {
    input.environment.emplace_back(*environ);
  }
  const std::string_view command = input.arguments.empty() ? "" : input.arguments.front();
  if (command == "grpc-proxy") {
    input.arguments.erase(input.arguments.begin());
    return parse_grpc_proxy(std::move(input));
  }
  if (command == "gateway") {
    return refuse(
        "gatehouse-proxy gateway is not supported by this release: it does not forward connections "
        "as they are; grpc-proxy start with the same --endpoints and --listen-addr forwards "
        "requests");
  }
  return parse(CommandLine::kPlain, input);
}

}  // namespace gatehouse::proxy

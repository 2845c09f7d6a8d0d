// The proxy's command line: what etcd's proxy takes is taken, what it means, and what is refused.
#include "proxy/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "common/base/version.h"

namespace gatehouse::proxy {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

using Words = std::vector<std::string>;

ParsedOptions parse(const Words& words, const Words& environment = {}) {
  std::vector<const char*> argv = {"/usr/bin/gatehouse-proxy"}, variables;
  for (const std::string& word : words) argv.push_back(word.c_str());
  for (const std::string& variable : environment) variables.push_back(variable.c_str());
  variables.push_back(nullptr);
  return parse_options(static_cast<int>(argv.size()), argv.data(), variables.data());
}

Options options(const Words& words, const Words& environment = {}) {
  ParsedOptions parsed = parse(words, environment);
  const auto* exit = std::get_if<config::Exit>(&parsed);
  EXPECT_EQ(exit, nullptr) << exit->text;
  return exit == nullptr ? std::get<Options>(std::move(parsed)) : Options();
}

config::Exit ending(const Words& words, const Words& environment = {}) {
  ParsedOptions parsed = parse(words, environment);
  const auto* exit = std::get_if<config::Exit>(&parsed);
  EXPECT_NE(exit, nullptr);
  return exit == nullptr ? config::Exit{-1, false, ""} : *exit;
}

// The message of a failure with exit code 1, without the hint to the help.
std::string failure(const Words& words, const Words& environment = {}) {
  const config::Exit exit = ending(words, environment);
  EXPECT_EQ(exit.code, 1);
  EXPECT_TRUE(exit.to_stderr);
  return exit.text.substr(0, exit.text.find('\n'));
}

Words etcd(Words flags) {
  flags.insert(flags.begin(), {"grpc-proxy", "start"});
  return flags;
}

// A configuration file for the time of a test.
class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text) {
    path_ = testing::TempDir() + "gatehouse-proxy-XXXXXX";
    close(mkstemp(path_.data()));
    std::ofstream(path_) << text;
  }
  ~ConfigFile() { std::remove(path_.c_str()); }
  std::string flag() const { return "--config-file=" + path_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// shared by both command lines: etcd 3.7's defaults.
void expect_defaults(const Options& o) {
  ASSERT_EQ(o.listen_addresses.size(), 1U);
  EXPECT_EQ(o.listen_addresses[0].to_string(), "127.0.0.1:23790");
  EXPECT_EQ(o.listen_addr, "127.0.0.1:23790");
  EXPECT_FALSE(o.metrics_address.has_value());
  EXPECT_EQ(o.advertise_client_url, "127.0.0.1:23790");
  EXPECT_EQ(o.max_concurrent_streams, 4294967295U);
  EXPECT_EQ(o.keepalive_min_time, seconds(5));
  EXPECT_EQ(o.keepalive_interval, hours(2));
  EXPECT_EQ(o.keepalive_timeout, seconds(20));
  EXPECT_FALSE(o.client_tls.has_value());
  EXPECT_FALSE(o.auto_tls);
  EXPECT_EQ(o.self_signed_cert_validity_years, 1U);
  EXPECT_EQ(o.data_dir, "default.proxy");
  EXPECT_THAT(o.endpoints, ElementsAre("127.0.0.1:2379"));
  EXPECT_FALSE(o.endpoints_given);
  EXPECT_EQ(o.endpoints_auto_sync_interval, seconds(0));
  EXPECT_EQ(o.discovery_srv, "");
  EXPECT_EQ(o.discovery_srv_name, "");
  EXPECT_FALSE(o.insecure_discovery);
  EXPECT_EQ(o.dial_keepalive_time, seconds(0));
  EXPECT_EQ(o.dial_keepalive_timeout, seconds(20));
  EXPECT_FALSE(o.permit_without_stream);
  EXPECT_EQ(o.max_send_bytes, 1572864U);
  EXPECT_EQ(o.max_recv_bytes, 2147483647U);
  EXPECT_EQ(o.member_tls.ca_file, "");
  EXPECT_FALSE(o.member_tls.insecure_skip_verify);
  EXPECT_FALSE(o.tls_unless_stated);
  EXPECT_FALSE(o.log_calls);
  // Ours.
  EXPECT_EQ(o.max_request_bytes, 1572864U);
  EXPECT_EQ(o.max_receive_bytes(), 1572864U + 524288U);
  EXPECT_EQ(o.drain_timeout, seconds(10));
  EXPECT_EQ(o.health_check_interval, seconds(2));
  EXPECT_EQ(o.connect_timeout, seconds(5));
  EXPECT_EQ(o.threads, 0U);
  EXPECT_EQ(o.balancer, upstream::Balancer::kLeastRequest);
  EXPECT_EQ(o.log.level, log::Level::kInfo);
  EXPECT_EQ(o.log.format, log::Format::kJson);
  EXPECT_THAT(o.log.outputs, ElementsAre("stderr"));
  EXPECT_THAT(o.warnings, IsEmpty());
}

TEST(Options, HaveEtcdsDefaults) {
  expect_defaults(options({}));
  expect_defaults(options(etcd({})));
  // What a default-made Options says is the same.
  const Options made;
  const Options parsed = options({});
  EXPECT_EQ(made.max_request_bytes, parsed.max_request_bytes);
  EXPECT_EQ(made.max_recv_bytes, parsed.max_recv_bytes);
  EXPECT_EQ(made.max_concurrent_streams, parsed.max_concurrent_streams);
  EXPECT_EQ(made.keepalive_interval, parsed.keepalive_interval);
  EXPECT_EQ(made.connect_timeout, parsed.connect_timeout);
  EXPECT_EQ(made.data_dir, parsed.data_dir);
  EXPECT_EQ(made.balancer, parsed.balancer);
}

// Each of the 39 flags of `etcd grpc-proxy start`, with a value that this release takes.
const Words kAllFlagsOfEtcd = {
    "--listen-addr=0.0.0.0:23791",
    "--metrics-addr=http://127.0.0.1:4001",
    "--endpoints=http://10.0.0.1:2379,https://b:2379",
    "--endpoints-auto-sync-interval=30s",
    "--discovery-srv=example.com",
    "--discovery-srv-name=blue",
    "--insecure-discovery",
    "--dial-keepalive-time=15s",
    "--dial-keepalive-timeout=3s",
    "--permit-without-stream=true",
    "--advertise-client-url=10.0.0.9:23790",
    "--resolver-prefix=",
    "--resolver-ttl=0",
    "--namespace=",
    "--enable-pprof",
    "--data-dir=/var/lib/proxy",
    "--max-send-bytes=1000",
    "--max-recv-bytes=2000",
    "--grpc-keepalive-min-time=1s",
    "--grpc-keepalive-interval=1m",
    "--grpc-keepalive-timeout=1500us",
    "--cert=/c.pem",
    "--key=/k.pem",
    "--cacert=/ca.pem",
    "--insecure-skip-tls-verify",
    "--cert-file=/sc.pem",
    "--key-file=/sk.pem",
    "--trusted-ca-file=/sca.pem",
    "--auto-tls",
    "--client-crl-file=/crl.pem",
    "--listen-cipher-suites=TLS_A,TLS_B",
    "--self-signed-cert-validity=2",
    "--tls-min-version=TLS1.2",
    "--tls-max-version=TLS1.3",
    "--experimental-serializable-ordering=false",
    "--experimental-leasing-prefix=",
    "--experimental-enable-grpc-logging",
    "--debug",
    "--max-concurrent-streams=100",
};

void expect_all_flags(const Options& o) {
  EXPECT_EQ(o.listen_addr, "0.0.0.0:23791");
  EXPECT_EQ(o.listen_addresses.at(0).port, 23791);
  EXPECT_EQ(o.metrics_address->to_string(), "127.0.0.1:4001");
  EXPECT_THAT(o.endpoints, ElementsAre("http://10.0.0.1:2379", "https://b:2379"));
  EXPECT_TRUE(o.endpoints_given);
  EXPECT_EQ(o.endpoints_auto_sync_interval, seconds(30));
  EXPECT_EQ(o.discovery_srv, "example.com");
  EXPECT_EQ(o.discovery_srv_name, "blue");
  EXPECT_TRUE(o.insecure_discovery);
  EXPECT_EQ(o.dial_keepalive_time, seconds(15));
  EXPECT_EQ(o.dial_keepalive_timeout, seconds(3));
  EXPECT_TRUE(o.permit_without_stream);
  EXPECT_EQ(o.advertise_client_url, "10.0.0.9:23790");
  EXPECT_THAT(o.warnings,
              ::testing::Contains(::testing::HasSubstr("--enable-pprof has no effect")));
  EXPECT_EQ(o.data_dir, "/var/lib/proxy");
  EXPECT_EQ(o.max_send_bytes, 1000U);
  EXPECT_EQ(o.max_recv_bytes, 2000U);
  EXPECT_EQ(o.keepalive_min_time, seconds(1));
  EXPECT_EQ(o.keepalive_interval, seconds(60));
  EXPECT_EQ(o.keepalive_timeout, milliseconds(2));  // rounded up
  EXPECT_EQ(o.member_tls.cert_file, "/c.pem");
  EXPECT_EQ(o.member_tls.key_file, "/k.pem");
  EXPECT_EQ(o.member_tls.ca_file, "/ca.pem");
  EXPECT_TRUE(o.member_tls.insecure_skip_verify);
  EXPECT_TRUE(o.tls_unless_stated);
  ASSERT_TRUE(o.client_tls.has_value());
  EXPECT_EQ(o.client_tls->cert_file, "/sc.pem");
  EXPECT_EQ(o.client_tls->key_file, "/sk.pem");
  EXPECT_EQ(o.client_tls->trusted_ca_file, "/sca.pem");
  EXPECT_EQ(o.client_tls->client_auth, tls::ClientAuth::kRequire);
  EXPECT_EQ(o.client_tls->crl_file, "/crl.pem");
  EXPECT_THAT(o.client_tls->cipher_suites, ElementsAre("TLS_A", "TLS_B"));
  EXPECT_EQ(o.client_tls->min_version, "TLS1.2");
  EXPECT_EQ(o.client_tls->max_version, "TLS1.3");
  EXPECT_FALSE(o.auto_tls);  // files win, as in etcd
  EXPECT_EQ(o.self_signed_cert_validity_years, 2U);
  EXPECT_TRUE(o.log_calls);
  EXPECT_EQ(o.log.level, log::Level::kDebug);
  EXPECT_EQ(o.max_concurrent_streams, 100U);
}

TEST(Options, TakeAllFlagsOfEtcdOnBothCommandLines) {
  ASSERT_EQ(kAllFlagsOfEtcd.size(), 39U);
  expect_all_flags(options(kAllFlagsOfEtcd));
  expect_all_flags(options(etcd(kAllFlagsOfEtcd)));
  Words single_dash;
  for (const std::string& flag : kAllFlagsOfEtcd) single_dash.push_back(flag.substr(1));
  expect_all_flags(options(single_dash));
}

TEST(Options, TakeAllFlagsOfEtcdAsVariablesAndFromAFile) {
  Words variables;
  std::string yaml;
  for (const std::string& flag : kAllFlagsOfEtcd) {
    const size_t equals = std::min(flag.find('='), flag.size());
    const std::string name = flag.substr(2, equals - 2);
    const std::string value = equals == flag.size() ? "true" : flag.substr(equals + 1);
    std::string upper = name;
    for (char& c : upper) c = c == '-' ? '_' : static_cast<char>(toupper(c));
    variables.push_back("GATEHOUSE_PROXY_" + upper + "=" + value);
    yaml += name + ": " + value + "\n";
  }
  expect_all_flags(options({}, variables));
  const ConfigFile file(yaml);
  expect_all_flags(options({file.flag()}));
  expect_all_flags(options(etcd({file.flag()})));
}

TEST(Options, TakeWhatProcfilesAndHarnessesPass) {
  // etcd's own Procfile, and the form of its e2e suite.
  const Options o = options(
      etcd({"--endpoints=http://127.0.0.1:2379,http://127.0.0.1:22379,http://127.0.0.1:32379",
            "--listen-addr=127.0.0.1:23790", "--advertise-client-url=127.0.0.1:23790",
            "--enable-pprof"}));
  EXPECT_EQ(o.endpoints.size(), 3U);
  const Options separate = options(etcd({"--endpoints", "a:1", "--endpoints", "b:2,c:3"}));
  EXPECT_THAT(separate.endpoints, ElementsAre("a:1", "b:2", "c:3"));
}

TEST(Options, HaveOurOwnFlags) {
  const Options o = options({"--threads=3", "--balancer=round_robin", "--drain-timeout=0",
                             "--max-request-bytes=3MiB", "--health-check-interval=100ms",
                             "--connect-timeout", "250ms", "--log-level=warn",
                             "--log-format=console", "--log-outputs=stdout,/tmp/proxy.log"});
  EXPECT_EQ(o.threads, 3U);
  EXPECT_EQ(o.balancer, upstream::Balancer::kRoundRobin);
  EXPECT_EQ(o.drain_timeout, seconds(0));
  EXPECT_EQ(o.max_request_bytes, 3U * 1024 * 1024);
  EXPECT_EQ(o.max_receive_bytes(), 3U * 1024 * 1024 + 512 * 1024);
  EXPECT_EQ(o.health_check_interval, milliseconds(100));
  EXPECT_EQ(o.connect_timeout, milliseconds(250));
  EXPECT_EQ(o.log.level, log::Level::kWarn);
  EXPECT_EQ(o.log.format, log::Format::kConsole);
  EXPECT_THAT(o.log.outputs, ElementsAre("stdout", "/tmp/proxy.log"));
  EXPECT_EQ(options({"--debug", "--log-level=error"}).log.level, log::Level::kDebug);
}

TEST(Options, FlagBeatsEnvironmentBeatsFile) {
  const ConfigFile file("threads: 1\nbalancer: round_robin\nendpoints: [f:1]\n");
  const Words variables = {"GATEHOUSE_PROXY_THREADS=2", "GATEHOUSE_PROXY_ENDPOINTS=e:1",
                           "GATEHOUSE_PROXY_CONFIG_FILE=" + file.path()};
  const Options o = options({"--threads=3"}, variables);
  EXPECT_EQ(o.threads, 3U);
  EXPECT_THAT(o.endpoints, ElementsAre("e:1"));
  EXPECT_EQ(o.balancer, upstream::Balancer::kRoundRobin);
  EXPECT_THAT(o.effective, AllOf(Contains(Pair("threads", "3")), Contains(Pair("endpoints", "e:1")),
                                 Contains(Pair("drain-timeout", "10s"))));
}

TEST(Options, TheSubCommandLeavesTheEnvironmentOutAsEtcdDoes) {
  EXPECT_EQ(options(etcd({}), {"GATEHOUSE_PROXY_THREADS=2"}).threads, 0U);
}

TEST(Options, KubernetesVariablesOfAServiceOfThatNameAreWarningsOnly) {
  const Options o = options(
      {}, {"GATEHOUSE_PROXY_PORT=tcp://10.0.0.1:23790", "GATEHOUSE_PROXY_SERVICE_HOST=10.0.0.1"});
  EXPECT_EQ(o.warnings.size(), 2U);
}

TEST(Options, ListenOnSeveralAddressesAndUnixSockets) {
  const Options o = options({"--listen-addr=127.0.0.1:1,[::1]:2,unix:///run/p.sock,:0,:0"});
  ASSERT_EQ(o.listen_addresses.size(), 5U);
  EXPECT_EQ(o.listen_addresses[1].host, "::1");
  EXPECT_EQ(o.listen_addresses[2].kind, net::Address::Kind::kUnix);
  EXPECT_EQ(o.listen_addresses[2].path, "/run/p.sock");
  EXPECT_EQ(o.listen_addr, "127.0.0.1:1,[::1]:2,unix:///run/p.sock,:0,:0");
  EXPECT_EQ(failure({"--listen-addr=a:1,a:1"}), "--listen-addr names a:1 twice");
  EXPECT_EQ(failure({"--listen-addr=unix:/a,unix:/a"}), "--listen-addr names unix:/a twice");
  EXPECT_EQ(failure({"--listen-addr="}), "--listen-addr names no address");
  EXPECT_EQ(failure({"--listen-addr=localhost"}),
            "--listen-addr: address \"localhost\": missing port");
  EXPECT_EQ(failure({"--listen-addr=a:1,,b:2"}), "--listen-addr: address \"\": is empty");
}

TEST(Options, EndpointsMayHaveAnyFormThatEtcdsClientTakes) {
  const Options o =
      options({"--endpoints=a:1,http://b:2,https://c:3,unix:///run/m.sock,[::1]:2379"});
  EXPECT_EQ(o.endpoints.size(), 5U);
  EXPECT_FALSE(o.tls_unless_stated);  // an https:// endpoint needs no file: the system's roots
  EXPECT_EQ(failure({"--endpoints="}), "--endpoints names no member");
  EXPECT_EQ(failure({"--endpoints=a:1,a:1"}), "--endpoints names a:1 twice");
  EXPECT_EQ(failure({"--endpoints=ftp://a:1"}),
            "--endpoints: address \"ftp://a:1\": unknown scheme (http, https, unix or unixs)");
  EXPECT_EQ(failure({"--endpoints=:2379"}), "--endpoints: \":2379\" needs a host and a port");
  EXPECT_EQ(failure({"--endpoints=a:0"}), "--endpoints: \"a:0\" needs a host and a port");
}

TEST(Options, TlsFilesOrSkippingVerificationMeanTlsForEndpointsThatDoNotSay) {
  EXPECT_TRUE(options({"--cacert=/ca"}).tls_unless_stated);
  EXPECT_TRUE(options({"--cert=/c", "--key=/k"}).tls_unless_stated);
  EXPECT_TRUE(options({"--insecure-skip-tls-verify"}).tls_unless_stated);
}

TEST(Options, ACertificateAndItsKeyGoTogether) {
  const std::string because = ": a certificate and its key go together";
  EXPECT_EQ(failure({"--cert=/c"}), "--cert needs --key" + because);
  EXPECT_EQ(failure({"--key=/k"}), "--key needs --cert" + because);
  EXPECT_EQ(failure({"--cert-file=/c"}), "--cert-file needs --key-file" + because);
  EXPECT_EQ(failure({"--key-file=/k"}), "--key-file needs --cert-file" + because);
  EXPECT_THAT(ending({"--cert=/c"}).text, HasSubstr("\nRun 'gatehouse-proxy --help' for usage.\n"));
}

TEST(Options, ServeWithTlsIfThereIsACertificateOrOneIsToBeMade) {
  const Words files = {"--cert-file=/c", "--key-file=/k"};
  const auto with = [&](Words more) {
    more.insert(more.end(), files.begin(), files.end());
    return more;
  };
  EXPECT_EQ(options(files).client_tls->client_auth, tls::ClientAuth::kNone);
  EXPECT_EQ(options(with({"--trusted-ca-file=/ca"})).client_tls->client_auth,
            tls::ClientAuth::kRequire);
  EXPECT_EQ(options(with({"--trusted-ca-file=/ca", "--client-cert-auth"})).client_tls->client_auth,
            tls::ClientAuth::kRequire);
  const Options contradiction =
      options(with({"--trusted-ca-file=/ca", "--client-cert-auth=false"}));
  EXPECT_EQ(contradiction.client_tls->client_auth, tls::ClientAuth::kRequire);
  EXPECT_THAT(contradiction.warnings,
              ElementsAre("--client-cert-auth=false has no effect beside --trusted-ca-file"));

  const Options made_up = options({"--auto-tls"});
  EXPECT_TRUE(made_up.auto_tls);
  EXPECT_EQ(made_up.client_tls->cert_file, "");
  EXPECT_EQ(options({"--auto-tls", "--trusted-ca-file=/ca"}).client_tls->client_auth,
            tls::ClientAuth::kRequire);

  EXPECT_EQ(failure({"--client-cert-auth"}), "--client-cert-auth needs --trusted-ca-file");
  EXPECT_EQ(failure(with({"--client-crl-file=/l"})), "--client-crl-file needs --trusted-ca-file");
  EXPECT_THAT(failure({"--trusted-ca-file=/ca"}),
              StartsWith("--trusted-ca-file needs --cert-file and --key-file, or --auto-tls"));
  EXPECT_EQ(failure({"--listen-addr=https://a:1"}),
            "--listen-addr https://a:1 needs --cert-file and --key-file, or --auto-tls");
  EXPECT_EQ(failure({"--metrics-addr=https://a:1"}),
            "--metrics-addr https://a:1 needs --cert-file and --key-file, or --auto-tls");
  EXPECT_TRUE(options(with({"--listen-addr=https://a:1"})).listen_addresses[0].tls());
}

TEST(Options, RefuseWhatThisReleaseCannotHonour) {
  for (const auto* flag :
       {"--namespace=/a/", "--resolver-prefix=/r", "--resolver-ttl=60",
        "--experimental-leasing-prefix=/l", "--experimental-serializable-ordering"}) {
    const std::string name = std::string(flag).substr(0, std::string(flag).find('='));
    const auto refused = StartsWith(name + " is not supported by this release: ");
    EXPECT_THAT(failure({flag}), refused);
    EXPECT_THAT(failure(etcd({flag})), refused);
  }
  EXPECT_THAT(failure({}, {"GATEHOUSE_PROXY_NAMESPACE=/a/"}),
              StartsWith("GATEHOUSE_PROXY_NAMESPACE is not supported by this release: "));
  const ConfigFile file("namespace: /a/\n");
  EXPECT_THAT(failure({file.flag()}),
              StartsWith(file.path() + ":1: namespace is not supported by this release: "));
}

TEST(Options, RefuseValuesOutOfRange) {
  for (const auto* flag :
       {"--threads=257", "--max-request-bytes=0", "--max-request-bytes=2GiB", "--max-send-bytes=0",
        "--max-recv-bytes=2147483648", "--max-concurrent-streams=0", "--drain-timeout=-1s",
        "--connect-timeout=0", "--health-check-interval=0", "--grpc-keepalive-timeout=0",
        "--self-signed-cert-validity=0", "--balancer=random", "--log-level=loud",
        "--log-format=xml", "--tls-min-version=TLS1.1", "--tls-max-version=SSLv3"}) {
    const config::Exit plain = ending({flag});
    EXPECT_EQ(plain.code, 2) << flag;
    EXPECT_THAT(plain.text, StartsWith("invalid value ")) << flag;
    const config::Exit cobra = ending(etcd({flag}));
    EXPECT_EQ(cobra.code, 1) << flag;
    EXPECT_THAT(cobra.text, StartsWith("Error: invalid argument ")) << flag;
  }
  EXPECT_EQ(failure({"--log-outputs="}), "--log-outputs names no output");
  EXPECT_THAT(failure({"--advertise-client-url=nonsense"}), StartsWith("--advertise-client-url: "));
  EXPECT_EQ(options({"--advertise-client-url="}).advertise_client_url, "");
}

TEST(Options, UnknownFlagsEndAsEtcdEnds) {
  const config::Exit plain = ending({"-xyz"});
  EXPECT_EQ(plain.code, 2);
  EXPECT_THAT(plain.text, StartsWith("flag provided but not defined: -xyz\n"));
  EXPECT_THAT(plain.text, HasSubstr("Usage:\n  gatehouse-proxy [flags]\n"));
  const config::Exit cobra = ending(etcd({"--xyz"}));
  EXPECT_EQ(cobra.code, 1);
  EXPECT_THAT(cobra.text, StartsWith("Error: unknown flag: --xyz\n"));
  EXPECT_THAT(cobra.text, HasSubstr("Usage:\n  gatehouse-proxy grpc-proxy start [flags]\n"));
  EXPECT_EQ(failure({"serve"}), "\"serve\" is not a valid flag");
}

TEST(Options, PrintTheVersion) {
  const config::Exit exit = ending({"--version"}, {"GATEHOUSE_PROXY_THREADS=nonsense"});
  EXPECT_EQ(exit.code, 0);
  EXPECT_FALSE(exit.to_stderr);
  EXPECT_THAT(exit.text,
              testing::MatchesRegex("gatehouse-proxy Version: " + std::string(gatehouse::kVersion) +
                                    "\nGit SHA: [0-9a-z]+\nCompiler: .+\nOS/Arch: "
                                    "[a-z]+/[a-z0-9_]+\n"));
  // In the file or the environment it would be an odd wish.
  EXPECT_EQ(options({}, {"GATEHOUSE_PROXY_VERSION=true"}).warnings.size(), 1U);
}

TEST(Options, PrintTheHelp) {
  for (const Words& words : std::vector<Words>{{"--help"}, {"-h"}, {"-help"}}) {
    const config::Exit exit = ending(words);
    EXPECT_EQ(exit.code, 0);
    EXPECT_FALSE(exit.to_stderr);
    EXPECT_THAT(exit.text, AllOf(HasSubstr("  --endpoints list "), HasSubstr("  --version "),
                                 HasSubstr("GATEHOUSE_PROXY_")));
  }
  for (const Words& words : std::vector<Words>{
           {"grpc-proxy"}, {"grpc-proxy", "--help"}, {"grpc-proxy", "-h"}, etcd({"--help"})}) {
    const config::Exit exit = ending(words);
    EXPECT_EQ(exit.code, 0);
    EXPECT_THAT(exit.text, AllOf(HasSubstr("gatehouse-proxy grpc-proxy start [flags]"),
                                 Not(HasSubstr("GATEHOUSE_PROXY_"))));
  }
}

TEST(Options, OtherCommandsAreRefused) {
  for (const Words& words :
       std::vector<Words>{{"gateway"}, {"gateway", "start", "--endpoints=a:1"}}) {
    EXPECT_THAT(failure(words),
                StartsWith("Error: gatehouse-proxy gateway is not supported by this release: "));
  }
  EXPECT_EQ(failure({"grpc-proxy", "stop"}),
            "Error: unknown command \"stop\" for \"gatehouse-proxy grpc-proxy\"");
}

}  // namespace
}  // namespace gatehouse::proxy

// Configuration files: etcd's keys and units.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "member/option_table.h"
#include "tests/member/options/parsing.h"

namespace gatehouse::member {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::StartsWith;

Options from_file(const std::string& text, Words words = {}, const Words& environment = {}) {
  const ConfigFile file(text);
  words.push_back(file.flag());
  return options(words, environment);
}
config::Exit failure(const std::string& text) {
  const ConfigFile file(text);
  return ending({file.flag()});
}

// All keys of the sample that comes with etcd, those of older releases too, with its values.
TEST(ConfigFiles, HaveTheKeysOfEtcdsSample) {
  const std::string sample = R"(# sample
name: 'default'
data-dir:
wal-dir:
snapshot-count: 10000
heartbeat-interval: 100
election-timeout: 1000
quota-backend-bytes: 0
listen-peer-urls: http://localhost:2380
listen-client-urls: http://localhost:2379
max-snapshots: 5
max-wals: 5
cors:
initial-advertise-peer-urls: http://localhost:2380
advertise-client-urls: http://localhost:2379
discovery:
discovery-fallback: 'proxy'
discovery-proxy:
discovery-srv:
initial-cluster:
initial-cluster-token: 'etcd-cluster'
initial-cluster-state: 'new'
strict-reconfig-check: false
enable-pprof: true
proxy: 'off'
proxy-failure-wait: 5000
proxy-refresh-interval: 30000
proxy-dial-timeout: 1000
proxy-write-timeout: 5000
proxy-read-timeout: 0
client-transport-security:
  cert-file:
  key-file:
  client-cert-auth: false
  trusted-ca-file:
  auto-tls: false
peer-transport-security:
  cert-file:
  key-file:
  client-cert-auth: false
  trusted-ca-file:
  auto-tls: false
self-signed-cert-validity: 1
log-level: debug
logger: zap
log-outputs: [stderr]
force-new-cluster: false
auto-compaction-mode: periodic
auto-compaction-retention: "1"
cipher-suites: [
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
]
tls-min-version: 'TLS1.2'
tls-max-version: 'TLS1.3'
)";
  const Options o = from_file(sample);
  EXPECT_EQ(o.data_dir, "default.etcd");
  EXPECT_EQ(o.initial_cluster, "default=http://localhost:2380");
  EXPECT_FALSE(o.strict_reconfig_check);
  EXPECT_EQ(o.log.level, log::Level::kDebug);
  EXPECT_EQ(o.auto_compaction.period, hours(1));
  EXPECT_THAT(o.cors, ElementsAre("*"));
  EXPECT_THAT(o.warnings, Contains(HasSubstr("discovery-fallback: unknown key, ignored")));
  EXPECT_THAT(o.not_effective, ElementsAre(StartsWith("--enable-pprof")));
  // JSON is YAML.
  EXPECT_EQ(from_file(R"({"name": "x", "snapshot-count": 7})").snapshot_count, 7U);
}

TEST(ConfigFiles, HoldDurationsInNanoseconds) {
  const Options o = from_file(
      "backend-batch-interval: 5000000\n"
      "grpc-keepalive-interval: 600000000000\n"
      "corrupt-check-time: 1\n"
      "heartbeat-interval: 50\n"
      "election-timeout: 500\n"
      "watch-progress-notify-interval: 0\n");
  EXPECT_EQ(o.backend_batch_interval, milliseconds(5));
  EXPECT_EQ(o.keepalive_interval, seconds(600));
  EXPECT_EQ(o.corrupt_check_interval, milliseconds(1));
  EXPECT_EQ(o.heartbeat_interval, milliseconds(50));
  EXPECT_EQ(o.election_timeout, milliseconds(500));
  EXPECT_EQ(o.watch_progress_interval, kDefaultProgressInterval);
}

TEST(ConfigFiles, NestSecurityAndSockets) {
  const Options o = from_file(
      "name: m\n"
      "listen-client-urls: https://127.0.0.1:1,https://127.0.0.1:2\n"
      "listen-peer-urls: https://127.0.0.1:3\n"
      "client-transport-security: {cert-file: c, key-file: k, trusted-ca-file: ca,"
      " client-cert-auth: true, allowed-hostname: [a, b], client-cert-file: cc,"
      " client-key-file: ck}\n"
      "peer-transport-security: {cert-file: pc, key-file: pk, allowed-cn: [x],"
      " client-cert-auth: true, skip-client-san-verification: true}\n"
      "socket-options: {reuse-port: true, reuse-address: true}\n"
      "feature-gates: LeaseCheckpoint=true,LeaseCheckpointPersist=true\n"
      "cors: http://a:1,http://b:1\n"
      "host-whitelist: h\n"
      "self-signed-cert-validity: 0\n");
  EXPECT_EQ(o.client_tls.server->cert_file, "c");
  EXPECT_THAT(o.client_tls.server->allowed_hostname, ElementsAre("a", "b"));
  EXPECT_EQ(o.client_tls.client_key_file, "ck");
  EXPECT_EQ(o.peer_tls.server->key_file, "pk");
  EXPECT_THAT(o.peer_tls.server->allowed_cn, ElementsAre("x"));
  EXPECT_TRUE(o.peer_skip_client_san_verification);
  EXPECT_TRUE(o.socket_reuse_port);
  EXPECT_TRUE(o.socket_reuse_address);
  EXPECT_TRUE(o.gates.lease_checkpoint_persist);
  EXPECT_THAT(o.cors, ElementsAre("http://a:1", "http://b:1"));
  EXPECT_THAT(o.host_whitelist, ElementsAre("h"));
  EXPECT_EQ(o.self_signed_cert_validity_years, 1U);
  EXPECT_EQ(o.listen_client_urls.size(), 2U);
  // Unlike a command line, a file without advertised URLs has the default ones.
  EXPECT_THAT(url_texts(o.advertise_client_urls), ElementsAre("http://localhost:2379"));
  EXPECT_EQ(o.initial_cluster, "m=http://localhost:2380");
}

TEST(ConfigFiles, ExcludeFlagsAndVariables) {
  const Options o =
      from_file("snapshot-count: 7\n", {"--name=flag"}, {"ETCD_MAX_WALS=x", "ETCD_NAME=variable"});
  EXPECT_EQ(o.name, "default");
  EXPECT_EQ(o.snapshot_count, 7U);
  EXPECT_THAT(o.warnings, Contains("--name is ignored, because a configuration file is given"));
  EXPECT_THAT(o.warnings, Contains("ETCD_NAME is ignored, because a configuration file is given"));
  const ConfigFile file("name: x\n");
  EXPECT_EQ(options({}, {"ETCD_CONFIG_FILE=" + file.path()}).name, "x");
  // A flag that does not parse is an error all the same.
  EXPECT_EQ(ending({file.flag(), "--snapshot-count=x"}).code, 2);
}

TEST(ConfigFiles, KnowEachOptionThatHasAKey) {
  for (const config::Option& option : option_schema().options) {
    if (option.key == config::kNoKey || option.type == config::Type::kList) continue;
    std::string text = option.default_text;
    if (text.empty() && option.type == config::Type::kBool) text = "false";
    if (text.empty() && option.type != config::Type::kString) text = "0";
    const std::string key = option.key.empty() ? option.name : option.key;
    std::string yaml;
    size_t depth = 0, start = 0;
    for (size_t dot = key.find('.'); dot != std::string::npos; dot = key.find('.', start)) {
      yaml += std::string(depth++, ' ') + key.substr(start, dot - start) + ":\n";
      start = dot + 1;
    }
    yaml += std::string(depth, ' ') + key.substr(start) + ": '" + text + "'\n";
    SCOPED_TRACE(yaml);
    EXPECT_THAT(from_file(yaml).warnings, Not(Contains(HasSubstr("unknown key"))));
  }
}

TEST(ConfigFiles, AreRefusedWithFileLineAndKey) {
  for (const auto& [text, message] : std::vector<std::pair<std::string, std::string>>{
           {"name: x\nsnapshot-count: many\n", ":2: snapshot-count: invalid value \"many\""},
           {"listen-peer-urls: foo\n", ":1: listen-peer-urls: invalid value \"foo\": URL scheme"},
           {"initial-cluster-state: foo\n", ":1: initial-cluster-state: invalid value \"foo\""},
           {"client-transport-security: x\n", ":1: client-transport-security: expected a mapping"},
           {"feature-gates: Foo=true\n",
            ":1: feature-gates: invalid value \"Foo=true\": "
            "unrecognized feature gate: Foo"},
           {"proxy: on\n", ":1: proxy is not supported: the v2 proxy is gone"},
           {"discovery: http://d\n", ":1: discovery is not supported: v2 discovery is gone"},
           {"name: [\n", ":"},
           {"election-timeout: 100\n", "--election-timeout[100ms] should be at least as 5 times"},
           {"listen-client-urls: http://example.com:1\n", "expected IP in URL for binding"},
       }) {
    SCOPED_TRACE(text);
    const config::Exit exit = failure(text);
    EXPECT_EQ(exit.code, 1);
    EXPECT_THAT(first_line(exit), HasSubstr(message));
  }
}

}  // namespace
}  // namespace gatehouse::member

// What flags and variables mean.
#include "member/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "member/legacy_options.h"
#include "member/not_effective.h"
#include "member/option_table.h"
#include "tests/member/options/parsing.h"

namespace gatehouse::member {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

TEST(Options, HaveEtcdsDefaults) {
  const Options o = options({});
  EXPECT_EQ(o.name, "default");
  EXPECT_EQ(o.data_dir, "default.etcd");
  EXPECT_EQ(o.wal_dir, "");
  EXPECT_THAT(url_texts(o.listen_peer_urls), ElementsAre("http://localhost:2380"));
  EXPECT_THAT(url_texts(o.listen_client_urls), ElementsAre("http://localhost:2379"));
  EXPECT_THAT(o.listen_client_http_urls, IsEmpty());
  EXPECT_THAT(o.listen_metrics_urls, IsEmpty());
  EXPECT_THAT(url_texts(o.initial_advertise_peer_urls), ElementsAre("http://localhost:2380"));
  EXPECT_THAT(url_texts(o.advertise_client_urls), ElementsAre("http://localhost:2379"));
  EXPECT_EQ(o.initial_cluster, "default=http://localhost:2380");
  EXPECT_THAT(o.initial_members, ElementsAre(Key("default")));
  EXPECT_EQ(o.election_ticks(), 10);
  EXPECT_EQ(o.auto_compaction.mode, Options::AutoCompaction::Mode::kPeriodic);
  EXPECT_EQ(o.auto_compaction.period.count(), 0);
  EXPECT_EQ(o.gates, FeatureGates());
  EXPECT_FALSE(o.client_tls.server.has_value());
  EXPECT_FALSE(o.peer_tls.server.has_value());
  EXPECT_FALSE(o.client_tls.auto_tls);
  EXPECT_THAT(o.log.outputs, ElementsAre("default"));
  EXPECT_EQ(o.log.level, log::Level::kInfo);
  EXPECT_EQ(o.log.format, log::Format::kJson);
  EXPECT_THAT(o.not_effective, IsEmpty());
  EXPECT_THAT(o.warnings, ElementsAre(StartsWith("it isn't recommended to use default name"),
                                      "'data-dir' was empty; using default default.etcd"));
}

TEST(Options, AreTheDefaultsOfTheStructToo) {
  const Options made, parsed = options({});
  EXPECT_EQ(made.name, parsed.name);
  EXPECT_EQ(made.data_dir, parsed.data_dir);
  EXPECT_EQ(made.snapshot_count, parsed.snapshot_count);
  EXPECT_EQ(made.snapshot_catchup_entries, parsed.snapshot_catchup_entries);
  EXPECT_EQ(made.max_snapshots, parsed.max_snapshots);
  EXPECT_EQ(made.max_wals, parsed.max_wals);
  EXPECT_EQ(made.heartbeat_interval, parsed.heartbeat_interval);
  EXPECT_EQ(made.election_timeout, parsed.election_timeout);
  EXPECT_EQ(made.initial_election_tick_advance, parsed.initial_election_tick_advance);
  EXPECT_EQ(made.pre_vote, parsed.pre_vote);
  EXPECT_EQ(made.max_learners, parsed.max_learners);
  EXPECT_EQ(made.strict_reconfig_check, parsed.strict_reconfig_check);
  EXPECT_EQ(made.new_cluster, parsed.new_cluster);
  EXPECT_EQ(made.initial_cluster_token, parsed.initial_cluster_token);
  EXPECT_EQ(made.quota_backend_bytes, parsed.quota_backend_bytes);
  EXPECT_EQ(made.backend_batch_interval, parsed.backend_batch_interval);
  EXPECT_EQ(made.backend_batch_limit, parsed.backend_batch_limit);
  EXPECT_EQ(made.compaction_batch_limit, parsed.compaction_batch_limit);
  EXPECT_EQ(made.compaction_sleep_interval, parsed.compaction_sleep_interval);
  EXPECT_EQ(made.max_txn_ops, parsed.max_txn_ops);
  EXPECT_EQ(made.max_request_bytes, parsed.max_request_bytes);
  EXPECT_EQ(made.max_concurrent_streams, parsed.max_concurrent_streams);
  EXPECT_EQ(made.keepalive_min_time, parsed.keepalive_min_time);
  EXPECT_EQ(made.keepalive_interval, parsed.keepalive_interval);
  EXPECT_EQ(made.keepalive_timeout, parsed.keepalive_timeout);
  EXPECT_EQ(made.raft_read_timeout, parsed.raft_read_timeout);
  EXPECT_EQ(made.raft_write_timeout, parsed.raft_write_timeout);
  EXPECT_EQ(made.watch_progress_interval, parsed.watch_progress_interval);
  EXPECT_EQ(made.enable_grpc_gateway, parsed.enable_grpc_gateway);
  EXPECT_EQ(made.corrupt_check_interval, parsed.corrupt_check_interval);
  EXPECT_EQ(made.compact_hash_check_interval, parsed.compact_hash_check_interval);
  EXPECT_EQ(made.downgrade_check_interval, parsed.downgrade_check_interval);
  EXPECT_EQ(made.warning_apply_duration, parsed.warning_apply_duration);
  EXPECT_EQ(made.warning_unary_request_duration, parsed.warning_unary_request_duration);
  EXPECT_EQ(made.self_signed_cert_validity_years, parsed.self_signed_cert_validity_years);
  EXPECT_EQ(made.cors, parsed.cors);
  EXPECT_EQ(made.host_whitelist, parsed.host_whitelist);
  EXPECT_EQ(made.bcrypt_cost, parsed.bcrypt_cost);
  EXPECT_EQ(made.auth_token_ttl, parsed.auth_token_ttl);
  EXPECT_EQ(made.extensive_metrics, parsed.extensive_metrics);
}

// Every flag there is, with its own default: as two words, as one, with one dash, as a variable.
TEST(Options, EachIsTakenByFlagAndVariable) {
  const config::Schema schema = option_schema();
  EXPECT_GT(schema.options.size(), 160U);
  for (const config::Option& option : schema.options) {
    if (option.name == "version") continue;
    std::string text = option.default_text;
    const bool number =
        option.type == config::Type::kInt64 || option.type == config::Type::kUint64 ||
        option.type == config::Type::kUint32 || option.type == config::Type::kDuration;
    if (text.empty() && number) text = "0";
    if (text.empty() && option.type == config::Type::kBool) text = "false";
    SCOPED_TRACE(option.name + "=" + text);
    Words more;
    if (option.name == "listen-client-urls") more = {"--advertise-client-urls=http://a:1"};
    const auto with = [&](Words words) {
      words.insert(words.end(), more.begin(), more.end());
      return words;
    };
    // An empty list of outputs or suites is one empty name; see the refusals.
    if (option.name == "cipher-suites") continue;
    options(with({"--" + option.name + "=" + text}));
    options(with({"-" + option.name + "=" + text}));
    if (option.type != config::Type::kBool && !option.value_optional) {
      options(with({"--" + option.name, text}));
      options(with({"-" + option.name, text}));
    }
    std::string variable = "ETCD_" + option.name;
    std::transform(variable.begin(), variable.end(), variable.begin(), [](unsigned char c) {
      return c == '-' ? '_' : static_cast<char>(std::toupper(c));
    });
    options(more, {variable + "=" + text});
  }
}

TEST(Options, OfAProcfileOfEtcd) {
  const Options o =
      options({"--name", "infra1", "--listen-client-urls", "http://127.0.0.1:2379",
               "--advertise-client-urls", "http://127.0.0.1:2379", "--listen-peer-urls",
               "http://127.0.0.1:12380", "--initial-advertise-peer-urls", "http://127.0.0.1:12380",
               "--initial-cluster-token", "etcd-cluster-1", "--initial-cluster",
               "infra1=http://127.0.0.1:12380,infra2=http://127.0.0.1:22380,infra1=https://[::1]:1",
               "--initial-cluster-state", "existing", "--enable-pprof", "--logger=zap",
               "--log-outputs=stderr"});
  EXPECT_EQ(o.name, "infra1");
  EXPECT_EQ(o.data_dir, "infra1.etcd");
  EXPECT_EQ(o.initial_cluster_token, "etcd-cluster-1");
  EXPECT_FALSE(o.new_cluster);
  ASSERT_THAT(o.initial_members, ElementsAre(Key("infra1"), Key("infra2")));
  EXPECT_THAT(url_texts(o.initial_members.at("infra1")),
              ElementsAre("http://127.0.0.1:12380", "https://[::1]:1"));
  EXPECT_THAT(o.log.outputs, ElementsAre("stderr"));
  EXPECT_THAT(o.not_effective, ElementsAre(StartsWith("--enable-pprof is not supported")));
  EXPECT_THAT(o.effective, Contains(Pair("name", "infra1")));
}

TEST(Options, OfTheEnvironmentOfAnImage) {
  const Options o = options({}, {"ETCD_NAME=a", "ETCD_DATA_DIR=/data", "ETCD_SNAPSHOT_COUNT=0",
                                 "ETCD_LISTEN_CLIENT_URLS=http://0.0.0.0:2379",
                                 "ETCD_ADVERTISE_CLIENT_URLS=http://a:2379", "ETCD_PRE_VOTE=f",
                                 "ETCD_VERSION=3.4", "ETCD_PORT_2379_TCP=tcp://10.0.0.1:2379",
                                 "ETCD_WAL_DIR=", "ALLOW_NONE_AUTHENTICATION=yes", "ETCD_V=x"});
  EXPECT_EQ(o.name, "a");
  EXPECT_EQ(o.data_dir, "/data");
  EXPECT_EQ(o.snapshot_count, kDefaultSnapshotCount);
  EXPECT_FALSE(o.pre_vote);
  EXPECT_THAT(o.warnings, ElementsAre("unrecognized environment variable "
                                      "ETCD_PORT_2379_TCP=tcp://10.0.0.1:2379",
                                      "cannot set special environment variable ETCD_VERSION=3.4"));
}

TEST(Options, AMemberThatSaysItsNameOnlyStartsAClusterOfItsOwn) {
  EXPECT_EQ(options({"--name=x"}).initial_cluster, "x=http://localhost:2380");
  EXPECT_EQ(
      options({"--name=x", "--initial-advertise-peer-urls=http://b:1,http://a:1"}).initial_cluster,
      "x=http://a:1,x=http://b:1");
  EXPECT_EQ(options({"--name=x", "--initial-cluster=y=http://a:1"}).initial_cluster,
            "y=http://a:1");
  // The default name does not follow, as in etcd.
  EXPECT_EQ(options({"--initial-advertise-peer-urls=http://b:1"}).initial_cluster,
            "default=http://localhost:2380");
  EXPECT_THAT(options({"--initial-cluster="}).initial_members, IsEmpty());
  EXPECT_THAT(options({"--initial-cluster=,a=http://h:1,"}).initial_members, ElementsAre(Key("a")));
}

TEST(Options, UrlListsAreSortedAndUnique) {
  const Options o = options(
      {"--listen-client-urls=http://127.0.0.1:2, http://127.0.0.1:1,"
       "http://127.0.0.1:2,unix:///run/x",
       "--advertise-client-urls=http://z:1,http://y:1", "--listen-metrics-urls=http://[::]:9"});
  EXPECT_THAT(url_texts(o.listen_client_urls),
              ElementsAre("http://127.0.0.1:1", "http://127.0.0.1:2", "unix:///run/x"));
  EXPECT_THAT(url_texts(o.advertise_client_urls), ElementsAre("http://y:1", "http://z:1"));
  EXPECT_THAT(url_texts(o.listen_metrics_urls), ElementsAre("http://[::]:9"));
  // Nothing is the default.
  EXPECT_THAT(url_texts(options({"--listen-peer-urls="}).listen_peer_urls),
              ElementsAre("http://localhost:2380"));
}

TEST(Options, NumbersAndDurations) {
  const Options o = options({"--snapshot-count=0x10",
                             "--snapshot-catchup-entries=1_0",
                             "--election-timeout=50000",
                             "--heartbeat-interval=10000",
                             "--quota-backend-bytes=-1",
                             "--backend-batch-interval=50us",
                             "--backend-batch-limit=7",
                             "--max-txn-ops=0",
                             "--max-request-bytes=20000000",
                             "--grpc-keepalive-min-time=-1s",
                             "--grpc-keepalive-interval=0",
                             "--grpc-keepalive-timeout=1m",
                             "--raft-read-timeout=1s",
                             "--raft-write-timeout=6s",
                             "--watch-progress-notify-interval=50ms",
                             "--corrupt-check-time=4h",
                             "--compact-hash-check-time=1ns",
                             "--downgrade-check-time=0",
                             "--warning-apply-duration=0",
                             "--warning-unary-request-duration=0",
                             "--compaction-batch-limit=1",
                             "--compaction-sleep-interval=1s",
                             "--bootstrap-defrag-threshold-megabytes=9",
                             "--max-learners=0",
                             "--max-concurrent-streams=5",
                             "--max-wals=0",
                             "--max-snapshots=3"});
  EXPECT_EQ(o.snapshot_count, 16U);
  EXPECT_EQ(o.snapshot_catchup_entries, 10U);
  EXPECT_EQ(o.election_ticks(), 5);
  EXPECT_LT(o.quota_backend_bytes, 0);
  EXPECT_EQ(o.backend_batch_interval, milliseconds(1));
  EXPECT_EQ(o.backend_batch_limit, 7);
  EXPECT_EQ(o.max_txn_ops, 0U);
  EXPECT_EQ(o.max_request_bytes, 20'000'000U);
  EXPECT_EQ(o.keepalive_min_time, seconds(0));
  EXPECT_EQ(o.keepalive_interval, seconds(0));
  EXPECT_EQ(o.keepalive_timeout, minutes(1));
  EXPECT_EQ(o.raft_read_timeout, seconds(5));
  EXPECT_EQ(o.raft_write_timeout, seconds(6));
  EXPECT_EQ(o.watch_progress_interval, milliseconds(50));
  EXPECT_EQ(o.corrupt_check_interval, hours(4));
  EXPECT_EQ(o.compact_hash_check_interval, milliseconds(1));
  EXPECT_EQ(o.downgrade_check_interval, seconds(0));
  EXPECT_EQ(o.warning_apply_duration, seconds(0));
  EXPECT_EQ(o.warning_unary_request_duration, milliseconds(300));
  EXPECT_EQ(o.compaction_batch_limit, 1);
  EXPECT_EQ(o.compaction_sleep_interval, seconds(1));
  EXPECT_EQ(o.bootstrap_defrag_threshold_megabytes, 9U);
  EXPECT_EQ(o.max_learners, 0);
  EXPECT_EQ(o.max_concurrent_streams, 5U);
  EXPECT_THAT(o.warnings, Contains("raft-read-timeout increased to minimum value: 5s"));
  EXPECT_THAT(o.warnings, Not(Contains(HasSubstr("raft-write-timeout"))));
  EXPECT_THAT(o.warnings, Contains(StartsWith("exceeded recommended request limit")));
  EXPECT_THAT(o.warnings, Contains("--max-snapshots is deprecated in 3.6 and will be "
                                   "decommissioned in 3.8."));
}

TEST(Options, AutoCompaction) {
  using Mode = Options::AutoCompaction::Mode;
  const auto compaction = [](const std::string& mode, const std::string& retention) {
    return options({"--auto-compaction-mode=" + mode, "--auto-compaction-retention=" + retention})
        .auto_compaction;
  };
  EXPECT_EQ(compaction("periodic", "3").period, hours(3));
  EXPECT_EQ(compaction("periodic", "010").period, hours(10));
  EXPECT_EQ(compaction("periodic", "00").period, hours(0));
  EXPECT_EQ(compaction("periodic", "").period, hours(0));
  EXPECT_EQ(compaction("periodic", "90s").period, seconds(90));
  EXPECT_EQ(compaction("periodic", "2562047").period, hours(2562047));
  EXPECT_EQ(compaction("revision", "1000").mode, Mode::kRevision);
  EXPECT_EQ(compaction("revision", "1000").revisions, 1000);
  EXPECT_EQ(compaction("revision", "1us").revisions, 1000);
  EXPECT_EQ(ending({"--auto-compaction-retention=2562048"}).code, 1);
}

TEST(Options, TlsTowardsClients) {
  const Words listen = {"--listen-client-urls=https://127.0.0.1:1",
                        "--advertise-client-urls=https://a:1"};
  const auto with = [&](Words words) {
    words.insert(words.end(), listen.begin(), listen.end());
    return options(words);
  };
  Options o =
      with({"--cert-file=c", "--key-file=k", "--trusted-ca-file=ca", "--client-crl-file=crl",
            "--client-cert-allowed-hostname=a,b",
            "--cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "--tls-max-version=TLS1.2",
            "--client-cert-file=cc", "--client-key-file=ck", "--auto-tls"});
  ASSERT_TRUE(o.client_tls.server.has_value());
  EXPECT_EQ(o.client_tls.server->cert_file, "c");
  EXPECT_EQ(o.client_tls.server->key_file, "k");
  EXPECT_EQ(o.client_tls.server->trusted_ca_file, "ca");
  EXPECT_EQ(o.client_tls.server->client_auth, tls::ClientAuth::kRequire);
  EXPECT_EQ(o.client_tls.server->crl_file, "crl");
  EXPECT_THAT(o.client_tls.server->allowed_hostname, ElementsAre("a", "b"));
  EXPECT_THAT(o.client_tls.server->cipher_suites,
              ElementsAre("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
  EXPECT_EQ(o.client_tls.server->max_version, "TLS1.2");
  EXPECT_EQ(o.client_tls.client_cert_file, "cc");
  EXPECT_FALSE(o.client_tls.auto_tls);  // files win
  EXPECT_FALSE(o.peer_tls.server.has_value());

  o = with({"--auto-tls", "--self-signed-cert-validity=3"});
  ASSERT_TRUE(o.client_tls.server.has_value());
  EXPECT_TRUE(o.client_tls.auto_tls);
  EXPECT_EQ(o.client_tls.server->client_auth, tls::ClientAuth::kNone);
  EXPECT_EQ(o.self_signed_cert_validity_years, 3U);

  // In clear text the files mean nothing, but somebody meant them.
  o = options({"--cert-file=c", "--client-cert-auth"});
  EXPECT_FALSE(o.client_tls.server.has_value());
  EXPECT_THAT(o.warnings, Contains(StartsWith("scheme is http or unix while key and cert files")));
  EXPECT_THAT(o.warnings, Contains(StartsWith("scheme is http or unix while --client-cert-auth")));
}

TEST(Options, TlsTowardsPeers) {
  Options o =
      options({"--listen-peer-urls=https://127.0.0.1:1", "--peer-cert-file=c", "--peer-key-file=k",
               "--peer-client-cert-auth", "--peer-trusted-ca-file=ca", "--peer-cert-allowed-cn=a,b",
               "--peer-crl-file=crl", "--peer-skip-client-san-verification"});
  ASSERT_TRUE(o.peer_tls.server.has_value());
  EXPECT_EQ(o.peer_tls.server->client_auth, tls::ClientAuth::kRequire);
  EXPECT_THAT(o.peer_tls.server->allowed_cn, ElementsAre("a", "b"));
  EXPECT_EQ(o.peer_tls.server->crl_file, "crl");
  EXPECT_EQ(o.peer_dialing.ca_file, "ca");
  EXPECT_EQ(o.peer_dialing.cert_file, "c");
  EXPECT_FALSE(o.peer_dialing.insecure_skip_verify);
  EXPECT_TRUE(o.peer_skip_client_san_verification);

  o = options({"--listen-peer-urls=https://127.0.0.1:1", "--peer-cert-file=c", "--peer-key-file=k",
               "--peer-client-cert-file=cc", "--peer-client-key-file=ck"});
  EXPECT_EQ(o.peer_dialing.cert_file, "cc");
  EXPECT_EQ(o.peer_dialing.key_file, "ck");

  o = options({"--listen-peer-urls=https://127.0.0.1:1", "--peer-auto-tls"});
  EXPECT_TRUE(o.peer_tls.auto_tls);
  EXPECT_TRUE(o.peer_dialing.insecure_skip_verify);
}

TEST(Options, WhoMayCall) {
  const Options o = options({"--cors=https://b:1,http://a:1", "--host-whitelist=x,y",
                             "--bcrypt-cost=3", "--auth-token-ttl=5"});
  EXPECT_THAT(o.cors, ElementsAre("http://a:1", "https://b:1"));
  EXPECT_THAT(o.host_whitelist, ElementsAre("x", "y"));
  EXPECT_EQ(o.bcrypt_cost, 10U);
  EXPECT_THAT(o.warnings, Contains(HasSubstr("given-cost 3")));
  EXPECT_EQ(o.auth_token_ttl, seconds(5));
  EXPECT_EQ(options({"--bcrypt-cost=31"}).bcrypt_cost, 31U);
  EXPECT_THAT(options({"--host-whitelist="}).host_whitelist, ElementsAre("*"));
  EXPECT_EQ(options({"--auth-token="}).auth_token.kind, Options::AuthToken::Kind::kNone);
}

TEST(Options, OfTheLog) {
  const Options o = options(
      {"--log-outputs=stdout,/tmp/x.log,stdout", "--log-level=ERROR", "--log-format=console"});
  EXPECT_THAT(o.log.outputs, ElementsAre("stdout", "/tmp/x.log"));
  EXPECT_EQ(o.log.level, log::Level::kError);
  EXPECT_EQ(o.log.format, log::Format::kConsole);
  EXPECT_THAT(options({"--log-outputs=systemd/journal"}).log.outputs, ElementsAre("stderr"));
  EXPECT_EQ(options({"--debug"}).log.level, log::Level::kDebug);
  EXPECT_EQ(options({"--debug", "--log-level=warn"}).log.level, log::Level::kWarn);
}

TEST(Options, LogRotation) {
  EXPECT_FALSE(options({"--log-outputs=a.log"}).log.rotation.has_value());
  Options o = options({"--log-outputs=stderr,a.log", "--enable-log-rotation"});
  ASSERT_TRUE(o.log.rotation.has_value());
  EXPECT_EQ(o.log.rotation->max_bytes, 100U << 20);
  EXPECT_EQ(o.log.rotation->max_files, 0U);
  o = options({"--log-outputs=a.log", "--enable-log-rotation",
               R"(--log-rotation-config-json={"maxsize": 2, "maxage": 3, "maxbackups": 4,)"
               R"( "localtime": true, "compress": true})"});
  EXPECT_EQ(o.log.rotation->max_bytes, 2U << 20);
  EXPECT_EQ(o.log.rotation->max_files, 4U);
  EXPECT_EQ(o.log.rotation->max_age, hours(72));
  EXPECT_TRUE(o.log.rotation->local_time);
  EXPECT_THAT(o.not_effective, ElementsAre(HasSubstr("compress is not supported")));
  for (const char* json : {"{", R"({"maxsize":"a"})", R"({"maxsize":-1})"}) {
    const config::Exit exit = ending({"--log-outputs=a.log", "--enable-log-rotation",
                                      std::string("--log-rotation-config-json=") + json});
    EXPECT_EQ(exit.code, 1);
    EXPECT_THAT(exit.text, StartsWith("invalid log rotation config"));
  }
}

TEST(OlderFlags, MeanWhatTheyAreCalledNow) {
  const Options o = options(
      {"--experimental-initial-corrupt-check=true", "--experimental-corrupt-check-time=3m",
       "--experimental-watch-progress-notify-interval=5s", "--experimental-compaction-batch-limit",
       "9", "--experimental-snapshot-catchup-entries=7", "--experimental-enable-lease-checkpoint",
       "--experimental-txn-mode-write-with-shared-buffer=false", "--enable-v2",
       "--log-package-levels=etcdserver=DEBUG", "--proxy=off",
       "--experimental-enable-v2v3=", "--experimental-memory-mlock"});
  EXPECT_TRUE(o.gates.initial_corrupt_check);
  EXPECT_TRUE(o.gates.lease_checkpoint);
  EXPECT_FALSE(o.gates.txn_mode_write_with_shared_buffer);
  EXPECT_EQ(o.corrupt_check_interval, minutes(3));
  EXPECT_EQ(o.watch_progress_interval, seconds(5));
  EXPECT_EQ(o.compaction_batch_limit, 9);
  EXPECT_EQ(o.snapshot_catchup_entries, 7U);
  EXPECT_THAT(o.warnings, Contains("--experimental-corrupt-check-time is deprecated: use "
                                   "--corrupt-check-time"));
  EXPECT_THAT(o.warnings, Contains("--experimental-initial-corrupt-check is deprecated: use "
                                   "--feature-gates=InitialCorruptCheck=true"));
  EXPECT_THAT(o.warnings, Contains("--enable-v2 is deprecated: the v2 API is gone"));
  EXPECT_THAT(o.warnings, Contains("--proxy is deprecated: it has no effect"));
  EXPECT_TRUE(o.memory_mlock);
  EXPECT_THAT(o.not_effective,
              ElementsAre(StartsWith("--corrupt-check-time is effective in part"),
                          StartsWith("feature gate TxnModeWriteWithSharedBuffer")));
  EXPECT_TRUE(
      options({}, {"ETCD_EXPERIMENTAL_INITIAL_CORRUPT_CHECK=1"}).gates.initial_corrupt_check);
}

TEST(OlderFlags, ThatMeanNothingAreTakenInSilence) {
  const Options o =
      options({"--name=x", "--data-dir=d", "--cluster-active-size", "--force", "--snapshot=false",
               "--v", "--vv=3", "--retry-interval=x", "--test.coverprofile=a", "--config=foo"});
  EXPECT_THAT(o.warnings, IsEmpty());
  EXPECT_THAT(o.not_effective, IsEmpty());
}

TEST(NotEffective, NamesOptionsThatExist) {
  const config::Schema schema = option_schema();
  for (const NotEffective& entry : not_yet_effective()) {
    EXPECT_TRUE(std::any_of(schema.options.begin(), schema.options.end(),
                            [&](const config::Option& o) { return o.name == entry.option; }))
        << entry.option;
  }
}

TEST(NotEffective, IsToldOfWhatDiffersFromTheDefaultOnly) {
  EXPECT_THAT(
      options({"--enable-pprof=false", "--memory-mlock=false", "--auth-token=simple",
               "--backend-bbolt-freelist-type=map", "--feature-gates=PriorityRequest=false"})
          .not_effective,
      IsEmpty());
  EXPECT_THAT(options({"--enable-distributed-tracing", "--feature-gates=PriorityRequest=true"})
                  .not_effective,
              ElementsAre(StartsWith("--enable-distributed-tracing is not supported"),
                          StartsWith("feature gate PriorityRequest is not supported")));
}

TEST(Options, SecretsStayOutOfTheLog) {
  const Options o = options({"--discovery-password=hunter2"});
  EXPECT_THAT(o.effective, Contains(Pair("discovery-password", "***")));
}

}  // namespace
}  // namespace gatehouse::member

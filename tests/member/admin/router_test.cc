// The plain HTTP paths of a member, on each of its surfaces, with a member that is whatever the
// test says it is.
#include "member/admin/router.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/env/sim_executor.h"
#include "common/rpc/gzip.h"
#include "common/rpc/local_target.h"
#include "tests/common/rpc/echo_service.h"
#include "tests/common/rpc/fake_stream.h"

namespace gatehouse::admin {
namespace {

using rpc::testing::FakeServerStream;

struct FakeState final : State {
  explicit FakeState(env::Executor& executor) : executor_(executor) {}
  bool has_leader() const override { return leader; }
  bool is_learner() const override { return learner; }
  bool auth_enabled() const override { return auth; }
  std::vector<Alarm> alarms() const override { return raised; }
  Versions versions() const override { return known; }
  void serializable_read(Done done) override { read("s", serializable, std::move(done)); }
  void linearizable_read(Done done) override { read("l", linearizable, std::move(done)); }
  std::vector<std::pair<std::string, std::string>> debug_variables() const override {
    return {{"raft.status", R"({"id":"1"})"}, {"file_descriptor_limit", "1024"}};
  }
  void read(const char* name, const Status& with, Done done) {
    reads += name;
    executor_.post([done = std::move(done), with]() mutable { done(with); });
  }

  bool leader = true;
  bool learner = false;
  bool auth = false;
  std::vector<Alarm> raised;
  Versions known{"3.7.1", "3.7.0", "3.7.0"};
  Status serializable;
  Status linearizable;
  std::string reads;

 private:
  env::Executor& executor_;
};

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() { rpc::testing::add_echo_service(server_, echo_); }

  // "<status> <body>"
  std::string ask(const std::string& method, const std::string& path,
                  const http::Headers& headers = {}, Surface surface = Surface::kAll) {
    stream_ = std::make_unique<FakeServerStream>();
    stream_->head = {method, path, "http", host_, headers};
    stream_->from.tls = tls_;
    stream_->from.certificate_verified = !common_name_.empty();
    stream_->from.certificate_common_name = common_name_;
    Router router(server_, with_gateway_ ? &gateway_ : nullptr, paths_, state_, sim_, access_,
                  cors_);
    const auto handler = router.start(*stream_, surface);
    handler->on_end({});
    sim_.run_until_idle();
    EXPECT_TRUE(stream_->ended) << path;
    return std::to_string(stream_->status) + " " + stream_->sent;
  }
  std::string get(const std::string& path) { return ask("GET", path); }
  std::string header(const char* name) {
    return std::string(stream_->response.get(name).value_or("(none)"));
  }

  env::SimExecutor sim_;
  metrics::Registry registry_;
  FakeState state_{sim_};
  rpc::testing::EchoState echo_;
  rpc::Server server_;
  rpc::LocalTarget target_{server_, sim_};
  transcode::Transcoder transcoder_;
  gateway::Metrics gateway_metrics_{registry_, "gatehouse_member_rest"};
  web::Cors cors_{{"*"}};
  gateway::Gateway gateway_{
      sim_,        [this](const transcode::Route&) -> rpc::CallTarget& { return target_; },
      transcoder_, gateway_metrics_,
      {},          cors_};
  Metrics metrics_{registry_};
  Paths paths_{state_, registry_, metrics_, log::Logger()};
  Access access_;
  bool with_gateway_ = true;
  bool tls_ = false;
  std::string host_ = "localhost:2379";
  std::string common_name_;
  std::unique_ptr<FakeServerStream> stream_;
};

TEST_F(RouterTest, ThePage) {
  for (const char* path : {"/ui", "/ui/", "/ui?x"}) {
    EXPECT_EQ(get(path).substr(0, 19), "200 <!doctype html>") << path;
  }
  EXPECT_EQ(header("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(header("access-control-allow-origin"), "(none)");
  // Nothing runs but what has these hashes; the browser test sees that they are right.
  EXPECT_NE(header("content-security-policy").find("script-src 'sha256-"), std::string::npos);
  EXPECT_EQ(header("content-security-policy").find("unsafe"), std::string::npos);
  EXPECT_NE(stream_->sent.find("data-role=\"member\""), std::string::npos);
  EXPECT_EQ(stream_->sent.find("@STYLE@"), std::string::npos);
  EXPECT_EQ(ask("POST", "/ui").substr(0, 3), "405");
  EXPECT_EQ(get("/ui/x").substr(0, 3), "404");
  EXPECT_EQ(ask("GET", "/ui", {}, Surface::kMetrics).substr(0, 3), "404");
  access_.hosts = {"localhost"};
  host_ = "evil.example";
  EXPECT_EQ(get("/ui").substr(0, 3), "421") << "no way in for DNS rebinding";
}

TEST_F(RouterTest, HealthGoodAndBad) {
  EXPECT_EQ(get("/health"), R"(200 {"health":"true","reason":""})");
  EXPECT_EQ(header("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(header("x-content-type-options"), "(none)");
  EXPECT_EQ(header("access-control-allow-origin"), "*");
  EXPECT_EQ(state_.reads, "l");
  EXPECT_EQ(metrics_.health_success.value(), 1u);
  EXPECT_EQ(metrics_.health_failures.value(), 0u);

  state_.linearizable = unavailable("etcdserver: request timed out");
  EXPECT_EQ(get("/health"),
            "503 {\"health\":\"false\",\"reason\":\"RANGE ERROR:etcdserver: request timed out\"}\n");
  EXPECT_EQ(header("x-content-type-options"), "nosniff");
  EXPECT_EQ(get("/health?serializable=true"), R"(200 {"health":"true","reason":""})");
  EXPECT_EQ(get("/health?serializable=1").substr(0, 3), "503") << "exactly \"true\"";
  state_.serializable = internal_error("disk");
  EXPECT_EQ(get("/health?serializable=true"),
            "503 {\"health\":\"false\",\"reason\":\"RANGE ERROR:disk\"}\n");
  EXPECT_EQ(metrics_.health_failures.value(), 3u);
}

TEST_F(RouterTest, HealthAsksForALeaderOnlyWhereItMustHaveOne) {
  state_.leader = false;
  EXPECT_EQ(get("/health"), "503 {\"health\":\"false\",\"reason\":\"RAFT NO LEADER\"}\n");
  EXPECT_EQ(state_.reads, "");
  EXPECT_EQ(get("/health?serializable=true").substr(0, 3), "200");
  EXPECT_EQ(state_.reads, "s");
}

TEST_F(RouterTest, HealthAndAlarms) {
  state_.raised = {Alarm::kNospace, Alarm::kCorrupt};
  EXPECT_EQ(get("/health"), "503 {\"health\":\"false\",\"reason\":\"ALARM NOSPACE\"}\n");
  EXPECT_EQ(get("/health?exclude=NOSPACE"),
            "503 {\"health\":\"false\",\"reason\":\"ALARM CORRUPT\"}\n");
  EXPECT_EQ(get("/health?exclude=NOSPACE&exclude=CORRUPT").substr(0, 3), "200");
  EXPECT_EQ(get("/health?exclude=%4eOSPACE&exclude=CORRUPT").substr(0, 3), "200");
  EXPECT_EQ(get("/health?exclude=nospace&exclude=CORRUPT").substr(0, 3), "503");
  EXPECT_EQ(get("/health?exclude=NOSPACE,CORRUPT").substr(0, 3), "503");
  state_.raised = {Alarm::kUnknown};
  EXPECT_EQ(get("/health?exclude=UNKNOWN"),
            "503 {\"health\":\"false\",\"reason\":\"ALARM UNKNOWN\"}\n");
}

TEST_F(RouterTest, TheChecks) {
  EXPECT_EQ(get("/livez"), "200 ok\n");
  EXPECT_EQ(header("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(header("x-content-type-options"), "nosniff");
  EXPECT_EQ(get("/livez?verbose"), "200 [+]serializable_read ok\nok\n");
  EXPECT_EQ(get("/readyz"), "200 ok\n");
  EXPECT_EQ(get("/readyz?verbose=0"),
            "200 [+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n"
            "[+]non_learner ok\nok\n");
  EXPECT_EQ(get("/readyz/linearizable_read?verbose"), "200 [+]linearizable_read ok\nok\n");
  for (const char* path : {"/livez/", "/livez/linearizable_read", "/readyz/nothing", "/readyzz",
                           "/livez/serializable_read/", "/readyz/"}) {
    EXPECT_EQ(get(path), "404 404 page not found\n") << path;
  }
  const std::string text = registry_.serialize();
  EXPECT_NE(text.find("etcd_server_healthcheck{type=\"readyz\",name=\"non_learner\"} 1"),
            std::string::npos);
  EXPECT_NE(text.find("etcd_server_healthchecks_total{type=\"livez\",name=\"serializable_read\","
                      "status=\"success\"} 2"),
            std::string::npos)
      << text;
}

TEST_F(RouterTest, ChecksThatFail) {
  state_.linearizable = unavailable("etcdserver: leader changed");
  state_.raised = {Alarm::kNospace, Alarm::kCorrupt};
  state_.learner = true;
  EXPECT_EQ(get("/livez"), "200 ok\n");
  EXPECT_EQ(get("/readyz"),
            "503 [-]data_corruption failed: alarm activated: CORRUPT\n[+]serializable_read ok\n"
            "[-]linearizable_read failed: etcdserver: leader changed\n"
            "[-]non_learner failed: not supported for learner\n\n");
  EXPECT_EQ(header("x-content-type-options"), "nosniff");
  EXPECT_EQ(get("/readyz?exclude=data_corruption&exclude=linearizable_read&exclude=what&verbose"),
            "503 [+]serializable_read ok\n[-]non_learner failed: not supported for learner\n\n");
  EXPECT_EQ(get("/readyz/non_learner?exclude=non_learner"),
            "503 [-]non_learner failed: not supported for learner\n\n");
  state_.reads.clear();
  EXPECT_EQ(get("/livez?exclude=serializable_read&verbose"), "200 ok\n");
  EXPECT_EQ(state_.reads, "");
  EXPECT_NE(registry_.serialize().find(
                "etcd_server_healthcheck{type=\"readyz\",name=\"linearizable_read\"} 0"),
            std::string::npos);
}

TEST_F(RouterTest, AClientThatDoesNotWait) {
  for (const char* path : {"/health", "/readyz"}) {
    FakeServerStream stream;
    stream.head = {"GET", path, "http", host_, {}};
    Router router(server_, &gateway_, paths_, state_, sim_, access_, cors_);
    auto handler = router.start(stream, Surface::kAll);
    handler->on_abort({});
    handler.reset();
    sim_.run_until_idle();
    EXPECT_EQ(stream.heads, 0);
  }
}

TEST_F(RouterTest, Version) {
  EXPECT_EQ(get("/version"),
            R"(200 {"etcdserver":"3.7.1","etcdcluster":"3.7.0","storage":"3.7.0"})");
  EXPECT_EQ(header("content-type"), "application/json");
  state_.known = {"3.7.1", "", ""};
  EXPECT_EQ(get("/version"),
            R"(200 {"etcdserver":"3.7.1","etcdcluster":"not_decided","storage":"unknown"})");
}

TEST_F(RouterTest, MetricsAndVariables) {
  EXPECT_NE(get("/metrics").find("etcd_server_health_success 0\n"), std::string::npos);
  EXPECT_EQ(header("content-type"), metrics::kTextContentType);
  EXPECT_EQ(ask("POST", "/metrics").substr(0, 3), "200");
  ask("GET", "/metrics", {{"accept-encoding", "deflate, gzip"}});
  EXPECT_EQ(header("content-encoding"), "gzip");
  EXPECT_EQ(*rpc::gzip_decompress(stream_->sent, 1 << 20), registry_.serialize());

  const std::string variables = get("/debug/vars");
  EXPECT_EQ(variables.substr(0, 17), "200 {\n\"cmdline\": ");
  EXPECT_NE(variables.find("],\n\"file_descriptor_limit\": 1024,\n\"memstats\": {\"Alloc\":"),
            std::string::npos)
      << variables;
  EXPECT_NE(variables.find("},\n\"raft.status\": {\"id\":\"1\"}\n}\n"), std::string::npos);
  EXPECT_EQ(header("content-type"), "application/json; charset=utf-8");
}

TEST_F(RouterTest, WrongMethodsAndPaths) {
  for (const char* path : {"/health", "/livez", "/readyz/non_learner", "/version", "/debug/vars"}) {
    for (const char* method : {"POST", "HEAD", "PUT"}) {
      EXPECT_EQ(ask(method, path), "405 Method Not Allowed\n") << method << path;
      EXPECT_EQ(header("allow"), "GET");
    }
  }
  for (const char* path : {"/", "/healthz", "/v2/keys", "/members", "/version/", "/debug/pprof/"}) {
    EXPECT_EQ(get(path), "404 404 page not found\n") << path;
    EXPECT_EQ(header("content-type"), "text/plain; charset=utf-8");
    EXPECT_EQ(header("x-content-type-options"), "nosniff");
    EXPECT_EQ(header("access-control-allow-methods"), "POST, GET, OPTIONS, PUT, DELETE");
  }
}

TEST_F(RouterTest, TheGateway) {
  EXPECT_EQ(ask("POST", "/v3/kv/nothing").substr(0, 3), "404");
  EXPECT_EQ(header("content-type"), "application/json");
  EXPECT_EQ(get("/v3/kv/range").substr(0, 3), "501");
  EXPECT_EQ(ask("POST", "/v3beta/kv/range").substr(0, 3), "501") << "the server has no KV";
  EXPECT_NE(stream_->sent.find("unknown service etcdserverpb.KV"), std::string::npos);
  EXPECT_EQ(get("/v3"), "301 <a href=\"/v3/\">Moved Permanently</a>.\n\n");
  EXPECT_EQ(header("location"), "/v3/");
  with_gateway_ = false;
  EXPECT_EQ(ask("POST", "/v3/kv/range"), "404 404 page not found\n");
  EXPECT_EQ(get("/v3"), "404 404 page not found\n");
}

TEST_F(RouterTest, OriginsAndOptions) {
  EXPECT_EQ(ask("OPTIONS", "/v3/kv/put", {{"origin", "http://x"}}), "200 ");
  EXPECT_EQ(header("access-control-allow-origin"), "*");
  EXPECT_EQ(header("access-control-allow-headers"), "accept, content-type, authorization");
  EXPECT_EQ(header("content-length"), "0");

  const web::Cors listed({"https://a.example:1"});
  Router router(server_, nullptr, paths_, state_, sim_, access_, listed);
  for (const auto& [origin, allowed] : std::vector<std::pair<std::string, std::string>>{
           {"https://a.example:1", "https://a.example:1"},
           {"https://b.example:1", "(none)"},
           {"", "(none)"}}) {
    for (const char* method : {"OPTIONS", "GET"}) {
      stream_ = std::make_unique<FakeServerStream>();
      stream_->head = {method, "/version", "http", host_, {}};
      if (!origin.empty()) stream_->head.headers.add("origin", origin);
      const auto handler = router.start(*stream_, Surface::kHttpOnly);
      EXPECT_EQ(stream_->status, 200);
      EXPECT_EQ(header("access-control-allow-origin"), allowed);
    }
  }
}

TEST_F(RouterTest, OnlyHostsThatAreNamed) {
  access_.hosts = {"good.example", "::1"};
  EXPECT_EQ(get("/health").substr(0, 3), "421");
  EXPECT_NE(stream_->sent.find("--host-whitelist \"localhost\""), std::string::npos);
  EXPECT_NE(stream_->sent.find("CVE-2018-5702"), std::string::npos);
  EXPECT_EQ(header("access-control-allow-origin"), "(none)");
  EXPECT_EQ(ask("OPTIONS", "/").substr(0, 3), "421");
  for (const char* host : {"good.example", "good.example:77", "[::1]:2379", "[::1]", "::1"}) {
    host_ = host;
    EXPECT_EQ(get("/health").substr(0, 3), "200") << host;
  }
  host_ = "evil.example";
  EXPECT_EQ(ask("GET", "/health", {}, Surface::kMetrics).substr(0, 3), "200");
  tls_ = true;
  EXPECT_EQ(get("/health").substr(0, 3), "200");
  tls_ = false;
  access_.hosts = {};
  EXPECT_EQ(get("/health").substr(0, 3), "200");
}

TEST_F(RouterTest, ANameInACertificateThatTheGatewayWouldLose) {
  access_.client_cert_auth = true;
  state_.auth = true;
  tls_ = true;
  common_name_ = "alice";
  EXPECT_EQ(ask("POST", "/v3/kv/range"),
            "400 CommonName of client sending a request against gateway will be ignored and not used "
            "as expected\n");
  EXPECT_EQ(get("/version").substr(0, 3), "200");
  state_.auth = false;
  EXPECT_EQ(ask("POST", "/v3/kv/range").substr(0, 3), "501");
  state_.auth = true;
  common_name_ = "";
  EXPECT_EQ(ask("POST", "/v3/kv/range").substr(0, 3), "501");
}

TEST_F(RouterTest, Surfaces) {
  const http::Headers grpc{{"content-type", "application/grpc"}, {"te", "trailers"}};
  const auto call = [&](Surface surface, const http::Headers& headers) {
    FakeServerStream stream;
    stream.head = {"POST", "/test.Echo/Unary", "http", host_, headers};
    Router router(server_, &gateway_, paths_, state_, sim_, access_, cors_);
    const auto handler = router.start(stream, surface);
    if (stream.heads == 0) {
      stream.message(*handler, "hello");
      handler->on_end({});
    }
    return std::to_string(stream.status) + " grpc " + stream.grpc_status();
  };
  EXPECT_EQ(call(Surface::kAll, grpc), "200 grpc 0");
  EXPECT_EQ(call(Surface::kGrpcOnly, grpc), "200 grpc 0");
  EXPECT_EQ(call(Surface::kGrpcOnly, {}).substr(0, 3), "415");
  EXPECT_EQ(call(Surface::kHttpOnly, grpc), "404 grpc (none)");
  EXPECT_EQ(call(Surface::kMetrics, grpc), "404 grpc (none)");

  EXPECT_EQ(ask("GET", "/version", {}, Surface::kHttpOnly).substr(0, 3), "200");
  for (const char* path : {"/metrics", "/health", "/livez", "/readyz/non_learner"}) {
    EXPECT_EQ(ask("GET", path, {}, Surface::kMetrics).substr(0, 3), "200") << path;
    EXPECT_EQ(header("access-control-allow-origin"), "(none)");
  }
  for (const char* path : {"/version", "/debug/vars", "/v3/kv/range", "/v3", "/"}) {
    EXPECT_EQ(ask("GET", path, {}, Surface::kMetrics), "404 404 page not found\n") << path;
  }
  EXPECT_EQ(ask("OPTIONS", "/health", {}, Surface::kMetrics).substr(0, 3), "405");
}

}  // namespace
}  // namespace gatehouse::admin

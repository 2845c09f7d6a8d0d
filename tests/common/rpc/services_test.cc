// typed.h and the small services, ours to ours on virtual time. (How they look to gRPC C++:
// stock_client_test.cc.)
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/rpc/health.h"
#include "common/rpc/typed.h"
#include "proto/health.pb.h"
#include "tests/common/rpc/rig.h"

namespace gatehouse::rpc {
namespace {

namespace pb = grpc::health::v1;
using testing::Host;
using testing::Recorder;
using testing::Rig;

class ServicesTest : public ::testing::Test {
 protected:
  ServicesTest() : host_(rig_.host("server:1")), subchannel_(rig_.subchannel("server:1")) {
    health_.add_to(host_.server);
    add_unary<pb::HealthCheckRequest, pb::HealthCheckResponse>(
        host_.server, "test.Typed", "Ask",
        [](ServerCall& call, const pb::HealthCheckRequest& request,
           pb::HealthCheckResponse& response) -> Status {
          if (request.service() == "bad") return invalid_argument("a bad one");
          response.set_status(call.metadata().empty() ? pb::HealthCheckResponse::SERVING
                                                      : pb::HealthCheckResponse::NOT_SERVING);
          return Status();
        });
  }

  // "<status> <serving status>"
  std::string ask(const char* path, const std::string& service, const CallOptions& options = {}) {
    pb::HealthCheckRequest request;
    request.set_service(service);
    std::string answer = "(none)";
    const auto call = call_unary_typed<pb::HealthCheckResponse>(
        *subchannel_, path, options, request,
        [&answer](const CallResult& result, const pb::HealthCheckResponse& response) {
          answer = result.status.to_string() + " " +
                   pb::HealthCheckResponse::ServingStatus_Name(response.status());
        });
    rig_.sim.run_until_idle();
    return answer;
  }

  Rig rig_;
  HealthService health_;
  Host& host_;
  std::unique_ptr<Subchannel> subchannel_;
};

TEST_F(ServicesTest, TypedCalls) {
  EXPECT_EQ(ask("/test.Typed/Ask", "x"), "OK SERVING");
  EXPECT_EQ(ask("/test.Typed/Ask", "x", {.metadata = {{"a", "b"}}}), "OK NOT_SERVING");
  EXPECT_EQ(ask("/test.Typed/Ask", "bad"), "InvalidArgument: a bad one UNKNOWN");
}

TEST_F(ServicesTest, BytesThatAreNoMessage) {
  Recorder recorder;
  rig_.begin(*subchannel_, recorder, "/test.Typed/Ask");
  recorder.call->send("\xff\xff");
  recorder.call->half_close();
  rig_.sim.run_until_idle();
  EXPECT_EQ(recorder.status(),
            "Internal: grpc: error unmarshalling request: proto: cannot parse invalid wire-format "
            "data");
  // "1 5" is no response.
  EXPECT_EQ(ask("/test.Echo/Collect", "abc"),
            "Internal: grpc: failed to unmarshal the received message: proto: cannot parse invalid "
            "wire-format data UNKNOWN");
}

std::vector<std::string> statuses(const Recorder& recorder) {
  std::vector<std::string> names;
  for (const std::string& message : recorder.messages) {
    pb::HealthCheckResponse response;
    EXPECT_TRUE(response.ParseFromString(message));
    names.push_back(pb::HealthCheckResponse::ServingStatus_Name(response.status()));
  }
  return names;
}

TEST_F(ServicesTest, WatchersAreToldChangesOnly) {
  pb::HealthCheckRequest request;
  request.set_service("svc");
  Recorder watch;
  rig_.begin(*subchannel_, watch, "/grpc.health.v1.Health/Watch");
  watch.call->send(serialize_message(request));
  watch.call->half_close();
  rig_.sim.run_until_idle();
  health_.set("svc", ServingStatus::kServing);
  health_.set("svc", ServingStatus::kNotServing);
  health_.set("svc", ServingStatus::kServing);
  rig_.sim.run_until_idle();
  EXPECT_EQ(statuses(watch), (std::vector<std::string>{"SERVICE_UNKNOWN", "SERVING"}))
      << "what passed in between is not told";
  health_.set("svc", ServingStatus::kServing);
  rig_.sim.run_until_idle();
  EXPECT_EQ(watch.messages.size(), 2u);

  // A watcher that goes is forgotten; what is on its way to it finds nobody.
  health_.set("svc", ServingStatus::kNotServing);
  watch.call.reset();
  rig_.sim.run_until_idle();
  health_.set("svc", ServingStatus::kServing);
  rig_.sim.run_until_idle();
  EXPECT_EQ(ask("/grpc.health.v1.Health/Check", "svc"), "OK SERVING");
}

TEST_F(ServicesTest, HealthOutlivesItsService) {
  auto service = std::make_unique<HealthService>();
  Host& other = rig_.host("other:1");
  service->add_to(other.server);
  service.reset();
  subchannel_ = rig_.subchannel("other:1");
  EXPECT_EQ(ask("/grpc.health.v1.Health/Check", ""), "OK SERVING");
  EXPECT_EQ(ask("/grpc.health.v1.Health/Check", "x"), "NotFound: unknown service UNKNOWN");
}

}  // namespace
}  // namespace gatehouse::rpc

// gRPC C++ calls our server over loopback sockets.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/rpc/health.h"
#include "common/rpc/reflection.h"
#include "proto/health.grpc.pb.h"
#include "proto/reflection_v1.grpc.pb.h"
#include "proto/reflection_v1alpha.grpc.pb.h"
#include "tests/common/rpc/sockets.h"
#include "tests/common/rpc/stock.h"

namespace gatehouse::rpc {
namespace {

using testing::SocketServer;
using testing::StockCall;

class StockClient : public ::testing::Test {
 protected:
  StockClient() : server_({}, {.max_receive_bytes = 20 * 1024 * 1024}) {
    health_.add_to(server_.server);
    add_reflection(server_.server);
    server_.listen();
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    channel_ =
        grpc::CreateCustomChannel(server_.address(), grpc::InsecureChannelCredentials(), arguments);
  }

  HealthService health_;
  SocketServer server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(StockClient, Unary) {
  for (const size_t size : {0, 1, 100, 16'384, 100'000}) {
    StockCall call(channel_, "/test.Echo/Unary");
    const std::string message(size, 'u');
    std::vector<std::string> responses;
    const grpc::Status status = call.unary(message, &responses);
    EXPECT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(responses.size(), 1u);
    EXPECT_TRUE(responses[0] == message);
  }
}

TEST_F(StockClient, Streams) {
  StockCall collect(channel_, "/test.Echo/Collect");
  collect.start();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(collect.write(std::string(500, 'c')));
  collect.writes_done();
  EXPECT_EQ(collect.read(), "1000 500000");
  EXPECT_TRUE(collect.finish().ok());

  StockCall list(channel_, "/test.Echo/List");
  std::vector<std::string> listed;
  EXPECT_TRUE(list.unary("2000 1000", &listed).ok());
  EXPECT_EQ(listed.size(), 2000u);

  StockCall chat(channel_, "/test.Echo/Chat");
  chat.start();
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(chat.write(std::to_string(i)));
    ASSERT_EQ(chat.read(), std::to_string(i));
  }
  chat.writes_done();
  EXPECT_EQ(chat.read(), std::nullopt);
  EXPECT_TRUE(chat.finish().ok());
}

TEST_F(StockClient, MetadataAndErrors) {
  const std::string raw("\0\1\xff,", 4);
  StockCall call(channel_, "/test.Echo/Unary");
  call.context.AddMetadata("echo-text", "some text");
  call.context.AddMetadata("echo-raw-bin", raw);
  ASSERT_TRUE(call.unary("x").ok());
  for (const auto* metadata :
       {&call.context.GetServerInitialMetadata(), &call.context.GetServerTrailingMetadata()}) {
    const auto text = metadata->find("echo-text");
    ASSERT_NE(text, metadata->end());
    EXPECT_EQ(text->second, "some text");
    const auto binary = metadata->find("echo-raw-bin");
    ASSERT_NE(binary, metadata->end());
    EXPECT_EQ(std::string(binary->second.data(), binary->second.size()), raw);
  }

  for (const std::string text : {"etcdserver: key not found", "100%\nümlaut", ""}) {
    StockCall failing(channel_, "/test.Echo/Unary");
    failing.context.AddMetadata("status", "11");
    const grpc::Status status = failing.unary(text);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
    EXPECT_EQ(status.error_message(), text);
  }
  StockCall method(channel_, "/test.Echo/Nothing");
  const grpc::Status no_method = method.unary("x");
  EXPECT_EQ(no_method.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(no_method.error_message(), "unknown method Nothing for service test.Echo");
}

TEST_F(StockClient, Deadline) {
  StockCall call(channel_, "/test.Echo/Hang");
  call.context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(150));
  EXPECT_EQ(call.unary("x").error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  // The server does not keep it longer than a moment.
  for (int alive = 1; alive != 0;) server_.run([&] { alive = server_.state.alive; });
  std::string why;
  server_.run([&] { why = server_.state.last_cancel; });
  EXPECT_TRUE(why == "DeadlineExceeded: context deadline exceeded" ||
              why == "Canceled: context canceled")
      << why;
}

TEST_F(StockClient, Cancels) {
  StockCall call(channel_, "/test.Echo/Chat");
  call.start();
  ASSERT_TRUE(call.write("x"));
  ASSERT_EQ(call.read(), "x");
  call.context.TryCancel();
  EXPECT_EQ(call.finish().error_code(), grpc::StatusCode::CANCELLED);
  for (int alive = 1; alive != 0;) server_.run([&] { alive = server_.state.alive; });
  server_.run([&] { EXPECT_EQ(server_.state.last_cancel, "Canceled: context canceled"); });
}

TEST_F(StockClient, Gzip) {
  for (const size_t size : {10, 300, 300'000}) {
    StockCall call(channel_, "/test.Echo/Unary");
    call.context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    std::string message(size, 'z');
    for (size_t i = 0; i < size; ++i) message[i] = static_cast<char>(i * i);
    std::vector<std::string> responses;
    const grpc::Status status = call.unary(message, &responses);
    EXPECT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(responses.size(), 1u);
    EXPECT_TRUE(responses[0] == message);
  }
  StockCall deflate(channel_, "/test.Echo/Unary");
  deflate.context.set_compression_algorithm(GRPC_COMPRESS_DEFLATE);
  const grpc::Status status = deflate.unary(std::string(1000, 'x'));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(status.error_message(),
            "grpc: Decompressor is not installed for grpc-encoding \"deflate\"");
}

TEST_F(StockClient, LargeMessages) {
  const std::string large(16 * 1024 * 1024, 'L');
  StockCall call(channel_, "/test.Echo/Unary");
  std::vector<std::string> responses;
  const grpc::Status status = call.unary(large, &responses);
  EXPECT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(responses.size(), 1u);
  EXPECT_TRUE(responses[0] == large);

  StockCall too_large(channel_, "/test.Echo/Unary");
  const grpc::Status refused = too_large.unary(std::string(20 * 1024 * 1024 + 1, 'x'));
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.error_message(),
            "grpc: received message larger than max (20971521 vs. 20971520)");
  StockCall after(channel_, "/test.Echo/Unary");
  EXPECT_TRUE(after.unary("x").ok()) << "the connection lives on";
}

TEST_F(StockClient, ManyAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        StockCall call(channel_, "/test.Echo/Unary");
        const std::string message = std::to_string(t) + "/" + std::to_string(i);
        std::vector<std::string> responses;
        if (call.unary(message, &responses).ok() && responses.size() == 1 &&
            responses[0] == message) {
          ++good;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 800);
}

TEST_F(StockClient, DrainLetsCallsFinish) {
  StockCall chat(channel_, "/test.Echo/Chat");
  chat.start();
  ASSERT_TRUE(chat.write("1"));
  ASSERT_EQ(chat.read(), "1");
  server_.begin_drain(20'000);
  ASSERT_TRUE(chat.write("2"));
  EXPECT_EQ(chat.read(), "2");
  chat.writes_done();
  EXPECT_EQ(chat.read(), std::nullopt);
  EXPECT_TRUE(chat.finish().ok());
  server_.drain(20'000);
}

TEST_F(StockClient, AServerThatGoesEndsCalls) {
  StockCall chat(channel_, "/test.Echo/Chat");
  chat.start();
  ASSERT_TRUE(chat.write("1"));
  ASSERT_EQ(chat.read(), "1");
  server_.drain(0);
  EXPECT_EQ(chat.read(), std::nullopt);
  EXPECT_EQ(chat.finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

// A client that does not read: what the server sends stops at the windows.
TEST_F(StockClient, AStalledClientStopsTheServer) {
  StockCall list(channel_, "/test.Echo/List");
  list.start();
  list.write("100000 10000");
  list.writes_done();
  ASSERT_TRUE(list.read());
  size_t listed = 0;
  size_t before = SIZE_MAX;
  while (listed != before) {
    before = listed;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    server_.run([&] { listed = server_.state.listed; });
  }
  EXPECT_LT(listed, 5'000u) << "of 100000: a gigabyte";
  StockCall other(channel_, "/test.Echo/Unary");
  EXPECT_TRUE(other.unary("x").ok());
  list.context.TryCancel();
  list.finish();
}

// ---- services

TEST_F(StockClient, HealthCheck) {
  namespace pb = grpc::health::v1;
  const auto stub = pb::Health::NewStub(channel_);
  const auto check = [&](const std::string& service) {
    grpc::ClientContext context;
    pb::HealthCheckRequest request;
    pb::HealthCheckResponse response;
    request.set_service(service);
    const grpc::Status status = stub->Check(&context, request, &response);
    if (!status.ok()) return std::to_string(status.error_code()) + " " + status.error_message();
    return pb::HealthCheckResponse::ServingStatus_Name(response.status());
  };
  EXPECT_EQ(check(""), "SERVING");
  EXPECT_EQ(check("test.Echo"), "5 unknown service");
  health_.set("test.Echo", ServingStatus::kNotServing);
  EXPECT_EQ(check("test.Echo"), "NOT_SERVING");
  health_.clear("test.Echo");
  EXPECT_EQ(check("test.Echo"), "5 unknown service");
  health_.shut_down();
  EXPECT_EQ(check(""), "NOT_SERVING");
  health_.set("", ServingStatus::kServing);
  EXPECT_EQ(check(""), "NOT_SERVING") << "for good";
}

TEST_F(StockClient, HealthWatch) {
  namespace pb = grpc::health::v1;
  const auto stub = pb::Health::NewStub(channel_);
  grpc::ClientContext context;
  pb::HealthCheckRequest request;
  request.set_service("svc");
  const auto reader = stub->Watch(&context, request);
  pb::HealthCheckResponse response;
  const auto next = [&] {
    return reader->Read(&response) ? pb::HealthCheckResponse::ServingStatus_Name(response.status())
                                   : "(end)";
  };
  EXPECT_EQ(next(), "SERVICE_UNKNOWN");
  health_.set("svc", ServingStatus::kServing);
  EXPECT_EQ(next(), "SERVING");
  health_.set("svc", ServingStatus::kServing);  // no change: not told
  health_.set("other", ServingStatus::kNotServing);
  health_.set("svc", ServingStatus::kNotServing);
  EXPECT_EQ(next(), "NOT_SERVING");
  health_.clear("svc");
  EXPECT_EQ(next(), "SERVICE_UNKNOWN");
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

template <typename Stub, typename Request, typename Response>
void check_reflection(Stub& stub) {
  grpc::ClientContext context;
  const auto stream = stub.ServerReflectionInfo(&context);
  const auto ask = [&](const Request& request) {
    Response response;
    EXPECT_TRUE(stream->Write(request));
    EXPECT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.original_request().SerializeAsString(), request.SerializeAsString());
    return response;
  };
  Request list;
  list.set_list_services("");
  std::set<std::string> services;
  const Response listed = ask(list);
  for (const auto& service : listed.list_services_response().service()) {
    services.insert(service.name());
  }
  EXPECT_EQ(services, (std::set<std::string>{"test.Echo", "grpc.health.v1.Health",
                                             "grpc.reflection.v1.ServerReflection",
                                             "grpc.reflection.v1alpha.ServerReflection"}));

  Request symbol;
  symbol.set_file_containing_symbol("grpc.health.v1.Health");
  const Response file = ask(symbol);
  ASSERT_EQ(file.file_descriptor_response().file_descriptor_proto_size(), 1);
  google::protobuf::FileDescriptorProto proto;
  ASSERT_TRUE(proto.ParseFromString(file.file_descriptor_response().file_descriptor_proto(0)));
  EXPECT_EQ(proto.name(), "proto/health.proto");
  EXPECT_EQ(proto.service(0).name(), "Health");

  Request by_name;
  by_name.set_file_by_filename("proto/health.proto");
  EXPECT_EQ(ask(by_name).file_descriptor_response().file_descriptor_proto(0),
            file.file_descriptor_response().file_descriptor_proto(0));
  Request unknown;
  unknown.set_file_containing_symbol("no.Such");
  EXPECT_EQ(ask(unknown).error_response().error_code(), 5);
  Request extensions;
  extensions.set_all_extension_numbers_of_type("grpc.health.v1.HealthCheckRequest");
  EXPECT_EQ(ask(extensions).all_extension_numbers_response().extension_number_size(), 0);
  EXPECT_EQ(ask(Request()).error_response().error_code(), 3);
  stream->WritesDone();
  Response response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StockClient, Reflection) {
  namespace v1 = grpc::reflection::v1;
  namespace v1alpha = grpc::reflection::v1alpha;
  const auto stub = v1::ServerReflection::NewStub(channel_);
  check_reflection<v1::ServerReflection::Stub, v1::ServerReflectionRequest,
                   v1::ServerReflectionResponse>(*stub);
  const auto alpha = v1alpha::ServerReflection::NewStub(channel_);
  check_reflection<v1alpha::ServerReflection::Stub, v1alpha::ServerReflectionRequest,
                   v1alpha::ServerReflectionResponse>(*alpha);
}

}  // namespace
}  // namespace gatehouse::rpc

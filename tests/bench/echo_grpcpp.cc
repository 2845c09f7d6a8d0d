// The lower mark of the echo comparison: a unary echo on gRPC C++'s callback API.
//
//   echo_grpcpp PORT
//
// Serves /bench.Echo/Echo on loopback. The method is registered as generated code registers a raw
// callback method: messages stay grpc::ByteBuffer, nothing is parsed or copied, which is the
// fastest unary path the library has.
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/codegen/service_type.h>
#include <grpcpp/support/server_callback.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace {

class EchoService final : public grpc::Service {
 public:
  EchoService() {
    AddMethod(new grpc::internal::RpcServiceMethod("/bench.Echo/Echo",
                                                   grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
    MarkMethodRawCallback(
        0, new grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
               [](grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                  grpc::ByteBuffer* response) {
                 *response = *request;  // shares the slices
                 grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
                 reactor->Finish(grpc::Status::OK);
                 return reactor;
               }));
  }
};

}  // namespace

int main(int argc, char** argv) {
  const int port = argc > 1 ? std::atoi(argv[1]) : 0;
  if (port <= 0 || port > 65535) {
    std::fprintf(stderr, "usage: echo_grpcpp PORT\n");
    return 2;
  }
  EchoService service;
  grpc::ServerBuilder builder;
  int bound = 0;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(),
                           &bound);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || bound != port) {
    std::fprintf(stderr, "echo_grpcpp: cannot listen on 127.0.0.1:%d\n", port);
    return 1;
  }
  std::printf("echo_grpcpp (gRPC C++ %s) serves on 127.0.0.1:%d\n", grpc::Version().c_str(), port);
  std::fflush(stdout);
  server->Wait();
}

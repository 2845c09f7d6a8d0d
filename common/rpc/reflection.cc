#include "common/rpc/reflection.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/rpc/typed.h"
#include "proto/reflection_v1.pb.h"
#include "proto/reflection_v1alpha.pb.h"

namespace gatehouse::rpc {
namespace {

namespace pb = google::protobuf;

// Both versions have the same messages in different packages.
template <typename Request, typename Response>
class ReflectionHandler final : public ServerHandler {
 public:
  ReflectionHandler(ServerCall& call, const Server& server) : call_(call), server_(server) {}

  void on_message(std::string_view message) override {
    Request request;
    const Status parsed = parse_message(message, request);
    if (!parsed.ok()) {
      call_.finish(parsed);
      return;
    }
    Response response;
    response.set_valid_host(request.host());
    answer(request, response);
    *response.mutable_original_request() = std::move(request);
    send_message(call_, response);
    // A client that asks and does not read gets no further answer until it has read.
    if (call_.can_send()) {
      call_.want_message();
    } else {
      stalled_ = true;
    }
  }

  void on_can_send() override {
    if (std::exchange(stalled_, false)) call_.want_message();
  }

  void on_half_close() override { call_.finish(Status()); }
  void on_cancel(const Status&) override {}

 private:
  void answer(const Request& request, Response& response) {
    const pb::DescriptorPool& pool = *pb::DescriptorPool::generated_pool();
    switch (request.message_request_case()) {
      case Request::kFileByFilename:
        add_file(pool.FindFileByName(request.file_by_filename()), response);
        break;
      case Request::kFileContainingSymbol:
        add_file(pool.FindFileContainingSymbol(request.file_containing_symbol()), response);
        break;
      case Request::kFileContainingExtension: {
        const auto& wanted = request.file_containing_extension();
        const pb::Descriptor* type = pool.FindMessageTypeByName(wanted.containing_type());
        const pb::FieldDescriptor* extension =
            type == nullptr ? nullptr : pool.FindExtensionByNumber(type, wanted.extension_number());
        add_file(extension == nullptr ? nullptr : extension->file(), response);
        break;
      }
      case Request::kAllExtensionNumbersOfType:
        add_extensions(pool, request.all_extension_numbers_of_type(), response);
        break;
      case Request::kListServices:
        add_services(*response.mutable_list_services_response());
        break;
      case Request::MESSAGE_REQUEST_NOT_SET:
        set_error(StatusCode::kInvalidArgument, "invalid MessageRequest: nothing is asked",
                  response);
        break;
    }
  }

  static void set_error(StatusCode code, std::string text, Response& response) {
    response.mutable_error_response()->set_error_code(static_cast<int>(code));
    response.mutable_error_response()->set_error_message(std::move(text));
  }

  void add_file(const pb::FileDescriptor* file, Response& response) {
    if (file == nullptr) {
      set_error(StatusCode::kNotFound, "not found", response);
      return;
    }
    auto& out = *response.mutable_file_descriptor_response();
    // The file itself is repeated for each question about it: an answer must not be empty.
    sent_.erase(file);
    std::vector<const pb::FileDescriptor*> next{file};
    while (!next.empty()) {
      const pb::FileDescriptor* one = next.back();
      next.pop_back();
      if (!sent_.insert(one).second) continue;
      pb::FileDescriptorProto proto;
      one->CopyTo(&proto);
      out.add_file_descriptor_proto(serialize_message(proto));
      for (int i = 0; i < one->dependency_count(); ++i) next.push_back(one->dependency(i));
    }
  }

  void add_extensions(const pb::DescriptorPool& pool, const std::string& name, Response& response) {
    const pb::Descriptor* type = pool.FindMessageTypeByName(name);
    if (type == nullptr) {
      set_error(StatusCode::kNotFound, "not found", response);
      return;
    }
    std::vector<const pb::FieldDescriptor*> extensions;
    pool.FindAllExtensions(type, &extensions);
    auto& out = *response.mutable_all_extension_numbers_response();
    out.set_base_type_name(name);
    for (const pb::FieldDescriptor* extension : extensions) {
      out.add_extension_number(extension->number());
    }
  }

  template <typename List>
  void add_services(List& list) {
    std::set<std::string> names;
    for (const Method& method : server_.methods()) names.insert(method.service);
    for (const std::string& name : names) list.add_service()->set_name(name);
  }

  ServerCall& call_;
  const Server& server_;
  bool stalled_ = false;
  std::set<const pb::FileDescriptor*> sent_;  // on this stream
};

template <typename Request, typename Response>
void add_version(Server& server, const char* service) {
  server.add({service, "ServerReflectionInfo", MethodKind::kBidiStream},
             [&server](ServerCall& call) -> std::unique_ptr<ServerHandler> {
               return std::make_unique<ReflectionHandler<Request, Response>>(call, server);
             });
}

}  // namespace

void add_reflection(Server& server) {
  namespace v1 = grpc::reflection::v1;
  namespace v1alpha = grpc::reflection::v1alpha;
  add_version<v1::ServerReflectionRequest, v1::ServerReflectionResponse>(
      server, "grpc.reflection.v1.ServerReflection");
  add_version<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>(
      server, "grpc.reflection.v1alpha.ServerReflection");
}

}  // namespace gatehouse::rpc

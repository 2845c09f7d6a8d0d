#include "tests/conformance/grpc_client/session.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>

namespace gatehouse::conformance {

namespace {

std::string json_string(std::string_view text) {
  google::protobuf::Value value;
  value.set_string_value(std::string(text));
  return to_json(value);
}

std::string_view code_name(grpc::StatusCode code) {
  static constexpr std::string_view kNames[] = {"OK",
                                                "CANCELLED",
                                                "UNKNOWN",
                                                "INVALID_ARGUMENT",
                                                "DEADLINE_EXCEEDED",
                                                "NOT_FOUND",
                                                "ALREADY_EXISTS",
                                                "PERMISSION_DENIED",
                                                "RESOURCE_EXHAUSTED",
                                                "FAILED_PRECONDITION",
                                                "ABORTED",
                                                "OUT_OF_RANGE",
                                                "UNIMPLEMENTED",
                                                "INTERNAL",
                                                "UNAVAILABLE",
                                                "DATA_LOSS",
                                                "UNAUTHENTICATED"};
  return code >= 0 && code < static_cast<int>(std::size(kNames)) ? kNames[code] : "(no gRPC code)";
}

void append_metadata(std::string& line, std::string_view name,
                     const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  if (metadata.empty()) return;
  line += ",\"" + std::string(name) + "\":{";
  bool first = true;
  for (const auto& [key, value] : metadata) {
    if (!first) line += ",";
    first = false;
    line += json_string({key.data(), key.size()}) + ":" + json_string({value.data(), value.size()});
  }
  line += "}";
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void print(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

}  // namespace

Session::Session(const std::string& endpoint, const std::vector<std::string>& members,
                 const std::vector<std::string>& tls) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  arguments.SetMaxSendMessageSize(kMaxReceiveBytes);
  // A machine's HTTP proxy has no business between this client and loopback.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  auto credentials = grpc::InsecureChannelCredentials();
  if (tls.size() == 3) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = content_of(tls[0]);
    options.pem_cert_chain = content_of(tls[1]);
    options.pem_private_key = content_of(tls[2]);
    credentials = grpc::SslCredentials(options);
  }
  channel_ = grpc::CreateCustomChannel(endpoint, credentials, arguments);
  for (const auto& member : members) {
    members_.push_back(
        pb::Maintenance::NewStub(grpc::CreateCustomChannel(member, credentials, arguments)));
  }
}

void Session::settle() {
  if (members_.empty()) return;
  eventually([&] {
    uint64_t lowest = UINT64_MAX, highest = 0;
    for (const auto& member : members_) {
      pb::StatusResponse status;
      auto own = context();
      if (!member->Status(own.get(), pb::StatusRequest(), &status).ok()) return false;
      lowest = std::min(lowest, status.raftappliedindex());
      highest = std::max(highest, status.raftindex());
    }
    return lowest == highest;
  });
}

void Session::set_metadata(const std::string& key, const std::string& value) {
  std::erase_if(metadata_, [&](const auto& entry) { return entry.first == key; });
  if (!value.empty()) metadata_.emplace_back(key, value);
}

std::unique_ptr<grpc::ClientContext> Session::context() const {
  auto result = std::make_unique<grpc::ClientContext>();
  result->set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  for (const auto& [key, value] : metadata_) result->AddMetadata(key, value);
  return result;
}

void Session::record(std::string_view step, const grpc::Status& status,
                     const google::protobuf::Message* response,
                     const grpc::ClientContext* context) {
  std::string line = "{\"step\":" + json_string(step) + ",\"code\":\"" +
                     std::string(code_name(status.error_code())) + "\"";
  if (!status.ok()) line += ",\"message\":" + json_string(status.error_message());
  if (!status.error_details().empty())
    line += ",\"details\":" + json_string(status.error_details());
  if (response != nullptr) line += ",\"response\":" + to_json(*response);
  if (context != nullptr) {
    append_metadata(line, "initial metadata", context->GetServerInitialMetadata());
    append_metadata(line, "trailing metadata", context->GetServerTrailingMetadata());
  }
  print(line + "}");
}

void Session::record(std::string_view step, const std::vector<std::string>& jsons) {
  std::string line = "{\"step\":" + json_string(step) + ",\"items\":[";
  for (size_t i = 0; i < jsons.size(); ++i) line += (i == 0 ? "" : ",") + jsons[i];
  print(line + "]}");
}

void Session::record(std::string_view step, std::string_view text) {
  print("{\"step\":" + json_string(step) + ",\"value\":" + json_string(text) + "}");
}

std::string to_json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? json : "\"(not representable as JSON)\"";
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kCallTimeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace gatehouse::conformance

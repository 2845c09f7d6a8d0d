#include "common/rpc/server.h"

#include <utility>

#include "common/base/check.h"
#include "common/rpc/server_call.h"
#include "common/rpc/timeout.h"
#include "common/rpc/wire.h"

namespace gatehouse::rpc {

struct Server::Entry {
  Method method;
  std::string path;
  HandlerFactory factory;
};

namespace {

// Answers a request that starts no call, and swallows the rest of it.
class Refusal final : public http::StreamHandler {
 public:
  explicit Refusal(http::ServerStream& stream) : stream_(stream) {}
  void on_body(std::string_view bytes) override { stream_.consumed(bytes.size()); }
  void on_end(const http::Headers&) override {}
  void on_abort(const http::Abort&) override {}

 private:
  http::ServerStream& stream_;
};

std::unique_ptr<http::StreamHandler> refuse(http::ServerStream& stream, int http_status,
                                            std::string_view subtype, const Status& status,
                                            bool name_encodings = false) {
  http::Headers headers;
  set_response_head(headers, subtype);
  if (name_encodings) headers.add("grpc-accept-encoding", "identity,gzip");
  append_status(headers, status);
  stream.send_head(http_status, headers);
  stream.send_end();
  return std::make_unique<Refusal>(stream);
}

std::string quoted(std::string_view text) {
  constexpr size_t kMost = 100;  // the text goes back into a header
  return '"' + std::string(text.substr(0, kMost)) + '"';
}

bool lists_gzip(std::string_view encodings) {
  while (!encodings.empty()) {
    const size_t comma = encodings.find(',');
    std::string_view one = encodings.substr(0, comma);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    while (!one.empty() && one.back() == ' ') one.remove_suffix(1);
    if (one == "gzip") return true;
    if (comma == std::string_view::npos) return false;
    encodings.remove_prefix(comma + 1);
  }
  return false;
}

// RFC 9113 section 6.5.2 counts 32 for each field.
constexpr size_t kFieldOverhead = 32;

struct Scan {
  CallHead head;
  std::string_view content_type;
  Status status;  // why there can be no call
  int http_status = 200;
  bool bad_encoding = false;
};

// One pass over the headers for all that a call must know.
Scan scan_headers(const http::Headers& headers, const ServerLimits& limits) {
  Scan scan;
  size_t metadata_bytes = 0;
  for (const http::Headers::Field field : headers) {
    const std::string_view name = field.name;
    if (name.starts_with("grpc-")) {
      if (name == "grpc-timeout") {
        Result<uint64_t> timeout = parse_timeout(field.value);
        if (!timeout.ok()) {
          scan.status = internal_error("malformed grpc-timeout: " + timeout.status().message());
          scan.http_status = 400;
        } else {
          scan.head.timeout_ms = *timeout;
        }
      } else if (name == "grpc-encoding") {
        if (field.value == "gzip") {
          scan.head.request_gzip = true;
        } else if (field.value != "identity" && !field.value.empty()) {
          scan.status = Status(
              StatusCode::kUnimplemented,
              "grpc: Decompressor is not installed for grpc-encoding " + quoted(field.value));
          scan.bad_encoding = true;
        }
      } else if (name == "grpc-accept-encoding") {
        scan.head.accepts_gzip = scan.head.accepts_gzip || lists_gzip(field.value);
      }
      continue;
    }
    if (is_reserved_header(name)) {
      if (name == "content-type") scan.content_type = field.value;
      continue;
    }
    metadata_bytes += name.size() + field.value.size() + kFieldOverhead;
    if (is_binary_key(name)) scan.head.has_binary_metadata = true;
  }
  if (scan.status.ok() && metadata_bytes > limits.max_metadata_bytes) {
    scan.status =
        resource_exhausted("received metadata larger than max (" + std::to_string(metadata_bytes) +
                           " vs. " + std::to_string(limits.max_metadata_bytes) + ")");
  }
  return scan;
}

}  // namespace

Server::Server(ServerLimits limits, ServerObserver* observer)
    : limits_(limits), observer_(observer) {}
Server::~Server() = default;

void Server::add(Method method, HandlerFactory factory) {
  auto entry = std::make_unique<Entry>();
  entry->path = method.path();
  methods_.push_back(method);
  entry->method = std::move(method);
  entry->factory = std::move(factory);
  const std::string_view path = entry->path;
  const bool added = by_path_.emplace(path, std::move(entry)).second;
  CHECK_MSG(added, path);
}

const std::vector<Method>& Server::methods() const { return methods_; }

Result<Server::Registered> Server::find(std::string_view path) const {
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return unknown_path(path);
  return Registered{&found->second->method, &found->second->factory};
}

bool Server::is_grpc(const http::RequestHead& head) {
  const std::optional<std::string_view> type = head.headers.get("content-type");
  return type && grpc_content_subtype(*type);
}

// grpc-go's words for a path that leads nowhere.
Status Server::unknown_path(std::string_view path) const {
  const size_t slash = path.rfind('/');
  if (path.empty() || path.front() != '/' || slash == 0) {
    return Status(StatusCode::kUnimplemented, "malformed method name: " + quoted(path));
  }
  const std::string_view service = path.substr(1, slash - 1);
  for (const Method& method : methods_) {
    if (method.service == service) {
      return Status(StatusCode::kUnimplemented, "unknown method " +
                                                    std::string(path.substr(slash + 1)) +
                                                    " for service " + std::string(service));
    }
  }
  return Status(StatusCode::kUnimplemented, "unknown service " + std::string(service));
}

std::unique_ptr<http::StreamHandler> Server::start(http::ServerStream& stream,
                                                   env::Executor& executor) const {
  const http::RequestHead& request = stream.request();
  Scan scanned = scan_headers(request.headers, limits_);
  const std::optional<std::string_view> subtype = grpc_content_subtype(scanned.content_type);
  if (!subtype) {
    return refuse(
        stream, 415, "",
        invalid_argument("invalid gRPC request content-type " + quoted(scanned.content_type)));
  }
  if (request.method != "POST") {
    return refuse(stream, 405, *subtype,
                  internal_error("Received a HEADERS frame with :method " + quoted(request.method) +
                                 " which should be POST"));
  }
  const auto found = by_path_.find(std::string_view(request.path));
  if (found == by_path_.end()) return refuse(stream, 200, *subtype, unknown_path(request.path));
  const Entry& entry = *found->second;
  if (!scanned.status.ok()) {
    return refuse(stream, scanned.http_status, *subtype, scanned.status, scanned.bad_encoding);
  }
  scanned.head.subtype = *subtype;
  auto call = std::make_unique<ServerStreamCall>(stream, executor, entry.method, scanned.head,
                                                 limits_, observer_);
  if (scanned.head.has_binary_metadata) {
    const Status status = call->read_metadata();
    if (!status.ok()) return refuse(stream, 400, *subtype, status);
  }
  call->begin(entry.factory);
  return call;
}

}  // namespace gatehouse::rpc

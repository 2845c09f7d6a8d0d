#include "ctl/rpc.h"

#include <grpc/support/log.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/rpc_method.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <set>
#include <thread>

#include "ctl/json.h"
#include "ctl/methods.h"

namespace gatehouse::ctl {
namespace {

using google::protobuf::MessageLite;
using std::chrono::system_clock;

constexpr int kMaxAttempts = 100;
constexpr std::chrono::milliseconds kRetryPause{25};
constexpr int64_t kDefaultRequestBytes = 2 << 20;

// What gRPC would print, a handshake's failure for example, as a log line such as etcd's client
// writes; each place once, for the same follows at every try.
void log_once(gpr_log_func_args* arguments) {
  static std::mutex mutex;
  static std::set<int> told;
  if (arguments->severity != GPR_LOG_SEVERITY_ERROR) return;
  const std::lock_guard lock(mutex);
  if (!told.insert(arguments->line).second) return;
  const std::string line =
      JsonObject().text("level", "warn").text("msg", arguments->message).finish();
  std::fprintf(stderr, "%s\n", line.c_str());
}

Status translated(const grpc::Status& status) {
  const auto code = status_code_from_int(status.error_code());
  const std::string& text = status.error_message();
  if (status.ok()) return {};
  if (text.starts_with("etcdserver: ") || text.starts_with("auth: ")) return Status(code, text);
  if (code == StatusCode::kDeadlineExceeded) return Status(code, "context deadline exceeded");
  if (code == StatusCode::kCanceled) return Status(code, "context canceled");
  return Status(code,
                "rpc error: code = " + std::string(status_code_name(code)) + " desc = " + text);
}

struct Endpoint {
  std::string target;  // as gRPC names it
  bool tls = false;
};

Endpoint parse_endpoint(std::string_view text, bool tls_in_use) {
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos) {
    if (text.starts_with("unix:")) return {std::string(text), false};
    return {std::string(text), tls_in_use};
  }
  const std::string_view scheme = text.substr(0, colon);
  std::string rest(text.substr(colon + 3));
  if (scheme == "unix") return {"unix:" + rest, tls_in_use};
  if (scheme == "unixs") return {"unix:" + rest, true};
  if (!rest.empty() && rest.back() == '/') rest.pop_back();
  return {rest, scheme == "https"};
}

std::shared_ptr<grpc::ChannelCredentials> credentials(const Credentials& tls) {
  if (tls.verify) {
    return grpc::SslCredentials({tls.ca, tls.key, tls.certificate});
  }
  grpc::experimental::TlsChannelCredentialsOptions options;
  if (!tls.certificate.empty()) {
    options.set_certificate_provider(
        std::make_shared<grpc::experimental::StaticDataCertificateProvider>(
            std::vector<grpc::experimental::IdentityKeyCertPair>{{tls.key, tls.certificate}}));
    options.watch_identity_key_cert_pairs();
  }
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  options.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  return grpc::experimental::TlsCredentials(options);
}

std::shared_ptr<grpc::Channel> make_channel(const std::string& text, const ClientOptions& options) {
  const Endpoint endpoint = parse_endpoint(text, options.tls.use);
  const auto ms = [](std::chrono::nanoseconds time) {
    return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  };
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(
      options.max_receive_bytes > 0 ? static_cast<int>(options.max_receive_bytes) : INT32_MAX);
  arguments.SetMaxSendMessageSize(static_cast<int>(
      options.max_request_bytes > 0 ? options.max_request_bytes : kDefaultRequestBytes));
  if (options.keepalive_time.count() > 0) {
    // Servers refuse more pings than one in ten seconds; Go's library has that minimum built in.
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, std::max(ms(options.keepalive_time), 10'000));
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ms(options.keepalive_timeout));
  }
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(
      endpoint.target, endpoint.tls ? credentials(options.tls) : grpc::InsecureChannelCredentials(),
      arguments);
}

class GrpcStream : public Stream {
 public:
  using ReaderWriter = grpc::ClientReaderWriter<MessageLite, MessageLite>;

  explicit GrpcStream(std::shared_ptr<grpc::Channel> channel) : channel_(std::move(channel)) {}
  ~GrpcStream() override {
    if (finished_) return;
    context.TryCancel();
    (void)stream_->Finish();
  }
  void start(const char* path) {
    const grpc::internal::RpcMethod method(path, grpc::internal::RpcMethod::BIDI_STREAMING);
    stream_.reset(grpc::internal::ClientReaderWriterFactory<MessageLite, MessageLite>::Create(
        channel_.get(), method, &context));
  }
  bool write(const google::protobuf::Message& message) override { return stream_->Write(message); }
  void writes_done() override { stream_->WritesDone(); }
  bool read(google::protobuf::Message* message) override {
    message->Clear();
    return stream_->Read(message);
  }
  void cancel() override { context.TryCancel(); }
  Status finish() override {
    finished_ = true;
    return translated(stream_->Finish());
  }

  grpc::ClientContext context;

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<ReaderWriter> stream_;
  bool finished_ = false;
};

class GrpcClient : public Client {
 public:
  explicit GrpcClient(ClientOptions given) : Client(std::move(given)), token_(options_.token) {
    for (const std::string& endpoint : options_.endpoints) {
      channels_.push_back(make_channel(endpoint, options_));
    }
  }

  Status authenticate() {
    etcdserverpb::AuthenticateRequest request;
    request.set_name(options_.user);
    request.set_password(options_.password);
    etcdserverpb::AuthenticateResponse response;
    grpc::ClientContext context;
    const auto deadline = system_clock::now() +
                          std::chrono::duration_cast<system_clock::duration>(options_.dial_timeout);
    prepare(context, deadline, false);
    const Status status = translated(
        blocking_call(pick(deadline), rpc::kAuthenticate.path, context, request, &response));
    if (!status.ok()) return status;
    const std::lock_guard lock(mutex_);
    token_ = response.token();
    return {};
  }

 protected:
  Status call(const char* path, bool repeatable, const google::protobuf::Message& request,
              google::protobuf::Message* response, Wait wait) override {
    const auto deadline = deadline_of(wait);
    bool renewed = false;
    for (int attempt = 1;; ++attempt) {
      grpc::ClientContext context;
      prepare(context, deadline, false);
      response->Clear();
      const Status status =
          translated(blocking_call(pick(deadline), path, context, request, response));
      if (status.ok()) return status;
      const bool lapsed = status.message() == "etcdserver: invalid auth token" ||
                          status.message() == "etcdserver: user name is empty";
      if (lapsed && !renewed && !options_.user.empty()) {
        renewed = true;
        GATEHOUSE_RETURN_IF_ERROR(authenticate());
        continue;
      }
      if (status.code() != StatusCode::kUnavailable || !repeatable || attempt == kMaxAttempts ||
          system_clock::now() + kRetryPause > deadline) {
        return status;
      }
      std::this_thread::sleep_for(kRetryPause);
    }
  }

  std::unique_ptr<Stream> open(const char* path, bool needs_leader, Wait wait) override {
    const auto deadline = deadline_of(wait);
    auto stream = std::make_unique<GrpcStream>(pick(deadline));
    prepare(stream->context, deadline, needs_leader);
    stream->start(path);
    return stream;
  }

 private:
  system_clock::time_point deadline_of(Wait wait) const {
    if (wait == Wait::kForever) return system_clock::time_point::max();
    return system_clock::now() +
           std::chrono::duration_cast<system_clock::duration>(options_.command_timeout);
  }

  void prepare(grpc::ClientContext& context, system_clock::time_point deadline, bool needs_leader) {
    context.set_wait_for_ready(true);
    if (deadline != system_clock::time_point::max()) context.set_deadline(deadline);
    if (needs_leader) context.AddMetadata("hasleader", "true");
    const std::lock_guard lock(mutex_);
    if (!token_.empty()) context.AddMetadata("token", token_);
  }

  static grpc::Status blocking_call(const std::shared_ptr<grpc::Channel>& channel, const char* path,
                                    grpc::ClientContext& context, const MessageLite& request,
                                    MessageLite* response) {
    const grpc::internal::RpcMethod method(path, grpc::internal::RpcMethod::NORMAL_RPC);
    return grpc::internal::BlockingUnaryCall<MessageLite, MessageLite>(channel.get(), method,
                                                                       &context, request, response);
  }

  // The next of the endpoints that can be reached, in turns; any of them, to wait for, when none
  // is by the deadline.
  std::shared_ptr<grpc::Channel> pick(system_clock::time_point deadline) {
    const size_t first = turn_.fetch_add(1);
    const size_t count = channels_.size();
    if (count == 1) return channels_[0];
    for (size_t i = first;; ++i) {
      const std::shared_ptr<grpc::Channel>& channel = channels_[i % count];
      if (channel->GetState(true) == GRPC_CHANNEL_READY) return channel;
      if (i - first < count) continue;  // first only asks all to connect
      const auto slice = system_clock::now() + std::chrono::milliseconds(5);
      if (slice > deadline) return channel;
      channel->WaitForConnected(slice);
    }
  }

  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::atomic<size_t> turn_{0};
  std::mutex mutex_;  // over the token
  std::string token_;
};

}  // namespace

Result<std::unique_ptr<Client>> Client::connect(ClientOptions options) {
  gpr_set_log_function(log_once);
  if (options.endpoints.empty()) return unavailable("etcdclient: no available endpoints");
  auto client = std::make_unique<GrpcClient>(std::move(options));
  if (!client->options().user.empty()) {
    const Status status = client->authenticate();
    // A cluster without authentication serves everyone.
    if (!status.ok() && status.message() != "etcdserver: authentication is not enabled") {
      return Status(StatusCode::kUnauthenticated, status.message());
    }
  }
  return std::unique_ptr<Client>(std::move(client));
}

}  // namespace gatehouse::ctl

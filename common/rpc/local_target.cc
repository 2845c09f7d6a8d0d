#include "common/rpc/local_target.h"

#include <optional>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace gatehouse::rpc {
namespace {

// As http::ServerStream::kLowWater: who stopped at a full window goes on when it is this empty.
constexpr size_t kLowWater = 64 * 1024;

const char kDeadlineText[] = "context deadline exceeded";

Status too_large(size_t bytes, size_t limit) {
  return resource_exhausted("grpc: received message larger than max (" + std::to_string(bytes) +
                            " vs. " + std::to_string(limit) + ")");
}

// Messages on their way to one end. (std::deque allocates half a kilobyte before it holds any.)
class Queue {
 public:
  void push(std::string_view message) {
    bytes_ += message.size();
    messages_.emplace_back(message);
  }
  std::string pop() {
    std::string message = std::move(messages_[at_]);
    bytes_ -= message.size();
    if (++at_ == messages_.size()) {
      messages_.clear();
      at_ = 0;
    } else if (at_ >= 64 && at_ * 2 >= messages_.size()) {
      messages_.erase(messages_.begin(), messages_.begin() + static_cast<ptrdiff_t>(at_));
      at_ = 0;
    }
    return message;
  }
  void clear() {
    messages_.clear();
    at_ = 0;
    bytes_ = 0;
  }
  bool empty() const { return messages_.empty(); }
  size_t bytes() const { return bytes_; }

 private:
  std::vector<std::string> messages_;
  size_t at_ = 0;  // those before are gone
  size_t bytes_ = 0;
};

}  // namespace

// What the client holds of a call.
class LocalTarget::Handle final : public ClientCall {
 public:
  ~Handle() override;
  void send(std::string_view message) override;
  bool can_send() const override;
  void half_close() override;
  void want_message() override;

  Call* call = nullptr;  // null once the client has heard the end
};

// Both ends of a call. Deletes itself when neither is left.
class LocalTarget::Call final : private ServerCall {
 public:
  Call(LocalTarget& target, const CallOptions& options, ClientHandler& client, Handle& handle)
      : target_(target),
        client_(client),
        handle_(&handle),
        max_to_client_(options.max_receive_bytes) {
    handle.call = this;
    next_ = target.first_;
    if (next_ != nullptr) next_->previous_ = this;
    target.first_ = this;
    ++target.calls_;
  }

  ~Call() {
    observe_finish(StatusCode::kCanceled);  // a call that was counted in is counted out
    if (handle_ != nullptr) handle_->call = nullptr;
    (previous_ != nullptr ? previous_->next_ : target_.first_) = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
    --target_.calls_;
  }

  // A call that never reaches a handler.
  void refuse(Status status, Executed executed) {
    finished_ = true;
    result_.emplace(CallResult{std::move(status), {}, executed});
    schedule();
  }

  void open(const Server::Registered& method, const CallOptions& options) {
    method_ = method.method;
    factory_ = method.factory;
    metadata_ = options.metadata;
    if (options.peer != nullptr) own_peer_ = *options.peer;
    deadline_ms_ = options.deadline_ms;
    if (deadline_ms_) {
      deadline_timer_.emplace(target_.executor_, [this] { deadline_passed(); });
      deadline_timer_->arm(*deadline_ms_ - target_.executor_.now_ms());
    }
    schedule();
  }

  // ---- the client's end

  void client_sends(std::string_view message) {
    if (finished_) return;
    to_server_.push(message);
    if (!client_can_send()) client_blocked_ = true;
    schedule();
  }
  bool client_can_send() const { return to_server_.bytes() <= ClientCall::kSendWindow; }
  void client_half_closes() {
    half_closed_ = true;
    schedule();
  }
  void client_wants() {
    client_wants_ = true;
    schedule();
  }
  void client_goes() {
    handle_ = nullptr;
    cancel(Status(StatusCode::kCanceled, "context canceled"));
    schedule();
  }

  // ---- handing over; at the end of a turn

  // The last thing that may be done with the call: it may be gone.
  void hand_over() {
    queued_ = false;
    handing_over_ = true;
    to_handler();
    to_client();
    handing_over_ = false;
    if (handler_ == nullptr && handle_ == nullptr) {
      delete this;
    } else {
      schedule();
    }
  }

 private:
  friend class LocalTarget;

  // ServerCall
  const Method& method() const override { return *method_; }
  const Metadata& metadata() const override { return metadata_; }
  const env::PeerInfo& peer() const override { return own_peer_ ? *own_peer_ : target_.peer_; }
  env::Executor& executor() override { return target_.executor_; }
  std::optional<uint64_t> deadline_ms() const override { return deadline_ms_; }

  void send_initial_metadata(const Metadata& metadata) override {
    if (finished_ || head_sent_) return;
    head_sent_ = true;
    head_ = metadata;
    schedule();
  }

  void send(std::string_view message) override {
    if (finished_) return;
    head_sent_ = true;
    if (observed_) target_.server_.observer()->on_message_sent(*method_, message.size());
    to_client_.push(message);
    if (!can_send()) server_blocked_ = true;
    schedule();
  }

  bool can_send() const override { return to_client_.bytes() <= ServerCall::kSendWindow; }

  void finish(const Status& status, const Metadata& trailing) override {
    if (finished_) return;
    result_.emplace(CallResult{status, trailing, Executed::kYes});
    end_server(status.code());
    schedule();
  }

  void want_message() override {
    server_wants_ = true;
    schedule();
  }

  bool one_request() const {
    return method_->kind == MethodKind::kUnary || method_->kind == MethodKind::kServerStream;
  }

  void begin() {
    begun_ = true;
    if (ServerObserver* observer = target_.server_.observer()) {
      observed_ = true;
      started_us_ = target_.executor_.now_us();
      observer->on_call_started(*method_, metadata_);
    }
    handler_ = (*factory_)(*this);
    CHECK(handler_ != nullptr);
  }

  void to_handler() {
    if (!begun_ && !finished_) begin();
    while (!finished_ && server_wants_ && !to_server_.empty()) {
      const std::string message = to_server_.pop();
      const size_t limit = target_.server_.limits().max_receive_bytes;
      if (message.size() > limit) {
        fail(too_large(message.size(), limit));
        break;
      }
      server_wants_ = one_request();  // a second message is an error: not one to find out late
      if (++messages_ > 1 && one_request()) {
        fail(internal_error("cardinality violation: received multiple request messages for "
                            "non-client-streaming RPC"));
        break;
      }
      if (observed_) target_.server_.observer()->on_message_received(*method_, message.size());
      handler_->on_message(message);
    }
    if (half_close_due()) {
      half_close_told_ = true;
      if (one_request() && messages_ == 0) {
        fail(internal_error("cardinality violation: received no request message from "
                            "non-client-streaming RPC"));
      } else {
        handler_->on_half_close();
      }
    }
    if (!finished_ && server_blocked_ && to_client_.bytes() <= kLowWater) {
      server_blocked_ = false;
      handler_->on_can_send();
    }
    if (!finished_ || handler_ == nullptr) return;
    if (cancelled_) handler_->on_cancel(*cancelled_);
    handler_.reset();
  }

  void to_client() {
    if (handle_ != nullptr && head_sent_ && !std::exchange(head_told_, true)) {
      client_.on_initial_metadata(head_);
    }
    while (handle_ != nullptr && client_wants_ && !to_client_.empty()) {
      const std::string message = to_client_.pop();
      if (message.size() > max_to_client_) {
        end_client(too_large(message.size(), max_to_client_));
        cancel(Status(StatusCode::kCanceled, "context canceled"));
        break;
      }
      client_wants_ = false;
      client_.on_message(message);
    }
    if (handle_ != nullptr && client_blocked_ && to_server_.bytes() <= kLowWater) {
      client_blocked_ = false;
      client_.on_can_send();
    }
    // Messages come before the status, even where the client takes its time.
    if (handle_ == nullptr || !result_ || !to_client_.empty()) return;
    if (deadline_timer_) deadline_timer_->cancel();
    std::exchange(handle_, nullptr)->call = nullptr;
    client_.on_finish(*result_);
  }

  bool half_close_due() const {
    return half_closed_ && !half_close_told_ && !finished_ && to_server_.empty();
  }

  bool has_work() const {
    if (!begun_ && !finished_) return true;
    if (handler_ != nullptr &&
        (finished_ || (server_wants_ && !to_server_.empty()) || half_close_due() ||
         (server_blocked_ && to_client_.bytes() <= kLowWater))) {
      return true;
    }
    if (handle_ == nullptr) return handler_ == nullptr;  // to be deleted
    return (head_sent_ && !head_told_) || (client_wants_ && !to_client_.empty()) ||
           (client_blocked_ && to_server_.bytes() <= kLowWater) ||
           (result_ && to_client_.empty());
  }

  void schedule() {
    if (!queued_ && !handing_over_ && has_work()) {
      queued_ = true;
      target_.schedule(*this);
    }
  }

  // ---- the end

  // The handler hears nothing more, but for on_cancel.
  void end_server(StatusCode code) {
    finished_ = true;
    to_server_.clear();
    if (handle_ == nullptr && deadline_timer_) deadline_timer_->cancel();
    observe_finish(code);
  }

  // The server itself ends the call.
  void fail(const Status& status) {
    finish(status, {});
    cancelled_ = status;
  }

  // The client is no more.
  void cancel(Status why) {
    if (handle_ == nullptr) to_client_.clear();
    if (finished_) return;
    end_server(why.code());
    if (handler_ != nullptr) cancelled_ = std::move(why);
  }

  // The client's end gives up: what was still to come does not.
  void end_client(Status status) {
    to_client_.clear();
    result_.emplace(CallResult{std::move(status), {}, Executed::kMaybe});
  }

  void deadline_passed() {
    const Status status(StatusCode::kDeadlineExceeded, kDeadlineText);
    end_client(status);
    cancel(status);
    schedule();
  }

  void observe_finish(StatusCode code) {
    if (!std::exchange(observed_, false)) return;
    target_.server_.observer()->on_call_finished(*method_, code,
                                                 target_.executor_.now_us() - started_us_);
  }

  LocalTarget& target_;
  Call* previous_ = nullptr;
  Call* next_ = nullptr;

  ClientHandler& client_;
  Handle* handle_;  // null once the client has gone or heard the end
  const size_t max_to_client_;
  const Method* method_ = nullptr;
  const Server::HandlerFactory* factory_ = nullptr;
  Metadata metadata_;
  std::optional<env::PeerInfo> own_peer_;
  std::optional<uint64_t> deadline_ms_;
  std::optional<env::Timer> deadline_timer_;
  uint64_t started_us_ = 0;  // where observed_
  std::unique_ptr<ServerHandler> handler_;
  std::optional<Status> cancelled_;  // what the handler is still to be told

  Queue to_server_;
  Queue to_client_;
  Metadata head_;
  std::optional<CallResult> result_;
  uint32_t messages_ = 0;  // handed to the handler
  bool queued_ = false;    // in LocalTarget::ready_
  bool handing_over_ = false;
  bool begun_ = false;     // the handler was made
  bool finished_ = false;  // the server's end is over
  bool observed_ = false;  // the observer waits for on_call_finished
  bool server_wants_ = true;
  bool client_wants_ = true;
  bool server_blocked_ = false;  // may be waiting for on_can_send
  bool client_blocked_ = false;
  bool half_closed_ = false;
  bool half_close_told_ = false;
  bool head_sent_ = false;
  bool head_told_ = false;
};

LocalTarget::Handle::~Handle() {
  if (call != nullptr) call->client_goes();
}
void LocalTarget::Handle::send(std::string_view message) {
  if (call != nullptr) call->client_sends(message);
}
bool LocalTarget::Handle::can_send() const { return call == nullptr || call->client_can_send(); }
void LocalTarget::Handle::half_close() {
  if (call != nullptr) call->client_half_closes();
}
void LocalTarget::Handle::want_message() {
  if (call != nullptr) call->client_wants();
}

LocalTarget::LocalTarget(const Server& server, env::Executor& executor, env::PeerInfo peer)
    : server_(server),
      executor_(executor),
      peer_(std::move(peer)),
      next_turn_(executor, [this] { on_turn_end(); }) {}

LocalTarget::~LocalTarget() {
  while (first_ != nullptr) delete first_;
}

std::unique_ptr<ClientCall> LocalTarget::start(std::string_view path, const CallOptions& options,
                                               ClientHandler& handler) {
  auto handle = std::make_unique<Handle>();
  auto* call = new Call(*this, options, handler, *handle);
  const Result<Server::Registered> method = server_.find(path);
  if (!method.ok()) {
    call->refuse(method.status(), Executed::kYes);
  } else if (options.deadline_ms && *options.deadline_ms <= executor_.now_ms()) {
    call->refuse(Status(StatusCode::kDeadlineExceeded, kDeadlineText), Executed::kNo);
  } else {
    call->open(*method, options);
  }
  return handle;
}

void LocalTarget::schedule(Call& call) {
  ready_.push_back(&call);
  if (ready_.size() == 1) wake();
}

void LocalTarget::wake() {
  if (++rounds_ % kRoundsUntilTurn == 0) {
    next_turn_.arm(0);
  } else {
    executor_.at_turn_end(*this);
  }
}

void LocalTarget::on_turn_end() {
  // A call is deleted in its own hand_over only, so those that stand here are all alive.
  running_.swap(ready_);
  for (Call* call : running_) call->hand_over();
  running_.clear();
}

}  // namespace gatehouse::rpc

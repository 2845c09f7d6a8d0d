#include "common/rpc/subchannel.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/rpc/call_list.h"
#include "common/rpc/http_call.h"
#include "common/rpc/timeout.h"
#include "common/rpc/wire.h"

namespace gatehouse::rpc {

using httpio::ClientConnection;

std::string_view channel_state_name(ChannelState state) {
  switch (state) {
    case ChannelState::kIdle:
      return "idle";
    case ChannelState::kConnecting:
      return "connecting";
    case ChannelState::kReady:
      return "ready";
    case ChannelState::kTransientFailure:
      return "transient_failure";
  }
  return "unknown";
}

namespace {

// The host part of an address as users write it ("https://host:port/"); a Unix socket has none, and
// is "localhost" to its server, as in gRPC.
std::string authority_of(std::string_view address) {
  if (address.starts_with("unix")) return "localhost";
  const size_t scheme = address.find("://");
  if (scheme != std::string_view::npos) address.remove_prefix(scheme + 3);
  return std::string(address.substr(0, address.find('/')));
}

}  // namespace

class Subchannel::Impl final : public HttpCall::Owner,
                               public ClientConnection::Listener,
                               private env::TurnEndHook {
 public:
  Impl(Subchannel& self, env::Executor& executor, net::Dialer& dialer, env::Entropy& entropy,
       std::string address, SubchannelOptions options, Subchannel::Listener* listener);
  ~Impl() override;

  std::unique_ptr<ClientCall> start(std::string_view path, const CallOptions& options,
                                    ClientHandler& handler);
  void connect_now();
  void drain();

  void reset_backoff() { backoff_.reset(); }
  ChannelState state() const { return state_; }
  const Status& last_error() const { return last_error_; }
  const std::string& address() const { return address_; }
  size_t calls_in_flight() const { return open_.size(); }
  size_t calls_waiting() const { return waiting_.size(); }
  size_t connections() const { return connections_.size(); }

 private:
  struct Connection {
    std::unique_ptr<ClientConnection> link;
    bool was_ready = false;
    bool given_up = false;  // draining or lost, and seen to
    uint64_t ready_at_ms = 0;
  };

  // HttpCall::Owner
  void on_call_over(HttpCall& call) override;
  std::string waiting_for() const override;
  bool going() const override { return going_; }
  // ClientConnection::Listener
  void on_connection_state(ClientConnection& link, ClientConnection::State state) override;
  void on_can_open(ClientConnection& link) override;
  // env::TurnEndHook
  void on_turn_end() override;

  bool try_open(HttpCall& call, std::string_view path, const Metadata& metadata);
  void open_waiting();
  void connect_for_waiting();
  void connect();
  void retry();
  void give_up(Connection& connection);
  void fail_waiting();
  Status unreachable() const;
  size_t count(ClientConnection::State state) const;
  size_t usable() const;  // connections that take calls, now or soon
  void update_state();
  void install(ChannelState state);

  Subchannel& self_;
  env::Executor& executor_;
  net::Dialer& dialer_;
  env::Entropy& entropy_;
  const std::string address_;
  const SubchannelOptions options_;
  Subchannel::Listener* const listener_;

  ChannelState state_ = ChannelState::kIdle;
  ChannelState told_ = ChannelState::kIdle;
  Status last_error_;
  bool wanted_ = false;  // stays connected from the first use on
  bool going_ = false;
  bool failing_ = false;        // the last attempt to connect failed
  uint64_t attempt_at_ms_ = 0;  // when it began
  bool quick_loss_ = false;     // the last connection that was ready was so only for a moment
  Backoff backoff_;
  env::Timer backoff_timer_;  // armed: no new connection before it fires
  std::vector<Connection> connections_;
  CallList waiting_;
  CallList open_;
  http::RequestHead head_;  // of the next call, kept for its room
};

Subchannel::Impl::Impl(Subchannel& self, env::Executor& executor, net::Dialer& dialer,
                       env::Entropy& entropy, std::string address, SubchannelOptions options,
                       Subchannel::Listener* listener)
    : self_(self),
      executor_(executor),
      dialer_(dialer),
      entropy_(entropy),
      address_(std::move(address)),
      options_(std::move(options)),
      listener_(listener),
      backoff_(options_.backoff),
      backoff_timer_(executor, [this] { retry(); }) {
  head_.method = "POST";
  head_.scheme = options_.tls || address_.starts_with("https://") ? "https" : "http";
  head_.authority = options_.authority.empty() ? authority_of(address_) : options_.authority;
}

Subchannel::Impl::~Impl() {
  going_ = true;
  connections_.clear();  // aborts the calls that are open
  while (!waiting_.empty()) waiting_.first()->fail_unsent(unavailable("the channel was closed"));
  CHECK(open_.empty());
}

// ---- calls

std::unique_ptr<ClientCall> Subchannel::Impl::start(std::string_view path,
                                                    const CallOptions& options,
                                                    ClientHandler& handler) {
  auto call = std::make_unique<HttpCall>(executor_, *this, options, handler);
  waiting_.push_back(*call);
  if (options.deadline_ms && *options.deadline_ms <= executor_.now_ms()) {
    call->fail_unsent(Status(StatusCode::kDeadlineExceeded, "context deadline exceeded"));
    return call;
  }
  if (waiting_.size() == 1 && try_open(*call, path, options.metadata)) return call;
  wanted_ = true;
  if (options_.fail_fast && state_ == ChannelState::kTransientFailure) {
    call->fail_unsent(unreachable());
    return call;
  }
  if (waiting_.size() > options_.max_waiting_calls) {
    call->fail_unsent(unavailable("too many calls wait for " + waiting_for()));
    return call;
  }
  call->wait(path, options.metadata, options_.max_wait_ms);
  connect_for_waiting();
  return call;
}

bool Subchannel::Impl::try_open(HttpCall& call, std::string_view path, const Metadata& metadata) {
  for (Connection& connection : connections_) {
    if (!connection.link->can_open()) continue;
    http::Headers& headers = head_.headers;
    head_.path = path;
    headers.clear();
    headers.add("te", "trailers");
    headers.add("content-type", "application/grpc");
    headers.add("user-agent", options_.user_agent);
    if (options_.accept_gzip) headers.add("grpc-accept-encoding", "identity,gzip");
    if (call.deadline_ms()) {
      const uint64_t now = executor_.now_ms();
      headers.add("grpc-timeout",
                  format_timeout(*call.deadline_ms() > now ? *call.deadline_ms() - now : 0));
    }
    append_metadata(headers, metadata);
    http::ClientStream* stream = connection.link->open(head_, false, call.stream_handler());
    if (stream == nullptr) continue;
    waiting_.remove(call);
    open_.push_back(call);
    call.opened(*stream);
    return true;
  }
  return false;
}

void Subchannel::Impl::open_waiting() {
  while (HttpCall* call = waiting_.first()) {
    if (!try_open(*call, call->path(), call->metadata())) break;
  }
  connect_for_waiting();
}

void Subchannel::Impl::on_call_over(HttpCall& call) { call.list->remove(call); }

std::string Subchannel::Impl::waiting_for() const {
  std::string text = "a connection to " + address_;
  if (state_ == ChannelState::kReady) text = "a free stream to " + address_;
  if (!last_error_.ok()) text += ", last error: " + last_error_.message();
  return text;
}

Status Subchannel::Impl::unreachable() const {
  const std::string& why = last_error_.message();
  if (why.find(address_) != std::string::npos) return unavailable(why);
  return unavailable(address_ + ": " + why);
}

void Subchannel::Impl::fail_waiting() {
  while (!waiting_.empty()) waiting_.first()->fail_unsent(unreachable());
}

// ---- connections

size_t Subchannel::Impl::usable() const {
  return count(ClientConnection::State::kConnecting) + count(ClientConnection::State::kReady);
}

size_t Subchannel::Impl::count(ClientConnection::State state) const {
  return static_cast<size_t>(
      std::count_if(connections_.begin(), connections_.end(),
                    [state](const Connection& c) { return c.link->state() == state; }));
}

void Subchannel::Impl::connect() {
  backoff_timer_.cancel();
  attempt_at_ms_ = executor_.now_ms();
  Connection connection;
  connection.link =
      std::make_unique<ClientConnection>(executor_, dialer_, address_, options_.connection, *this);
  connections_.push_back(std::move(connection));
  update_state();
}

void Subchannel::Impl::retry() {
  if (usable() == 0 && wanted_) {
    connect();
  } else {
    connect_for_waiting();
    update_state();
  }
}

void Subchannel::Impl::connect_for_waiting() {
  if (waiting_.empty() || backoff_timer_.armed()) return;
  const size_t connecting = count(ClientConnection::State::kConnecting);
  const size_t ready = count(ClientConnection::State::kReady);
  if (connecting == 0 && ready < options_.max_connections) connect();
}

void Subchannel::Impl::connect_now() {
  wanted_ = true;
  if (usable() == 0) connect();
}

void Subchannel::Impl::drain() {
  wanted_ = false;
  failing_ = false;
  backoff_timer_.cancel();
  for (Connection& connection : connections_) connection.link->drain();
  update_state();
}

void Subchannel::Impl::on_connection_state(ClientConnection& link, ClientConnection::State state) {
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&link](const Connection& c) { return c.link.get() == &link; });
  CHECK(found != connections_.end());
  switch (state) {
    case ClientConnection::State::kConnecting:
      break;
    case ClientConnection::State::kReady:
      found->was_ready = true;
      found->ready_at_ms = executor_.now_ms();
      last_error_ = Status();
      failing_ = false;
      if (!quick_loss_) backoff_.reset();
      update_state();
      open_waiting();
      break;
    case ClientConnection::State::kDraining:
      give_up(*found);
      break;
    case ClientConnection::State::kClosed: {
      Connection lost = std::move(*found);
      connections_.erase(found);
      give_up(lost);
      executor_.destroy_later(std::move(lost.link));
      break;
    }
  }
}

// Connects again at once after a connection that served for a while, and after a first one that
// served for a moment. An endpoint that takes connections only to drop them is given the pauses of
// one that takes none.
void Subchannel::Impl::give_up(Connection& connection) {
  if (!connection.link->why_closed().ok()) last_error_ = connection.link->why_closed();
  if (std::exchange(connection.given_up, true)) return;
  const uint64_t now = executor_.now_ms();
  bool pause = true;
  if (connection.was_ready) {
    const bool quick = now - connection.ready_at_ms < options_.backoff.first_ms;
    pause = quick && quick_loss_;
    quick_loss_ = quick;
  } else {
    failing_ = true;
  }
  if (wanted_) {
    if (pause && !backoff_timer_.armed()) {
      // Counted from the attempt's start: one that took long has had its pause.
      const uint64_t due = attempt_at_ms_ + backoff_.next_ms(entropy_);
      backoff_timer_.arm(due > now ? due - now : 0);
    }
    if (usable() == 0 && !backoff_timer_.armed()) connect();
    if (usable() == 0 && failing_ && options_.fail_fast) fail_waiting();
  }
  update_state();
  connect_for_waiting();
}

void Subchannel::Impl::on_can_open(ClientConnection&) {
  if (!waiting_.empty()) open_waiting();
}

// ---- state

void Subchannel::Impl::update_state() {
  if (count(ClientConnection::State::kReady) > 0) {
    install(ChannelState::kReady);
  } else if (failing_ && wanted_) {
    install(ChannelState::kTransientFailure);
  } else if (count(ClientConnection::State::kConnecting) > 0 || backoff_timer_.armed()) {
    install(ChannelState::kConnecting);
  } else {
    install(ChannelState::kIdle);
  }
}

void Subchannel::Impl::install(ChannelState state) {
  state_ = state;
  if (state_ != told_ && listener_ != nullptr) executor_.at_turn_end(*this);
}

void Subchannel::Impl::on_turn_end() {
  if (told_ == state_) return;
  told_ = state_;
  listener_->on_subchannel_state(
      self_, state_, state_ == ChannelState::kTransientFailure ? last_error_ : Status());
}

// ---- Subchannel

Subchannel::Subchannel(env::Executor& executor, net::Dialer& dialer, env::Entropy& entropy,
                       std::string address, SubchannelOptions options, Listener* listener)
    : impl_(std::make_unique<Impl>(*this, executor, dialer, entropy, std::move(address),
                                   std::move(options), listener)) {}
Subchannel::~Subchannel() = default;

std::unique_ptr<ClientCall> Subchannel::start(std::string_view path, const CallOptions& options,
                                              ClientHandler& handler) {
  return impl_->start(path, options, handler);
}
void Subchannel::connect_now() { impl_->connect_now(); }
void Subchannel::reset_backoff() { impl_->reset_backoff(); }
void Subchannel::drain() { impl_->drain(); }
ChannelState Subchannel::state() const { return impl_->state(); }
const Status& Subchannel::last_error() const { return impl_->last_error(); }
const std::string& Subchannel::address() const { return impl_->address(); }
size_t Subchannel::calls_in_flight() const { return impl_->calls_in_flight(); }
size_t Subchannel::calls_waiting() const { return impl_->calls_waiting(); }
size_t Subchannel::connections() const { return impl_->connections(); }

}  // namespace gatehouse::rpc

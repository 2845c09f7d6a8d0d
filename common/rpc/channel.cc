#include "common/rpc/channel.h"

#include <algorithm>
#include <list>
#include <optional>
#include <utility>

#include "common/base/check.h"

namespace gatehouse::rpc {

size_t RoundRobin::pick(std::span<Subchannel* const> ready, std::string_view) {
  return static_cast<size_t>(next_++ % ready.size());
}

class ChannelCall;

class Channel::Impl final : public Subchannel::Listener {
 public:
  Impl(env::Executor& executor, net::Dialer& dialer, env::Entropy& entropy,
       std::vector<std::string> addresses, ChannelOptions options, std::unique_ptr<Picker> picker);
  ~Impl();

  std::unique_ptr<ClientCall> start(std::string_view path, const CallOptions& options,
                                    ClientHandler& handler);
  void set_addresses(const std::vector<std::string>& addresses);
  size_t ready_endpoints();

  env::Executor& executor() { return executor_; }
  const ChannelOptions& options() const { return options_; }

  // Starts the call on an endpoint, fails it, or lets it wait.
  void route(ChannelCall& call);
  void forget(ChannelCall& call);
  // A call came to its end: an endpoint that was taken off the list may have had its last.
  void sweep();

 private:
  void on_subchannel_state(Subchannel& subchannel, ChannelState state, const Status& why) override;
  std::span<Subchannel* const> ready();
  bool all_failing() const;
  Status unreachable() const;

  env::Executor& executor_;
  net::Dialer& dialer_;
  env::Entropy& entropy_;
  const ChannelOptions options_;
  const std::unique_ptr<Picker> picker_;
  std::vector<std::unique_ptr<Subchannel>> endpoints_;
  std::vector<std::unique_ptr<Subchannel>> retiring_;  // off the list, with calls under way
  std::vector<Subchannel*> ready_;                     // scratch of ready()
  std::list<ChannelCall*> waiting_;                    // for an endpoint to become ready
  std::list<ChannelCall*> calls_;                      // all others, until they are over
};

// A call that may be started twice: what it sends is kept until it cannot be sent again.
class ChannelCall final : public ClientCall, private ClientHandler {
 public:
  ChannelCall(Channel::Impl& channel, std::string_view path, const CallOptions& options,
              ClientHandler& handler)
      : channel_(&channel),
        executor_(channel.executor()),
        path_(path),
        options_(options),
        handler_(handler),
        timer_(channel.executor(), [this] { on_timer(); }) {}

  ~ChannelCall() override {
    inner_.reset();
    leave();
  }

  const std::string& path() const { return path_; }

  void wait() {
    const uint64_t now = executor_.now_ms();
    const uint64_t until = std::min(now + channel_->options().subchannel.max_wait_ms,
                                    options_.deadline_ms.value_or(UINT64_MAX));
    timer_.arm(until > now ? until - now : 0);
  }

  void start_on(Subchannel& subchannel) {
    timer_.cancel();
    inner_ = subchannel.start(path_, options_, *this);
    size_t at = 0;
    for (const size_t bytes : kept_sizes_) {
      inner_->send(std::string_view(kept_).substr(at, bytes));
      at += bytes;
    }
    if (half_closed_) inner_->half_close();
  }

  // The channel goes: no second try any more.
  void leave() {
    if (channel_ != nullptr) std::exchange(channel_, nullptr)->forget(*this);
  }

  void fail_later(Status status) {
    failure_ = std::move(status);
    leave();
    timer_.arm(0);
  }

  // ClientCall
  void send(std::string_view message) override {
    if (over()) return;
    if (inner_ != nullptr) inner_->send(message);
    if (committed_) return;
    if (inner_ != nullptr && (channel_ == nullptr || kept_.size() + message.size() >
                                                         channel_->options().max_replay_bytes)) {
      commit();
      return;
    }
    kept_.append(message);
    kept_sizes_.push_back(message.size());
  }
  bool can_send() const override {
    return inner_ != nullptr ? inner_->can_send() : kept_.size() <= kSendWindow;
  }
  void half_close() override {
    half_closed_ = true;
    if (inner_ != nullptr) inner_->half_close();
  }
  void want_message() override {
    if (inner_ != nullptr) inner_->want_message();
  }

  // Where the channel keeps it.
  std::list<ChannelCall*>* list = nullptr;
  std::list<ChannelCall*>::iterator position;

 private:
  // ClientHandler
  void on_initial_metadata(const Metadata& metadata) override {
    commit();
    handler_.on_initial_metadata(metadata);
  }
  void on_message(std::string_view message) override {
    commit();
    handler_.on_message(message);
  }
  void on_can_send() override { handler_.on_can_send(); }
  void on_finish(const CallResult& result) override {
    if (!committed_ && channel_ != nullptr && result.executed == Executed::kNo &&
        result.status.code() == StatusCode::kUnavailable && !std::exchange(retried_, true)) {
      inner_.reset();
      channel_->route(*this);
      return;
    }
    Channel::Impl* const channel = channel_;
    leave();
    if (channel != nullptr) channel->sweep();
    handler_.on_finish(result);  // may destroy this
  }

  bool over() const { return channel_ == nullptr && inner_ == nullptr; }

  void commit() {
    committed_ = true;
    kept_ = std::string();
    kept_sizes_.clear();
  }

  void on_timer() {
    if (failure_.ok()) {
      const bool deadline = options_.deadline_ms && executor_.now_ms() >= *options_.deadline_ms;
      failure_ = deadline ? Status(StatusCode::kDeadlineExceeded,
                                   "context deadline exceeded while waiting for an endpoint")
                          : unavailable("timed out while waiting for an endpoint");
    }
    leave();
    const CallResult result{failure_, {}, Executed::kNo};
    handler_.on_finish(result);  // may destroy this
  }

  Channel::Impl* channel_;  // null once it is over, or the channel is
  env::Executor& executor_;
  const std::string path_;
  const CallOptions options_;
  ClientHandler& handler_;
  env::Timer timer_;  // while it waits, or to tell failure_
  Status failure_;
  std::unique_ptr<ClientCall> inner_;
  bool committed_ = false;
  bool retried_ = false;
  bool half_closed_ = false;
  std::string kept_;
  std::vector<size_t> kept_sizes_;
};

// ---- Channel::Impl

Channel::Impl::Impl(env::Executor& executor, net::Dialer& dialer, env::Entropy& entropy,
                    std::vector<std::string> addresses, ChannelOptions options,
                    std::unique_ptr<Picker> picker)
    : executor_(executor),
      dialer_(dialer),
      entropy_(entropy),
      options_(std::move(options)),
      picker_(picker != nullptr ? std::move(picker) : std::make_unique<RoundRobin>(entropy)) {
  set_addresses(addresses);
}

Channel::Impl::~Impl() {
  // Calls on an endpoint hear of its end from there, without another try.
  while (!waiting_.empty()) waiting_.front()->fail_later(unavailable("the channel was closed"));
  while (!calls_.empty()) calls_.front()->leave();
}

std::unique_ptr<ClientCall> Channel::Impl::start(std::string_view path, const CallOptions& options,
                                                 ClientHandler& handler) {
  auto call = std::make_unique<ChannelCall>(*this, path, options, handler);
  route(*call);
  return call;
}

std::span<Subchannel* const> Channel::Impl::ready() {
  ready_.clear();
  for (const auto& endpoint : endpoints_) {
    if (endpoint->state() == ChannelState::kReady) ready_.push_back(endpoint.get());
  }
  return ready_;
}

bool Channel::Impl::all_failing() const {
  return std::all_of(endpoints_.begin(), endpoints_.end(), [](const auto& endpoint) {
    return endpoint->state() == ChannelState::kTransientFailure;
  });
}

Status Channel::Impl::unreachable() const {
  if (endpoints_.empty()) return unavailable("the channel has no endpoints");
  return unavailable("no endpoint can be reached, last error: " +
                     endpoints_.back()->last_error().message());
}

void Channel::Impl::route(ChannelCall& call) {
  forget(call);
  const std::span<Subchannel* const> choice = ready();
  call.list = choice.empty() ? &waiting_ : &calls_;
  call.position = call.list->insert(call.list->end(), &call);
  if (!choice.empty()) {
    const size_t picked = picker_->pick(choice, call.path());
    CHECK(picked < choice.size());
    call.start_on(*choice[picked]);
  } else if (endpoints_.empty() || (options_.subchannel.fail_fast && all_failing())) {
    call.fail_later(unreachable());
  } else {
    call.wait();
  }
}

void Channel::Impl::forget(ChannelCall& call) {
  if (call.list != nullptr) std::exchange(call.list, nullptr)->erase(call.position);
}

void Channel::Impl::on_subchannel_state(Subchannel&, ChannelState state, const Status&) {
  if (state == ChannelState::kReady) {
    // A call that is routed now starts; none comes back to this list.
    while (!waiting_.empty() && !ready().empty()) route(*waiting_.front());
  } else if (state == ChannelState::kTransientFailure && options_.subchannel.fail_fast &&
             all_failing()) {
    while (!waiting_.empty()) waiting_.front()->fail_later(unreachable());
  }
}

void Channel::Impl::set_addresses(const std::vector<std::string>& addresses) {
  std::vector<std::unique_ptr<Subchannel>> now;
  for (const std::string& address : addresses) {
    const auto same = [&address](const auto& e) { return e != nullptr && e->address() == address; };
    if (std::any_of(now.begin(), now.end(), same)) continue;
    const auto found = std::find_if(endpoints_.begin(), endpoints_.end(), same);
    if (found != endpoints_.end()) {
      now.push_back(std::move(*found));
    } else {
      now.push_back(std::make_unique<Subchannel>(executor_, dialer_, entropy_, address,
                                                 options_.subchannel, this));
      now.back()->connect_now();
    }
  }
  for (auto& endpoint : endpoints_) {
    if (endpoint == nullptr) continue;
    endpoint->drain();
    retiring_.push_back(std::move(endpoint));
  }
  endpoints_ = std::move(now);
  sweep();
  if (endpoints_.empty()) {
    while (!waiting_.empty()) waiting_.front()->fail_later(unreachable());
  }
}

void Channel::Impl::sweep() {
  std::erase_if(retiring_, [this](std::unique_ptr<Subchannel>& endpoint) {
    if (endpoint->calls_in_flight() + endpoint->calls_waiting() > 0) return false;
    executor_.destroy_later(std::move(endpoint));
    return true;
  });
}

size_t Channel::Impl::ready_endpoints() { return ready().size(); }

// ---- Channel

Channel::Channel(env::Executor& executor, net::Dialer& dialer, env::Entropy& entropy,
                 std::vector<std::string> addresses, ChannelOptions options,
                 std::unique_ptr<Picker> picker)
    : impl_(std::make_unique<Impl>(executor, dialer, entropy, std::move(addresses),
                                   std::move(options), std::move(picker))) {}
Channel::~Channel() = default;

std::unique_ptr<ClientCall> Channel::start(std::string_view path, const CallOptions& options,
                                           ClientHandler& handler) {
  return impl_->start(path, options, handler);
}
void Channel::set_addresses(const std::vector<std::string>& addresses) {
  impl_->set_addresses(addresses);
}
size_t Channel::ready_endpoints() const { return impl_->ready_endpoints(); }

}  // namespace gatehouse::rpc

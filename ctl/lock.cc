#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <optional>

#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/kv.h"
#include "ctl/methods.h"
#include "ctl/process.h"
#include "ctl/session.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

constexpr int64_t kElectionTtl = 60;  // seconds

// What ends the holding of a lock or a seat: a signal, or the loss of the session.
class Holding {
 public:
  // Made before the client: its threads must have the signals blocked.
  Holding() : signals_([this] { on_signal(); }) {}

  // From now on a signal makes this session give up, its loss ends wait() and the child.
  void watch(Session& session) {
    session.on_lost = [this] {
      const std::lock_guard lock(mutex_);
      lost_ = true;
      if (child_ != 0) kill(child_, SIGTERM);
      over_.notify_all();
    };
    const std::lock_guard lock(mutex_);
    session_ = &session;
    if (told_) session.give_up();
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    session_ = nullptr;
    child_ = 0;
  }
  void child(int pid) {
    const std::lock_guard lock(mutex_);
    child_ = pid;
    if (told_ || lost_) kill(child_, SIGTERM);
  }
  // Until one of them.
  void wait() {
    std::unique_lock lock(mutex_);
    over_.wait(lock, [this] { return told_ || lost_; });
  }
  void on_stop(std::function<void()> stop) {
    const std::lock_guard lock(mutex_);
    stop_ = std::move(stop);
    if (told_ && stop_) stop_();
  }
  bool told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  bool lost() {
    const std::lock_guard lock(mutex_);
    return lost_;
  }

 private:
  void on_signal() {
    const std::lock_guard lock(mutex_);
    told_ = true;
    if (session_ != nullptr) session_->give_up();
    if (child_ != 0) kill(child_, SIGTERM);
    if (stop_) stop_();
    over_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable over_;
  Session* session_ = nullptr;
  std::function<void()> stop_;
  int child_ = 0;
  bool told_ = false;
  bool lost_ = false;
  EndSignals signals_;  // the last: its thread uses what is above
};

Exit print_key(Invocation& in, const std::string& key) {
  pb::RangeRequest request;
  request.set_key(key);
  pb::RangeResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kRange, request, &response));
  CTL_RETURN_IF_FAILED(emit(in.out, response, look_of(response)));
  in.out.flush();
  return {};
}

Exit run_under_lock(Invocation& in, Holding& holding, const Session& session) {
  const std::vector<std::string> command(in.words.begin() + 1, in.words.end());
  const CommandEnd end = run_command(
      command,
      {"ETCD_LOCK_KEY=" + session.key(), "ETCD_LOCK_REV=" + std::to_string(session.revision())},
      [&](int pid) { holding.child(pid); });
  holding.child(0);
  return {end.code, end.text};
}

Exit hold_lock(Invocation& in, Holding& holding, Session& session) {
  CTL_RETURN_IF_ERROR(session.stand_in_line(in.words[0], ""));
  const Status turn = session.wait_for_turn();
  if (!turn.ok()) {
    (void)session.leave().ok();
    return holding.told() ? Exit{kExitError, "context canceled"} : failed(turn);
  }
  Exit exit;
  if (in.words.size() > 1) {
    exit = run_under_lock(in, holding, session);
  } else {
    exit = print_key(in, session.key());
    if (exit.ok()) holding.wait();
  }
  if (holding.lost()) return {kExitError, "session expired"};
  const Status left = session.leave();
  return exit.ok() && !left.ok() ? failed(left) : exit;
}

Exit campaign(Invocation& in, Holding& holding, Session& session) {
  CTL_RETURN_IF_ERROR(session.stand_in_line(in.words[0], in.words[1]));
  const Status turn = session.wait_for_turn();
  if (!turn.ok()) {
    (void)session.leave().ok();
    return holding.told() ? Exit{kExitError, "context canceled"} : failed(turn);
  }
  CTL_RETURN_IF_FAILED(print_key(in, session.key()));
  holding.wait();
  if (holding.lost()) return {kExitError, "elect: session expired"};
  CTL_RETURN_IF_ERROR(session.leave());
  return {};
}

// The leader as it is now and as it changes: the oldest key of the name.
Exit observe(Invocation& in, Holding& holding) {
  const std::string prefix = in.words[0] + "/";
  int64_t shown = 0;
  while (true) {
    pb::RangeRequest request;
    request.set_key(prefix);
    request.set_range_end(prefix_end(prefix));
    request.set_limit(1);
    request.set_sort_order(pb::RangeRequest::ASCEND);
    request.set_sort_target(pb::RangeRequest::CREATE);
    pb::RangeResponse leader;
    CTL_RETURN_IF_ERROR(in.client().call(rpc::kRange, request, &leader));
    if (leader.kvs_size() > 0 && leader.kvs(0).mod_revision() != shown) {
      shown = leader.kvs(0).mod_revision();
      leader.set_more(false);
      CTL_RETURN_IF_FAILED(emit(in.out, leader, look_of(leader)));
      in.out.flush();
    }
    const auto stream = in.client().open(rpc::kWatch, true);
    holding.on_stop([&stream] { stream->cancel(); });
    pb::WatchRequest watch;
    watch.mutable_create_request()->set_key(prefix);
    watch.mutable_create_request()->set_range_end(prefix_end(prefix));
    watch.mutable_create_request()->set_start_revision(leader.header().revision() + 1);
    stream->write(watch);
    pb::WatchResponse response;
    bool open = true;
    while ((open = stream->read(&response)) && response.events_size() == 0 &&
           !response.canceled()) {
    }
    holding.on_stop({});
    if (holding.told()) return {};
    if (open) continue;
    const Status status = stream->finish();
    if (status.code() != StatusCode::kUnavailable) CTL_RETURN_IF_ERROR(status);
  }
}

template <typename Hold>
Exit in_session(Invocation& in, Holding& holding, int64_t ttl, Hold hold) {
  Result<std::unique_ptr<Session>> session = Session::open(in.client(), ttl);
  CTL_RETURN_IF_ERROR(session.status());
  holding.watch(**session);
  Exit exit = hold(in, holding, **session);
  holding.forget();
  return exit;
}

}  // namespace

Exit run_lock(Invocation& in) {
  if (in.words.empty()) {
    return bad_arguments("lock takes a lock name argument and an optional command to execute");
  }
  Holding holding;
  CTL_RETURN_IF_FAILED(in.connect());
  return in_session(in, holding, in.flags.integer("ttl"), hold_lock);
}

Exit run_elect(Invocation& in) {
  if (in.words.empty() || in.words.size() > 2) {
    return bad_arguments(
        "elect takes one election name argument and an optional proposal argument");
  }
  const bool listen = in.flags.boolean("listen");
  if (!listen && in.words.size() == 1) return bad_arguments("no proposal argument but -l not set");
  if (listen && in.words.size() == 2) return bad_arguments("proposal given but -l is set");
  Holding holding;
  CTL_RETURN_IF_FAILED(in.connect());
  if (listen) return observe(in, holding);
  return in_session(in, holding, kElectionTtl, campaign);
}

}  // namespace gatehouse::ctl

#include "proxy/services/watch.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "proxy/services/kv.h"
#include "proxy/services/methods.h"
#include "proxy/services/watch_wire.h"

namespace gatehouse::services {

namespace {

using mirror::Mirror;
using mirror::WatchGroup;
using mirror::Watcher;

constexpr std::string_view kPath = "/etcdserverpb.Watch/Watch";
constexpr std::string_view kDuplicate = "mvcc: duplicate watch ID provided on the WatchStream";
constexpr std::string_view kTooSlow =
    "gatehouse: the client read too slowly, its place has left the proxy's history";

}  // namespace

class WatchCall final : public rpc::ServerHandler,
                        private mirror::WatchOwner,
                        private mirror::Reader::Waiter {
 public:
  WatchCall(rpc::ServerCall& call, WatchService& service)
      : call_(call),
        service_(service),
        wants_leader_(rpc::find(call.metadata(), "hasleader") == "true"),
        place_(service.calls_.insert(service.calls_.end(), this)),
        member_side_(*this) {
    if (wants_leader_ && !service_.leader_timer_.armed()) {
      service_.leader_timer_.arm(WatchService::kLeaderLookMs);
    }
  }
  ~WatchCall() override {
    abandon();
    service_.calls_.erase(place_);
  }

  bool wants_leader() const { return wants_leader_ && open_; }
  bool has_mirror_watchers() const { return mirror_watchers_ > 0; }

  void finish(const Status& status, const rpc::Metadata& trailing = {}) {
    abandon();
    call_.finish(status, trailing);
  }

  // The time for periodic progress, of watchers of one group or of all.
  void tick(const WatchGroup* only) {
    for (auto& [id, slot] : slots_) {
      Watcher* const watcher = slot.watcher.get();
      if (watcher == nullptr || !watcher->progress_notify) continue;
      if (only != nullptr && watcher->group != only) continue;
      if (std::exchange(watcher->told, false)) continue;
      const int64_t revision = watcher->group->known();
      if (!watcher->group->synced(*watcher) || watcher->start > revision || !can_send()) continue;
      send(mirror::encode_control(watcher->group->mirror(),
                                  {.watch_id = id, .revision = revision}));
    }
  }

  // rpc::ServerHandler
  void on_message(std::string_view bytes) override {
    const std::optional<WatchRequest> request = parse_watch_request(bytes);
    if (!request) {
      return finish(internal_error(
          "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data"));
    }
    switch (request->kind) {
      case WatchRequest::Kind::kCreate:
        create(request->create);
        break;
      case WatchRequest::Kind::kCancel:
        cancel(request->cancel_id);
        break;
      case WatchRequest::Kind::kProgress:
        ask_progress();
        break;
      case WatchRequest::Kind::kUnknown:
        break;  // of a newer client
    }
    want_next();
  }

  // The client only says that it will create no more.
  void on_half_close() override {}

  void on_can_send() override {
    if (!open_) return;
    for (auto& [id, slot] : slots_) {
      if (slot.watcher != nullptr && slot.watcher->parked) {
        slot.watcher->group->unpark(*slot.watcher);
      }
    }
    if (std::exchange(member_waits_, false) && member_) member_->want_message();
    want_next();
  }

  void on_cancel(const Status&) override { abandon(); }

 private:
  struct Slot {
    std::unique_ptr<Watcher> watcher;  // null: a member's
    Mirror* mirror = nullptr;
  };

  // The upstream stream of the watchers that are a member's.
  struct MemberSide final : rpc::ClientHandler {
    explicit MemberSide(WatchCall& owner) : self(owner) {}
    void on_message(std::string_view message) override { self.on_member(message); }
    void on_can_send() override { self.want_next(); }
    void on_finish(const rpc::CallResult& result) override {
      const rpc::CallResult kept = result;
      self.finish(kept.status, kept.trailing);
    }
    WatchCall& self;
  };

  // mirror::WatchOwner
  bool can_send() const override { return call_.can_send(); }
  void send(std::string_view response) override { call_.send(response); }
  void on_out_of_window(Watcher& watcher, int64_t oldest) override {
    send(mirror::encode_control(
        *slots_.find(watcher.id)->second.mirror,
        {.watch_id = watcher.id,
         .canceled = true,
         .compact_revision = oldest + 1,
         .reason = kTooSlow}));
    erase(watcher.id);
  }

  // One request at a time, none while answers pile up on either side.
  void want_next() {
    if (!open_ || waiting()) return;
    if (!call_.can_send() || (member_ && !member_->can_send())) return;
    call_.want_message();
  }

  void create(const WatchCreate& request) {
    const mirror::KeyRange range{request.key, request.range_end};
    const bool empty = !range.point() && !range.open() && range.end <= range.key;
    // Wrong requests are refused by a member, in its words, for no watcher.
    if (request.start < 0 || empty) return ask_member(request, std::nullopt);
    int64_t id = request.watch_id;
    if (id == 0) {
      while (slots_.contains(next_id_)) ++next_id_;
      id = next_id_++;
    } else if (slots_.contains(id) || id < 0 || id == INT64_MAX) {
      const Mirror& any = *service_.reader_.mirrors().all().front();
      return send(mirror::encode_control(any, {.revision = any.store.revision(),
                                               .created = true,
                                               .canceled = true,
                                               .reason = kDuplicate}));
    }
    Mirror* const mirror = service_.reader_.mirrors().find(range);
    slots_[id];
    if (mirror == nullptr || !mirror->serving() || !mirror->can_reach() ||
        !service_.group_of(*mirror).reaches(request.start)) {
      return ask_member(request, id);
    }
    if (request.start > 0) return add(*mirror, request, id);
    creating_ = Creating{mirror, request, id};
    service_.reader_.wait_current(*mirror, *this);
  }

  // mirror::Reader::Waiter
  void on_reached(const Status& status) override {
    if (creating_) {
      const Creating creating = *std::exchange(creating_, std::nullopt);
      // Also while no member answers: what the mirror has is what there is.
      if (creating.mirror->serving()) {
        add(*creating.mirror, creating.request, creating.id);
      } else {
        ask_member(creating.request, creating.id);
      }
    } else if (status.ok()) {
      go_on_with_progress();
    }
    want_next();
  }

  void add(Mirror& mirror, const WatchCreate& request, int64_t id) {
    auto watcher = std::make_unique<Watcher>();
    watcher->owner = this;
    watcher->id = id;
    watcher->key = request.key;
    watcher->end = request.range_end;
    watcher->start = request.start;
    watcher->shape = request.shape;
    watcher->fragment = request.fragment;
    watcher->progress_notify = request.progress_notify;
    WatchGroup& group = service_.group_of(mirror);
    const int64_t revision = group.add(*watcher);
    Slot& slot = slots_[id];
    slot.mirror = &mirror;
    slot.watcher = std::move(watcher);
    ++mirror_watchers_;
    send(mirror::encode_control(mirror, {.watch_id = id, .revision = revision, .created = true}));
  }

  void erase(int64_t id) {
    const auto found = slots_.find(id);
    if (found == slots_.end()) return;
    if (Watcher* const watcher = found->second.watcher.get(); watcher != nullptr) {
      if (watcher->group != nullptr) watcher->group->remove(*watcher);
      --mirror_watchers_;
    }
    slots_.erase(found);
  }

  void cancel(int64_t id) {
    const auto found = slots_.find(id);
    if (found == slots_.end()) return;
    if (found->second.watcher == nullptr) {
      if (member_) member_->send(encode_cancel(id + 1));
      return;
    }
    const Mirror& mirror = *found->second.mirror;
    erase(id);
    send(mirror::encode_control(
        mirror, {.watch_id = id, .revision = mirror.store.revision(), .canceled = true}));
  }

  // ---- progress

  void ask_progress() {
    if (slots_.empty() || waiting()) return;
    to_reach_.clear();
    for (const auto& [id, slot] : slots_) {
      if (slot.watcher == nullptr) continue;
      if (std::find(to_reach_.begin(), to_reach_.end(), slot.mirror) == to_reach_.end()) {
        to_reach_.push_back(slot.mirror);
      }
    }
    progress_mirrors_ = to_reach_;
    if (to_reach_.empty()) {
      progress_revision_ = INT64_MAX;
      if (member_) member_->send(encode_progress());
      return;
    }
    Mirror& first = *to_reach_.back();
    to_reach_.pop_back();
    service_.reader_.wait_current(first, *this);
  }

  // One mirror has got there; then the others, to where it is.
  void go_on_with_progress() {
    if (!to_reach_.empty()) {
      Mirror& next = *to_reach_.back();
      to_reach_.pop_back();
      return service_.reader_.wait_for(next, progress_mirrors_.back()->store.revision(), *this);
    }
    int64_t revision = INT64_MAX;
    for (Mirror* mirror : progress_mirrors_) {
      WatchGroup& group = service_.group_of(*mirror);
      group.on_changed();
      revision = std::min(revision, group.known());
    }
    size_t of_member = 0;
    for (const auto& [id, slot] : slots_) {
      if (slot.watcher == nullptr) {
        ++of_member;
      } else if (!slot.watcher->group->synced(*slot.watcher) || slot.watcher->start > revision) {
        return;
      }
    }
    if (slots_.empty()) return;
    if (of_member > 0) {
      progress_revision_ = revision;
      if (member_) member_->send(encode_progress());
      return;
    }
    send(mirror::encode_control(*progress_mirrors_.front(), {.revision = revision}));
  }

  // ---- the member's watchers

  void ask_member(const WatchCreate& request, std::optional<int64_t> id) {
    if (!member_) {
      member_ = service_.upstream_.start(
          kPath, {.stream = true, .repeat = upstream::Repeat::kUntilAnswered},
          onward_options(call_, service_.limits_), member_side_);
    }
    service_.reader_.metrics().member_watchers.add();
    ++member_watchers_;
    asked_.push_back(id);
    member_->send(encode_create(request, id ? *id + 1 : request.watch_id));
  }

  void on_member(std::string_view message) {
    const WatchResponseHead head = parse_watch_response(message);
    if (head.created) {
      const std::optional<int64_t> id = asked_.empty() ? std::nullopt : asked_.front();
      if (!asked_.empty()) asked_.pop_front();
      if (head.canceled && id) slots_.erase(*id);
      if (head.canceled) member_watcher_gone();
      send(head.canceled ? std::string(message) : with_watch_id(message, head.watch_id - 1));
    } else if (head.watch_id == -1) {
      const int64_t revision = std::min(head.revision, progress_revision_);
      send(mirror::encode_control(*service_.reader_.mirrors().all().front(),
                                  {.revision = revision}));
    } else {
      const int64_t id = head.watch_id - 1;
      if (head.canceled && slots_.erase(id) > 0) member_watcher_gone();
      send(with_watch_id(message, id));
    }
    if (!member_) return;
    if (call_.can_send()) {
      member_->want_message();
    } else {
      member_waits_ = true;
    }
  }

  void member_watcher_gone() {
    if (member_watchers_ == 0) return;
    --member_watchers_;
    service_.reader_.metrics().member_watchers.sub();
  }

  // Watchers go now, the handler when the call lets it.
  void abandon() {
    open_ = false;
    service_.reader_.cancel(*this);
    for (auto& [id, slot] : slots_) {
      if (slot.watcher != nullptr && slot.watcher->group != nullptr) {
        slot.watcher->group->remove(*slot.watcher);
      }
    }
    slots_.clear();
    mirror_watchers_ = 0;
    while (member_watchers_ > 0) member_watcher_gone();
    member_.reset();
  }

  struct Creating {
    Mirror* mirror;
    WatchCreate request;
    int64_t id;
  };

  rpc::ServerCall& call_;
  WatchService& service_;
  const bool wants_leader_;
  const std::list<WatchCall*>::iterator place_;
  bool open_ = true;
  std::map<int64_t, Slot> slots_;
  int64_t next_id_ = 0;
  size_t mirror_watchers_ = 0;
  std::optional<Creating> creating_;

  std::vector<Mirror*> progress_mirrors_;
  std::vector<Mirror*> to_reach_;
  int64_t progress_revision_ = INT64_MAX;  // what the mirrors have, while a member is asked

  MemberSide member_side_;
  std::unique_ptr<rpc::ClientCall> member_;
  std::deque<std::optional<int64_t>> asked_;  // creations the member has not answered, in order
  size_t member_watchers_ = 0;
  bool member_waits_ = false;  // for room towards the client
};

WatchService::WatchService(mirror::Reader& reader, upstream::Upstream& upstream,
                           UpstreamLimits limits)
    : reader_(reader),
      upstream_(upstream),
      limits_(limits),
      progress_timer_(reader.executor(),
                      [this] {
                        tick(nullptr);
                        progress_timer_.arm(kProgressMs);
                      }),
      leader_timer_(reader.executor(), [this] { look_for_leader(); }) {
  for (const auto& mirror : reader_.mirrors().all()) {
    groups_.push_back(
        std::make_unique<WatchGroup>(reader.executor(), *mirror, reader.metrics()));
    ticks_.push_back(mirror->ticks());
  }
  reader_.set_listener(this);
  progress_timer_.arm(kProgressMs);
}

WatchService::~WatchService() {
  reader_.set_listener(nullptr);
  CHECK(calls_.empty());
}

void WatchService::add_to(rpc::Server& server) {
  const Rpc rpc{"etcdserverpb.Watch", "Watch", rpc::MethodKind::kBidiStream,
                upstream::Repeat::kUntilAnswered};
  server.add({std::string(rpc.service), std::string(rpc.name), rpc.kind},
             [this, pass_on = passthrough_factory(upstream_, rpc, limits_)](
                 rpc::ServerCall& call) -> std::unique_ptr<rpc::ServerHandler> {
               if (has_credentials(call)) return pass_on(call);
               return std::make_unique<WatchCall>(call, *this);
             });
}

void WatchService::on_mirrors_changed() {
  for (size_t i = 0; i < groups_.size(); ++i) {
    groups_[i]->on_changed();
    const uint64_t ticks = groups_[i]->mirror().ticks();
    if (std::exchange(ticks_[i], ticks) != ticks) tick(groups_[i].get());
  }
}

void WatchService::tick(const WatchGroup* only) {
  for (WatchCall* call : calls_) call->tick(only);
}

void WatchService::look_for_leader() {
  const uint64_t now = reader_.executor().now_ms();
  bool leaderless = false;
  for (const auto& group : groups_) {
    const uint64_t since = group->mirror().cut_off_since_ms();
    leaderless = leaderless || (since != 0 && since + kLeaderlessMs <= now);
  }
  bool any = false;
  std::vector<WatchCall*> ended;
  for (WatchCall* call : calls_) {
    if (!call->wants_leader()) continue;
    any = true;
    if (leaderless && call->has_mirror_watchers()) ended.push_back(call);
  }
  for (WatchCall* call : ended) call->finish(unavailable("etcdserver: no leader"));
  if (any) leader_timer_.arm(kLeaderLookMs);
}

WatchGroup& WatchService::group_of(const Mirror& mirror) {
  for (const auto& group : groups_) {
    if (&group->mirror() == &mirror) return *group;
  }
  CHECK_MSG(false, "a mirror of other mirrors");
  std::abort();
}

}  // namespace gatehouse::services

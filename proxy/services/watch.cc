#include "proxy/services/watch.h"

#include <algorithm>
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
    request_ = parse_watch_request(bytes);
    if (!request_) {
      return finish(internal_error(
          "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data"));
    }
    // No header of ours is older than what this client has seen.
    Mirror* const mirror = mirror_of(*request_);
    if (mirror != nullptr && mirror->can_reach() && mirror->store.revision() < floor()) {
      return service_.reader_.wait_for(*mirror, floor(), *this);
    }
    take();
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
    int64_t member_id = 0;
  };

  // A creation or a cancellation at the member.
  struct Asked {
    int64_t member_id;
    int64_t id;  // the client's
    bool chosen_here;
    bool cancels;
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

  // One request at a time, each answered before the next is read, as a member does; none while
  // answers pile up on either side.
  void want_next() {
    if (!open_ || waiting() || asked_) return;
    if (!call_.can_send() || (member_ && !member_->can_send())) return;
    call_.want_message();
  }

  // What the client's connection has seen and some mirror has not; 0: nothing.
  int64_t floor() const { return service_.reader_.floor_of(call_.peer().address); }

  // Which mirror's revision the answer will tell; null: none's, or of one that gets no further.
  Mirror* mirror_of(const WatchRequest& request) {
    Mirror* mirror = nullptr;
    if (request.kind == WatchRequest::Kind::kCreate) {
      mirror = service_.reader_.mirrors().find({request.create.key, request.create.range_end});
    } else if (request.kind == WatchRequest::Kind::kCancel) {
      const auto found = slots_.find(request.cancel_id);
      if (found != slots_.end()) mirror = found->second.mirror;
    }
    return mirror != nullptr && mirror->serving() ? mirror : nullptr;
  }

  void take() {
    const WatchRequest request = *std::exchange(request_, std::nullopt);
    switch (request.kind) {
      case WatchRequest::Kind::kCreate:
        create(request.create);
        break;
      case WatchRequest::Kind::kCancel:
        cancel(request.cancel_id);
        break;
      case WatchRequest::Kind::kProgress:
        ask_progress();
        break;
      case WatchRequest::Kind::kUnknown:
        break;  // of a newer client
    }
    want_next();
  }

  void create(const WatchCreate& request) {
    const mirror::KeyRange range{request.key, request.range_end};
    const bool empty = !range.point() && !range.open() && range.end <= range.key;
    int64_t id = request.watch_id;
    if (id == 0) {
      while (slots_.contains(next_id_)) ++next_id_;
      id = next_id_;
    }
    // What may be wrong is a member's to judge, in the words and by the rules of its release: from
    // a negative start it watches from now on, or not at all.
    if (request.start < 0 || empty) return ask_member(request, id);
    if (slots_.contains(id)) return refuse_duplicate();
    Mirror* const mirror = service_.reader_.mirrors().find(range);
    if (mirror == nullptr || !mirror->serving() || !mirror->can_reach() ||
        !service_.group_of(*mirror).reaches(request.start)) {
      return ask_member(request, id);
    }
    if (request.start > 0) return add(*mirror, request, id);
    creating_ = Creating{mirror, request, id};
    service_.reader_.wait_current(*mirror, *this);
  }

  void refuse_duplicate() {
    const Mirror& any = *service_.reader_.mirrors().all().front();
    send(mirror::encode_control(any, {.revision = std::max(any.store.revision(), floor()),
                                      .created = true,
                                      .canceled = true,
                                      .reason = kDuplicate}));
  }

  // An id is taken when its watcher is there: who was refused has used up none.
  Slot& new_slot(int64_t id, bool chosen_here) {
    if (chosen_here) ++next_id_;
    return slots_[id];
  }

  // mirror::Reader::Waiter
  void on_reached(const Status& status) override {
    if (request_) return take();  // also while no member answers
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
    Slot& slot = new_slot(id, request.watch_id == 0);
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
      asked_ = Asked{found->second.member_id, id, false, true};
      member_->send(encode_cancel(found->second.member_id));
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
      member_->send(encode_progress());
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
      member_->send(encode_progress());
      return;
    }
    send(mirror::encode_control(*progress_mirrors_.front(), {.revision = revision}));
  }

  // ---- the member's watchers

  void ask_member(const WatchCreate& request, int64_t id) {
    if (!member_) {
      member_ = service_.upstream_.start(
          kPath, {.stream = true, .repeat = upstream::Repeat::kUntilAnswered},
          onward_options(call_, service_.limits_), member_side_);
    }
    asked_ = Asked{next_member_id_++, id, request.watch_id == 0, false};
    member_->send(encode_create(request, asked_->member_id));
  }

  void on_member(std::string_view message) {
    const WatchResponseHead head = parse_watch_response(message);
    if (head.created) {
      if (asked_ && !asked_->cancels) {
        on_member_created(*std::exchange(asked_, std::nullopt), head, message);
      }
    } else if (head.watch_id == -1) {
      const int64_t revision = std::min(head.revision, progress_revision_);
      send(mirror::encode_control(*service_.reader_.mirrors().all().front(),
                                  {.revision = revision}));
    } else if (const auto found = client_ids_.find(head.watch_id); found != client_ids_.end()) {
      const int64_t id = found->second;
      if (head.canceled) {
        slots_.erase(id);
        client_ids_.erase(found);
        service_.reader_.metrics().member_watchers.sub();
        // By this request, or by the member just before it came: then it has no other answer.
        if (asked_ && asked_->cancels && asked_->member_id == head.watch_id) asked_.reset();
      }
      send(with_watch_id(message, id));
    }
    if (!member_) return;
    if (call_.can_send()) {
      member_->want_message();
    } else {
      member_waits_ = true;
    }
    want_next();
  }

  void on_member_created(const Asked& asked, const WatchResponseHead& head,
                         std::string_view message) {
    if (head.canceled) return send(message);
    if (slots_.contains(asked.id)) {
      // From a negative start: a member that refuses none would now look at the id.
      member_->send(encode_cancel(asked.member_id));
      return refuse_duplicate();
    }
    new_slot(asked.id, asked.chosen_here).member_id = asked.member_id;
    client_ids_[asked.member_id] = asked.id;
    service_.reader_.metrics().member_watchers.add();
    send(with_watch_id(message, asked.id));
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
    for (size_t n = client_ids_.size(); n > 0; --n) {
      service_.reader_.metrics().member_watchers.sub();
    }
    client_ids_.clear();
    asked_.reset();
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
  std::optional<WatchRequest> request_;  // came, and waits for its mirror
  std::map<int64_t, Slot> slots_;
  int64_t next_id_ = 0;
  size_t mirror_watchers_ = 0;
  std::optional<Creating> creating_;

  std::vector<Mirror*> progress_mirrors_;
  std::vector<Mirror*> to_reach_;
  int64_t progress_revision_ = INT64_MAX;  // what the mirrors have, while a member is asked

  MemberSide member_side_;
  std::unique_ptr<rpc::ClientCall> member_;
  std::optional<Asked> asked_;             // what the member has not answered
  std::map<int64_t, int64_t> client_ids_;  // of its watchers, by its own
  int64_t next_member_id_ = 1;             // 0 would let it choose
  bool member_waits_ = false;              // for room towards the client
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

#include "proxy/mirror/reader.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/codec/proto_fields.h"

namespace gatehouse::mirror {

namespace {

constexpr std::string_view kRangePath = "/etcdserverpb.KV/Range";
// Range of one key that nobody has, count_only: the least a member can be asked for.
constexpr std::string_view kProbe("\x0a\x01\x00\x48\x01", 5);
constexpr uint64_t kLookMs = 250;

Status too_slow() { return Status(StatusCode::kDeadlineExceeded, "the mirror is behind"); }

}  // namespace

Reader::Reader(Mirrors& mirrors, upstream::Upstream& upstream, const Metrics& metrics)
    : mirrors_(mirrors),
      upstream_(upstream),
      executor_(upstream.executor()),
      metrics_(metrics),
      wake_(std::make_shared<Wake>(executor_, [this] { on_changed(); })),
      patience_(executor_, [this] { look_at_times(); }) {
  for (const auto& mirror : mirrors_.all()) {
    views_.push_back({mirror.get(), nullptr});
    mirror->listen(wake_);
  }
}

Reader::~Reader() {
  for (const auto& mirror : mirrors_.all()) mirror->forget(wake_);
  wake_->close();
  CHECK(next_probe_.empty() && in_probe_.empty() && reaching_.empty() && ready_.empty());
}

const View& Reader::view(const Mirror& mirror) {
  for (Cached& cached : views_) {
    if (cached.mirror != &mirror) continue;
    if (cached.view == nullptr || cached.view->revision != mirror.store.revision()) {
      cached.view = mirror.store.view();
      executor_.at_turn_end(*this);
    }
    return *cached.view;
  }
  CHECK_MSG(false, "a mirror of other mirrors");
  std::abort();
}

uint64_t Reader::age_ms(const Mirror& mirror) const {
  const uint64_t now = executor_.now_ms();
  const uint64_t fresh = mirror.fresh_ms();
  return now > fresh ? now - fresh : 0;
}

void Reader::put(Waiter& waiter, std::list<Waiter*>& list) {
  waiter.since_ms_ = executor_.now_ms();
  waiter.list_ = &list;
  waiter.place_ = list.insert(list.end(), &waiter);
}

void Reader::wait_current(Mirror& mirror, Waiter& waiter) {
  CHECK(!waiter.waiting());
  waiter.mirror_ = &mirror;
  waiter.revision_ = 0;
  put(waiter, next_probe_);
  // At the end of the turn, for all reads that arrived in it.
  if (!probe_call_) executor_.at_turn_end(*this);
}

void Reader::wait_for(Mirror& mirror, int64_t revision, Waiter& waiter) {
  CHECK(!waiter.waiting());
  waiter.mirror_ = &mirror;
  waiter.revision_ = revision;
  reach(waiter);
}

void Reader::cancel(Waiter& waiter) {
  if (!waiter.waiting()) return;
  waiter.list_->erase(waiter.place_);
  waiter.list_ = nullptr;
}

void Reader::on_turn_end() {
  if (!probe_call_ && !next_probe_.empty()) probe();
  // A view that is kept keeps what has been replaced since.
  for (Cached& cached : views_) cached.view.reset();
}

void Reader::probe() {
  metrics_.probes.add();
  for (Waiter* waiter : next_probe_) waiter->list_ = &in_probe_;
  in_probe_.splice(in_probe_.end(), next_probe_);
  rpc::CallOptions options;
  probe_asked_ms_ = executor_.now_ms();
  options.deadline_ms = probe_asked_ms_ + kPatienceMs;
  upstream::Target target(upstream_, {.repeat = upstream::Repeat::kUntilAnswered});
  probe_call_ = rpc::call_unary(target, kRangePath, options, kProbe,
                                [this](const rpc::CallResult& result, std::string_view response) {
                                  on_probed(result, response);
                                });
}

void Reader::on_probed(const rpc::CallResult& result, std::string_view response) {
  const Status status = result.status;
  const int64_t revision = status.ok() ? header_revision(response) : 0;
  executor_.at_turn_end(*this);  // the next probe, and the end of views taken here
  std::unique_ptr<rpc::ClientCall> done = std::move(probe_call_);
  if (!status.ok()) {
    if (status.code() == StatusCode::kInvalidArgument ||
        status.code() == StatusCode::kPermissionDenied) {
      mirrors_.suspect();
    }
    finish(in_probe_, status);
    return;
  }
  for (const auto& mirror : mirrors_.all()) mirror->confirm(revision, probe_asked_ms_);
  while (!in_probe_.empty()) {
    Waiter& waiter = *in_probe_.front();
    cancel(waiter);
    waiter.revision_ = revision;
    if (waiter.mirror_->store.revision() >= revision) {
      put(waiter, ready_);
    } else {
      reach(waiter);
    }
  }
  finish(ready_, Status());
}

void Reader::reach(Waiter& waiter) {
  put(waiter, reaching_);
  waiter.mirror_->want(waiter.revision_);
  if (!patience_.armed()) patience_.arm(kLookMs);
  // Published between the look and the waiting: nobody would ring again.
  if (waiter.mirror_->store.revision() >= waiter.revision_) wake_->ring();
}

void Reader::on_changed() {
  if (listener_ != nullptr) listener_->on_mirrors_changed();
  for (auto it = reaching_.begin(); it != reaching_.end();) {
    Waiter& waiter = **it++;
    if (waiter.mirror_->store.revision() < waiter.revision_) continue;
    cancel(waiter);
    put(waiter, ready_);
  }
  if (!floors_.empty()) drop_old_floors();
  finish(ready_, Status());
}

// Those who are told may wait again, in another list, or take others off this one.
void Reader::finish(std::list<Waiter*>& waiters, const Status& status) {
  while (!waiters.empty()) {
    Waiter& waiter = *waiters.front();
    cancel(waiter);
    waiter.on_reached(status);
  }
}

void Reader::look_at_times() {
  const uint64_t now = executor_.now_ms();
  std::list<Waiter*> late;
  while (!reaching_.empty() && reaching_.front()->since_ms_ + kPatienceMs <= now) {
    Waiter& waiter = *reaching_.front();
    cancel(waiter);
    put(waiter, late);
  }
  finish(late, too_slow());
  for (Waiter* waiter : reaching_) waiter->mirror_->want(waiter->revision_);
  if (!reaching_.empty()) patience_.arm(kLookMs);
}

void Reader::raise_floor(const std::string& peer, int64_t revision) {
  const bool reached =
      std::all_of(mirrors_.all().begin(), mirrors_.all().end(),
                  [&](const auto& mirror) { return mirror->store.revision() >= revision; });
  if (reached) return;
  int64_t& floor = floors_[peer];
  floor = std::max(floor, revision);
  highest_floor_ = std::max(highest_floor_, revision);
}

int64_t Reader::floor_of(const std::string& peer) const {
  if (floors_.empty()) return 0;
  const auto found = floors_.find(peer);
  return found == floors_.end() ? 0 : found->second;
}

void Reader::drop_old_floors() {
  int64_t least = INT64_MAX;
  for (const auto& mirror : mirrors_.all()) least = std::min(least, mirror->store.revision());
  if (least >= highest_floor_) {
    floors_.clear();
  } else if (floors_.size() > 10'000) {
    std::erase_if(floors_, [&](const auto& entry) { return entry.second <= least; });
  }
}

int64_t header_revision(std::string_view response) {
  codec::ProtoFields fields(response);
  if (!fields.next() || fields.number() != 1 || !fields.is_bytes()) return 0;
  codec::ProtoFields header(fields.bytes());
  while (header.next()) {
    if (header.number() == 3 && header.is_varint()) return header.int64();
  }
  return 0;
}

}  // namespace gatehouse::mirror

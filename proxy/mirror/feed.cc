#include "proxy/mirror/feed.h"

#include <algorithm>
#include <utility>

#include "common/codec/proto_fields.h"

namespace gatehouse::mirror {

namespace {

constexpr std::string_view kRangePath = "/etcdserverpb.KV/Range";
constexpr std::string_view kWatchPath = "/etcdserverpb.Watch/Watch";
constexpr std::string_view kStatusPath = "/etcdserverpb.Maintenance/Status";
constexpr uint64_t kCallTimeoutMs = 10'000;

constexpr upstream::CallKind kRead{.repeat = upstream::Repeat::kUntilAnswered};
// Never sent again by itself: where to go on is decided here.
constexpr upstream::CallKind kStream{.stream = true, .repeat = upstream::Repeat::kNever};

// Members refuse so where there is authentication and no name came with the request.
bool is_denial(const Status& status) {
  return status.code() == StatusCode::kPermissionDenied ||
         status.code() == StatusCode::kUnauthenticated ||
         (status.code() == StatusCode::kInvalidArgument &&
          status.message().find("user name") != std::string::npos);
}

std::string watch_request(const KeyRange& range, int64_t from) {
  std::string create;
  codec::append_bytes_field(create, 1, range.key);
  if (!range.end.empty()) codec::append_bytes_field(create, 2, range.end);
  codec::append_int64_field(create, 3, from);
  codec::append_bool_field(create, 4, true);  // progress_notify
  codec::append_bool_field(create, 8, true);  // fragment
  std::string request;
  codec::append_bytes_field(request, 1, create);
  return request;
}

}  // namespace

Feed::Feed(Mirror& mirror, const Mirrors& mirrors, upstream::Upstream& upstream,
           const Metrics& metrics)
    : mirror_(mirror),
      mirrors_(mirrors),
      upstream_(upstream),
      executor_(upstream.executor()),
      metrics_(metrics),
      wake_(std::make_shared<Wake>(executor_, [this] { ask_progress(); })),
      pause_timer_(executor_, [this] { go_on(); }),
      progress_timer_(executor_, [this] { ask_progress(); }),
      check_timer_(executor_, [this] { check(); }) {
  mirror_.set_cut_off(executor_.now_ms());
  mirror_.set_feed(wake_);
  list();
}

Feed::~Feed() {
  if (watch_call_) metrics_.upstream_watches.sub();
  mirror_.set_feed(nullptr);
  wake_->close();
}

// ---- the list

void Feed::list() {
  phase_ = Phase::kListing;
  metrics_.reloads.add();
  listed_ = Tree();
  listed_bytes_ = 0;
  list_revision_ = 0;
  next_key_.assign(mirror_.range().key);
  page_ = kFirstPage;
  asked_suspicions_ = mirror_.suspicions();
  ask_version();
  ask_page();
}

void Feed::ask_version() {
  rpc::CallOptions options;
  options.deadline_ms = executor_.now_ms() + kCallTimeoutMs;
  upstream::Target target(upstream_, kRead);
  version_call_ =
      rpc::call_unary(target, kStatusPath, options, "",
                      [this](const rpc::CallResult& result, std::string_view response) {
                        if (!result.status.ok()) return;
                        codec::ProtoFields fields(response);
                        while (fields.next()) {
                          if (fields.number() == 2) mirror_.set_version(fields.bytes());
                        }
                      });
}

void Feed::ask_page() {
  std::string request;
  codec::append_bytes_field(request, 1, next_key_);
  if (!mirror_.range().point()) codec::append_bytes_field(request, 2, mirror_.range().end);
  codec::append_int64_field(request, 3, page_);
  codec::append_int64_field(request, 4, list_revision_);
  rpc::CallOptions options;
  options.deadline_ms = executor_.now_ms() + kCallTimeoutMs;
  upstream::Target target(upstream_, kRead);
  asked_ms_ = list_revision_ == 0 ? executor_.now_ms() : asked_ms_;
  list_call_ = rpc::call_unary(target, kRangePath, options, request,
                               [this](const rpc::CallResult& result, std::string_view response) {
                                 on_page(result, response);
                               });
}

void Feed::on_page(const rpc::CallResult& result, std::string_view response) {
  if (!result.status.ok()) {
    if (is_denial(result.status)) mirror_.set_state(State::kDenied);
    return pause(Phase::kListing, result.status.message());
  }
  bool more = false;
  int64_t revision = 0;
  std::string_view last_key;
  codec::ProtoFields fields(response);
  while (fields.next()) {
    if (fields.number() == 1) learn(fields.bytes(), revision);
    if (fields.number() == 3) more = fields.boolean();
    if (fields.number() != 2) continue;
    EntryRef entry = EntryRef::parse(fields.bytes());
    if (!entry) return pause(Phase::kListing, "a page with a pair that is none");
    last_key = entry->key();
    listed_.put(std::move(entry));
  }
  if (!fields.ok() || revision == 0 || (more && last_key.empty())) {
    return pause(Phase::kListing, "an answer that is no RangeResponse");
  }
  if (list_revision_ == 0) list_revision_ = revision;
  listed_bytes_ += response.size();
  if (too_large()) return;
  if (more) {
    next_key_.assign(last_key);
    next_key_ += '\0';
    // As many keys as make a page of the right size, going by this one.
    if (response.size() < kPageBytes / 2) page_ = std::min<int64_t>(page_ * 2, 20'000);
    if (response.size() > kPageBytes) page_ = std::max<int64_t>(page_ / 2, 1);
    return ask_page();
  }
  const size_t keys = listed_.size();
  mirror_.store.reset(std::exchange(listed_, Tree()), list_revision_);
  mirror_.confirm(list_revision_, asked_ms_);
  cleared_suspicions_ = asked_suspicions_;
  pause_ms_ = 0;
  whole_ = true;
  LOG_INFO(upstream_.logger(), "mirror holds its range", {"prefix", mirror_.prefix()},
           {"revision", list_revision_}, {"keys", keys});
  open_or_deny();
  check_timer_.arm(kCheckMs);
  watch();
}

bool Feed::too_large() {
  const size_t own = phase_ == Phase::kListing ? listed_bytes_ : 0;
  if (mirrors_.bytes() + own <= mirrors_.options().max_bytes) return false;
  LOG_WARN(upstream_.logger(), "mirror dropped: over --mirror-max-bytes",
           {"prefix", mirror_.prefix()}, {"limit", mirrors_.options().max_bytes});
  check_timer_.cancel();
  check_call_.reset();
  if (watch_call_) metrics_.upstream_watches.sub();
  watch_call_.reset();
  listed_ = Tree();
  whole_ = false;
  mirror_.set_state(State::kTooLarge);
  mirror_.store.reset(Tree(), 0);
  pause_ms_ = kTooLargePauseMs;
  phase_ = Phase::kPausing;
  next_phase_ = Phase::kListing;
  pause_timer_.arm(kTooLargePauseMs);
  return true;
}

void Feed::pause(Phase then, std::string_view why) {
  phase_ = Phase::kPausing;
  next_phase_ = then;
  pause_ms_ = std::clamp(pause_ms_ * 2, kFirstPauseMs, kLongestPauseMs);
  LOG_WARN_LIMITED(upstream_.logger(), "mirror is not fed, trying again",
                   {"prefix", mirror_.prefix()}, {"error", why});
  pause_timer_.arm(pause_ms_);
}

void Feed::go_on() { next_phase_ == Phase::kListing ? list() : watch(); }

// ---- the watch

void Feed::watch() {
  phase_ = Phase::kWatching;
  watch_created_ = false;
  events_.clear();
  rpc::CallOptions options;
  // So that a member without a leader ends it, and another is found.
  options.metadata.emplace_back("hasleader", "true");
  metrics_.upstream_watches.add();
  watch_call_ = upstream_.start(kWatchPath, kStream, std::move(options), *this);
  watch_call_->send(watch_request(mirror_.range(), mirror_.store.revision() + 1));
}

void Feed::on_message(std::string_view response) {
  if (take_response(response) && watch_call_) watch_call_->want_message();
}

void Feed::on_finish(const rpc::CallResult& result) {
  metrics_.upstream_watches.sub();
  watch_call_.reset();
  progress_timer_.cancel();
  if (mirror_.cut_off_since_ms() == 0) mirror_.set_cut_off(executor_.now_ms());
  if (watch_created_) pause_ms_ = 0;
  metrics_.resumes.add();
  pause(Phase::kWatching, result.status.message());
}

// False when the watch is over.
bool Feed::take_response(std::string_view response) {
  int64_t revision = 0;
  int64_t watch_id = 0;
  bool created = false;
  bool canceled = false;
  bool fragment = false;
  bool events = false;
  int64_t compact_revision = 0;
  std::string_view reason;
  const uint64_t cluster = mirror_.cluster_id();
  codec::ProtoFields fields(response);
  bool good = true;
  while (good && fields.next()) {
    switch (fields.number()) {
      case 1:
        learn(fields.bytes(), revision);
        break;
      case 2:
        watch_id = fields.int64();
        break;
      case 3:
        created = fields.boolean();
        break;
      case 4:
        canceled = fields.boolean();
        break;
      case 5:
        compact_revision = fields.int64();
        break;
      case 6:
        reason = fields.bytes();
        break;
      case 7:
        fragment = fields.boolean();
        break;
      case 11:
        events = true;
        good = take_event(fields.bytes());
        break;
      default:
        break;
    }
  }
  const bool other_cluster = cluster != 0 && cluster != mirror_.cluster_id();
  if (!good || !fields.ok() || canceled || other_cluster) {
    metrics_.upstream_watches.sub();
    watch_call_.reset();
    progress_timer_.cancel();
    if (mirror_.cut_off_since_ms() == 0) mirror_.set_cut_off(executor_.now_ms());
    const bool resume = canceled && compact_revision == 0 && !other_cluster;
    // For want of a permission, perhaps.
    if (resume) mirror_.suspect();
    if (other_cluster) {
      whole_ = false;
      mirror_.set_state(State::kLoading);
    }
    pause(resume ? Phase::kWatching : Phase::kListing,
          reason.empty() ? "the watch was cancelled" : reason);
    return false;
  }
  if (created) {
    watch_created_ = true;
    mirror_.set_cut_off(0);
    if (mirror_.wanted() > mirror_.store.revision()) ask_progress();
    return true;
  }
  if (fragment) return true;
  if (!events && watch_id >= 0) mirror_.tick();
  apply(events ? 0 : revision);
  return !(phase_ == Phase::kWatching && too_large());
}

bool Feed::take_event(std::string_view bytes) {
  bool deleted = false;
  std::string_view pair;
  codec::ProtoFields fields(bytes);
  while (fields.next()) {
    if (fields.number() == 1) deleted = fields.int64() == 1;
    if (fields.number() == 2) pair = fields.bytes();
  }
  EntryRef entry = EntryRef::parse(pair);
  if (!fields.ok() || !entry) return false;
  events_.push_back({entry->revisions().modified, deleted, std::move(entry)});
  return true;
}

// What has come whole. `progress`: a revision up to which all is told, where a response says one.
void Feed::apply(int64_t progress) {
  const int64_t before = mirror_.store.revision();
  int64_t last = std::max(before, progress);
  metrics_.events_in.add(events_.size());
  for (Event& event : events_) {
    // A second time, or out of order: not what a member sends.
    if (event.revision <= before || event.revision < last) continue;
    last = event.revision;
    if (event.deleted) {
      mirror_.store.erase(event.revision, std::move(event.entry));
    } else {
      mirror_.store.put(event.revision, std::move(event.entry));
    }
  }
  events_.clear();
  mirror_.store.publish(last);
  if (confirmed_revision_ != 0 && last >= confirmed_revision_) {
    mirror_.confirm(confirmed_revision_, confirmed_ms_);
    confirmed_revision_ = 0;
  }
  mirror_.tell();
}

void Feed::ask_progress() {
  if (!watch_call_ || !watch_created_ || progress_timer_.armed()) return;
  if (mirror_.wanted() <= mirror_.store.revision() || !mirror_.progress_trusted()) return;
  if (!watch_call_->can_send()) return;
  std::string request;
  codec::append_bytes_field(request, 3, "");
  watch_call_->send(request);
  progress_timer_.arm(kProgressMs);
}

// ---- what members say beside

void Feed::learn(std::string_view header, int64_t& revision) {
  uint64_t cluster_id = 0;
  uint64_t member_id = 0;
  uint64_t raft_term = 0;
  codec::ProtoFields fields(header);
  while (fields.next()) {
    if (fields.number() == 1) cluster_id = fields.uint64();
    if (fields.number() == 2) member_id = fields.uint64();
    if (fields.number() == 3) revision = fields.int64();
    if (fields.number() == 4) raft_term = fields.uint64();
  }
  if (cluster_id != 0) mirror_.set_identity(cluster_id, member_id, raft_term);
}

void Feed::check() {
  std::string request;
  codec::append_bytes_field(request, 1, mirror_.range().key);
  codec::append_bool_field(request, 9, true);  // count_only
  rpc::CallOptions options;
  asked_ms_ = executor_.now_ms();
  asked_suspicions_ = mirror_.suspicions();
  options.deadline_ms = asked_ms_ + kCallTimeoutMs;
  upstream::Target target(upstream_, kRead);
  check_call_ = rpc::call_unary(target, kRangePath, options, request,
                                [this](const rpc::CallResult& result, std::string_view response) {
                                  on_checked(result, response);
                                });
}

void Feed::on_checked(const rpc::CallResult& result, std::string_view response) {
  check_timer_.arm(kCheckMs);
  if (!result.status.ok()) {
    if (is_denial(result.status)) cleared_suspicions_ = UINT64_MAX;
    open_or_deny();
    return;
  }
  int64_t revision = 0;
  codec::ProtoFields fields(response);
  while (fields.next()) {
    if (fields.number() == 1) learn(fields.bytes(), revision);
  }
  cleared_suspicions_ = asked_suspicions_;
  if (mirror_.store.revision() >= revision) {
    mirror_.confirm(revision, asked_ms_);
  } else {
    confirmed_revision_ = revision;
    confirmed_ms_ = asked_ms_;
    mirror_.want(revision);
  }
  open_or_deny();
}

void Feed::open_or_deny() {
  if (!whole_) return;
  const State state =
      cleared_suspicions_ == mirror_.suspicions() ? State::kServing : State::kDenied;
  if (mirror_.state() == state) return;
  mirror_.set_state(state);
  // Suspected meanwhile, on another loop: what was just set must not outlive that.
  if (cleared_suspicions_ != mirror_.suspicions()) mirror_.set_state(State::kDenied);
}

}  // namespace gatehouse::mirror

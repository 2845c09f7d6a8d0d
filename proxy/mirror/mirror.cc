#include "proxy/mirror/mirror.h"

#include <algorithm>
#include <charconv>

#include "common/codec/proto_fields.h"

namespace gatehouse::mirror {

namespace {

// The first key that does not begin with the prefix; "\0" where there is none.
std::string end_of_prefix(std::string prefix) {
  while (!prefix.empty() && static_cast<uint8_t>(prefix.back()) == 0xFF) prefix.pop_back();
  if (prefix.empty()) return std::string(1, '\0');
  ++prefix.back();
  return prefix;
}

// 3.4.23 as 3'004'023; 0 for what is no version.
int64_t number_of(std::string_view version) {
  int64_t parts[3] = {0, 0, 0};
  const char* at = version.data();
  const char* const end = at + version.size();
  for (int64_t& part : parts) {
    const auto [next, error] = std::from_chars(at, end, part);
    if (error != std::errc() || part < 0 || part > 999) return 0;
    at = next != end && *next == '.' ? next + 1 : end;
  }
  return parts[0] * 1'000'000 + parts[1] * 1'000 + parts[2];
}

template <typename T>
void raise(std::atomic<T>& value, T to) {
  T now = value.load();
  while (now < to && !value.compare_exchange_weak(now, to)) {
  }
}

}  // namespace

Mirror::Mirror(std::string prefix)
    : prefix_(std::move(prefix)),
      key_(prefix_.empty() ? std::string(1, '\0') : prefix_),
      end_(end_of_prefix(prefix_)) {}

void Mirror::suspect() {
  suspicions_.fetch_add(1, std::memory_order_acq_rel);
  State serving = State::kServing;
  state_.compare_exchange_strong(serving, State::kDenied);
}

void Mirror::append_header(int64_t revision, std::string& out) const {
  out += '\x0a';
  const size_t length_at = out.size();
  out += '\0';  // at most 4 * 11 bytes: one byte of length
  codec::append_uint64_field(out, 1, cluster_id_.load(std::memory_order_relaxed));
  codec::append_uint64_field(out, 2, member_id_.load(std::memory_order_relaxed));
  codec::append_int64_field(out, 3, revision);
  codec::append_uint64_field(out, 4, raft_term());
  out[length_at] = static_cast<char>(out.size() - length_at - 1);
}

void Mirror::confirm(int64_t revision, uint64_t asked_ms) {
  if (store.revision() >= revision) raise(fresh_ms_, asked_ms);
}

void Mirror::want(int64_t revision) {
  if (store.revision() >= revision) return;
  raise(wanted_, revision);
  const std::lock_guard lock(mutex_);
  if (feed_ != nullptr) feed_->ring();
}

void Mirror::listen(const std::shared_ptr<Wake>& wake) {
  const std::lock_guard lock(mutex_);
  listeners_.push_back(wake);
}

void Mirror::forget(const std::shared_ptr<Wake>& wake) {
  const std::lock_guard lock(mutex_);
  std::erase(listeners_, wake);
}

void Mirror::set_state(State state) {
  state_.store(state, std::memory_order_release);
  tell();
}

void Mirror::tell() {
  const std::lock_guard lock(mutex_);
  for (const std::shared_ptr<Wake>& wake : listeners_) wake->ring();
}

void Mirror::set_identity(uint64_t cluster_id, uint64_t member_id, uint64_t raft_term) {
  cluster_id_.store(cluster_id, std::memory_order_relaxed);
  member_id_.store(member_id, std::memory_order_relaxed);
  raise(raft_term_, raft_term);
}

void Mirror::set_version(std::string_view version) {
  const int64_t number = number_of(version);
  keys_only_with_lease_ = number != 0 && number < 3'007'000;
  progress_trusted_ = number >= 3'005'013 || (number >= 3'004'031 && number < 3'005'000);
}

void Mirror::set_feed(std::shared_ptr<Wake> feed) {
  const std::lock_guard lock(mutex_);
  feed_ = std::move(feed);
}

Mirrors::Mirrors(const MirrorsOptions& options) : options_(options) {
  for (const std::string& prefix : options_.prefixes) {
    mirrors_.push_back(std::make_unique<Mirror>(prefix));
  }
}

Mirror* Mirrors::find(const KeyRange& range) const {
  for (const auto& mirror : mirrors_) {
    if (mirror->range().covers(range)) return mirror.get();
  }
  return nullptr;
}

size_t Mirrors::bytes() const {
  size_t sum = 0;
  for (const auto& mirror : mirrors_) sum += mirror->store.bytes();
  return sum;
}

void Mirrors::suspect() {
  for (const auto& mirror : mirrors_) mirror->suspect();
}

void Mirrors::compact(int64_t revision) {
  for (const auto& mirror : mirrors_) mirror->store.compact(revision);
}

}  // namespace gatehouse::mirror

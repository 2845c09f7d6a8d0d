#include "proxy/mirror/store.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/codec/proto_fields.h"

namespace gatehouse::mirror {

namespace {

// What malloc adds, about.
constexpr size_t kAllocation = 16;
// Nodes that a change copies: a leaf and three above it.
constexpr size_t kCopiedNodes = sizeof(Tree::Node) + 3 * sizeof(InnerNode);

size_t bytes_of(const EntryRef& entry) {
  return entry ? Entry::overhead() + entry->record().size() + kAllocation : 0;
}

// What it keeps that the newest tree does not.
size_t bytes_of(const Step& step) {
  size_t bytes = sizeof(Step) + step.replaced_bytes;
  for (const Change& change : step.changes) {
    bytes += sizeof(Change) + kCopiedNodes;
    if (change.deleted) bytes += bytes_of(change.entry);
  }
  return bytes;
}

auto first_from(const std::deque<std::shared_ptr<const Step>>& steps, int64_t revision) {
  return std::lower_bound(steps.begin(), steps.end(), revision,
                          [](const auto& step, int64_t r) { return step->revision < r; });
}

}  // namespace

void Store::reset(Tree tree, int64_t revision) {
  pending_.clear();
  tree_ = std::move(tree);
  record_bytes_ = 0;
  tree_.visit({std::string_view("\0", 1), std::string_view("\0", 1)}, [&](const Entry& entry) {
    record_bytes_ += Entry::overhead() + entry.record().size() + kAllocation;
    return true;
  });
  auto view = std::make_shared<const View>(View{revision, tree_});
  const std::lock_guard lock(mutex_);
  steps_.clear();
  window_bytes_ = 0;
  oldest_ = revision;
  oldest_tree_ = tree_;
  compacted_ = 0;
  view_ = std::move(view);
  revision_.store(revision, std::memory_order_release);
  bytes_.store(record_bytes_ + Tree::node_bytes(tree_.size()), std::memory_order_relaxed);
}

Step& Store::pending(int64_t revision) {
  if (pending_.empty() || pending_.back()->revision != revision) {
    CHECK_MSG(revision > (pending_.empty() ? this->revision() : pending_.back()->revision),
              "events out of order");
    if (!pending_.empty()) pending_.back()->tree = tree_;
    pending_.push_back(std::make_shared<Step>());
    pending_.back()->revision = revision;
  }
  return *pending_.back();
}

EntryRef Store::before_step(const Step& step, std::string_view key,
                            const EntryRef& replaced) const {
  if (!replaced || replaced->revisions().modified < step.revision) return replaced;
  // Changed twice in this revision.
  const Tree& before = pending_.size() > 1 ? pending_[pending_.size() - 2]->tree : view_->tree;
  return before.get(key);
}

void Store::put(int64_t revision, EntryRef entry) {
  Step& step = pending(revision);
  record_bytes_ += bytes_of(entry);
  const EntryRef replaced = tree_.put(entry);
  record_bytes_ -= bytes_of(replaced);
  step.replaced_bytes += bytes_of(replaced);
  const bool creation = entry->revisions().created == revision;
  EntryRef previous = creation ? EntryRef() : before_step(step, entry->key(), replaced);
  step.changes.push_back({false, std::move(entry), std::move(previous)});
}

void Store::erase(int64_t revision, EntryRef tombstone) {
  Step& step = pending(revision);
  const EntryRef replaced = tree_.erase(tombstone->key());
  if (!replaced) return;
  record_bytes_ -= bytes_of(replaced);
  step.replaced_bytes += bytes_of(replaced);
  EntryRef previous = before_step(step, tombstone->key(), replaced);
  step.changes.push_back({true, std::move(tombstone), std::move(previous)});
}

void Store::publish(int64_t revision) {
  if (!pending_.empty()) {
    pending_.back()->tree = tree_;
    CHECK(pending_.back()->revision <= revision);
  }
  if (revision <= this->revision()) return;
  auto view = std::make_shared<const View>(View{revision, tree_});
  std::shared_ptr<const View> old;  // destroyed after the lock
  {
    const std::lock_guard lock(mutex_);
    for (std::shared_ptr<Step>& step : pending_) {
      window_bytes_ += bytes_of(*step);
      steps_.push_back(std::move(step));
    }
    trim();
    old = std::exchange(view_, std::move(view));
    revision_.store(revision, std::memory_order_release);
    bytes_.store(record_bytes_ + Tree::node_bytes(tree_.size()) + window_bytes_,
                 std::memory_order_relaxed);
  }
  pending_.clear();
}

void Store::trim() {
  while (steps_.size() > kMaxSteps || (window_bytes_ > kMaxWindowBytes && !steps_.empty())) {
    const std::shared_ptr<const Step> gone = std::move(steps_.front());
    steps_.pop_front();
    window_bytes_ -= bytes_of(*gone);
    oldest_ = gone->revision;
    oldest_tree_ = gone->tree;
  }
}

std::shared_ptr<const View> Store::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

int64_t Store::oldest() const {
  const std::lock_guard lock(mutex_);
  return oldest_;
}

std::optional<Tree> Store::at(int64_t revision) const {
  const std::lock_guard lock(mutex_);
  if (revision < std::max(oldest_, compacted_) || revision > view_->revision) return std::nullopt;
  auto after = first_from(steps_, revision + 1);
  return after == steps_.begin() ? oldest_tree_ : (*std::prev(after))->tree;
}

bool Store::steps(int64_t from, size_t limit,
                  std::vector<std::shared_ptr<const Step>>& out) const {
  const std::lock_guard lock(mutex_);
  if (from <= oldest_) return false;
  for (auto it = first_from(steps_, from); it != steps_.end() && limit > 0; ++it, --limit) {
    out.push_back(*it);
  }
  return true;
}

void Store::compact(int64_t revision) {
  const std::lock_guard lock(mutex_);
  // Watchers may begin at the compacted revision itself, so that its step stays.
  while (!steps_.empty() && steps_.front()->revision < revision) {
    oldest_ = steps_.front()->revision;
    oldest_tree_ = steps_.front()->tree;
    window_bytes_ -= bytes_of(*steps_.front());
    steps_.pop_front();
  }
  oldest_ = std::max(oldest_, std::min(revision - 1, view_->revision));
  compacted_ = std::max(compacted_, revision);
}

int64_t Store::compacted() const {
  const std::lock_guard lock(mutex_);
  return compacted_;
}

EntryRef make_tombstone(std::string_view key, int64_t revision) {
  std::string record;
  codec::append_bytes_field(record, 1, key);
  codec::append_int64_field(record, 3, revision);
  return EntryRef::parse(record);
}

}  // namespace gatehouse::mirror

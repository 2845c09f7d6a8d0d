// A store in memory, as far as watching looks at one, and the log of what happened for models.
// One thread.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/codec/varint.h"
#include "member/mvcc/store.h"
#include "member/mvcc/watch_frame.h"

namespace gatehouse::mvcc::testing {

struct LogEntry {
  Revision revision;
  bool deleted = false;
  std::string key;
  std::string record;  // as the store keeps it: of a deletion only the key
  int64_t created = 0;
  int64_t version = 0;
};

struct FakeLog {
  std::vector<std::unique_ptr<LogEntry>> entries;
  std::map<std::string, std::vector<const LogEntry*>, std::less<>> by_key;

  // The living pair at a revision, or null.
  const LogEntry* at(std::string_view key, int64_t revision) const {
    const auto found = by_key.find(key);
    if (found == by_key.end()) return nullptr;
    const LogEntry* last = nullptr;
    for (const LogEntry* entry : found->second) {
      if (entry->revision.main <= revision) last = entry;
    }
    return last == nullptr || last->deleted ? nullptr : last;
  }
};

class FakeView final : public View {
 public:
  FakeView(std::shared_ptr<const FakeLog> log, int64_t revision, int64_t compacted)
      : log_(std::move(log)), revision_(revision), compacted_(compacted) {}
  int64_t revision() const override { return revision_; }
  int64_t compacted() const override { return compacted_; }
  int64_t count(std::string_view, std::string_view, int64_t) const override { return 0; }
  void items(std::string_view key, std::string_view end, int64_t at, int64_t,
             std::vector<Item>& out) const override {
    CHECK(end.empty() && at >= compacted_ && at <= revision_);
    const LogEntry* entry = log_->at(key, at);
    if (entry != nullptr) out.push_back({entry->key, entry->revision, entry->created, 1});
  }
  std::string_view record(Revision put) const override {
    for (const auto& entry : log_->entries) {
      if (entry->revision == put) return entry->record;
    }
    CHECK(false);
  }
  void history(int64_t first, int64_t last,
               const std::function<bool(const Row&)>& visit) const override {
    CHECK(last <= revision_ && first >= compacted_);
    auto it = std::lower_bound(
        log_->entries.begin(), log_->entries.end(), first,
        [](const std::unique_ptr<LogEntry>& e, int64_t r) { return e->revision.main < r; });
    for (; it != log_->entries.end() && (*it)->revision.main <= last; ++it) {
      const std::string copy = (*it)->record;  // valid during the visit only
      if (!visit({(*it)->revision, (*it)->deleted, copy})) return;
    }
  }

 private:
  const std::shared_ptr<const FakeLog> log_;
  const int64_t revision_;
  const int64_t compacted_;
};

class FakeStore : public Store {
 public:
  struct Op {
    bool deleted = false;
    std::string key;
    std::string value;
  };

  // One transaction: no key twice. Deletions of absent keys do nothing.
  void commit(const std::vector<Op>& ops) {
    const int64_t main = revision_ + 1;
    int64_t sub = 0;
    for (const Op& op : ops) {
      const LogEntry* before = log_->at(op.key, revision_);
      if (op.deleted && before == nullptr) continue;
      auto entry = std::make_unique<LogEntry>();
      entry->revision = {main, sub++};
      entry->deleted = op.deleted;
      entry->key = op.key;
      entry->created = before != nullptr ? before->created : main;
      entry->version = before != nullptr ? before->version + 1 : 1;
      entry->record = encode(*entry, op.value);
      Change change;
      change.revision = entry->revision;
      change.deleted = op.deleted;
      change.record = op.deleted ? tombstone_record(op.key, main) : entry->record;
      change.key_offset = op.key.size() < 128 ? 2 : 3;
      change.key_bytes = static_cast<uint32_t>(op.key.size());
      change.created = entry->created;
      changes_.push_back(std::move(change));
      log_->by_key[op.key].push_back(entry.get());
      log_->entries.push_back(std::move(entry));
    }
    if (sub > 0) revision_ = main;
  }
  void put(std::string key, std::string value) { commit({{false, std::move(key), std::move(value)}}); }
  void del(std::string key) { commit({{true, std::move(key), ""}}); }
  void compact_to(int64_t revision) { compacted_ = revision; }
  int64_t revision() const { return revision_; }
  int64_t compacted() const { return compacted_; }
  const FakeLog& log() const { return *log_; }

  std::unique_ptr<WriteTxn> write() override { CHECK(false); }
  bool run_writer_tasks() override { return false; }
  std::vector<Change> publish() override { return std::exchange(changes_, {}); }
  const ReadTxn& read() const override { CHECK(false); }
  Status compact(int64_t, UniqueFunction<void()>) override { return Status(); }
  Status restore(backend::Backend&) override { return Status(); }
  std::shared_ptr<const View> view() const override {
    return std::make_shared<FakeView>(log_, revision_, compacted_);
  }
  Result<HashResult> hash_kv(int64_t) const override { return HashResult(); }
  std::vector<HashResult> compaction_hashes() const override { return {}; }

 private:
  static std::string encode(const LogEntry& entry, std::string_view value) {
    std::string out;
    const auto bytes = [&out](char tag, std::string_view of) {
      out += tag;
      codec::append_varint(out, of.size());
      out += of;
    };
    const auto number = [&out](char tag, int64_t of) {
      out += tag;
      codec::append_varint(out, static_cast<uint64_t>(of));
    };
    bytes(0x0A, entry.key);
    if (entry.deleted) return out;
    number(0x10, entry.created);
    number(0x18, entry.revision.main);
    number(0x20, entry.version);
    bytes(0x2A, value);
    return out;
  }

  std::shared_ptr<FakeLog> log_ = std::make_shared<FakeLog>();
  std::vector<Change> changes_;
  int64_t revision_ = 1;
  int64_t compacted_ = -1;
};

}  // namespace gatehouse::mvcc::testing

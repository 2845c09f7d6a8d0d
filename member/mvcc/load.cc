#include "member/mvcc/load.h"

#include <algorithm>

#include "member/mvcc/key_value.h"
#include "member/mvcc/reading.h"
#include "member/schema/meta.h"
#include "member/schema/revision.h"

namespace gatehouse::mvcc {
namespace {

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
    text += "0123456789abcdef"[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

Status bad_row(std::string_view bucket, std::string_view key, std::string_view why) {
  return Status(StatusCode::kDataLoss, "bucket " + std::string(bucket) + ", row " + hex(key) +
                                           ": " + std::string(why));
}

Result<int64_t> read_compaction(const backend::Reader& reader, std::string_view name) {
  std::string_view value;
  if (!reader.get(backend::Bucket::kMeta, name, value)) return int64_t{-1};
  const std::optional<schema::ParsedRevisionKey> parsed = schema::parse_revision_key(value);
  if (!parsed || parsed->revision.main < 0) {
    return bad_row("meta", name, "not a revision: " + hex(value));
  }
  return parsed->revision.main;
}

class Rows {
 public:
  // Why the row makes no sense; "" when it does.
  std::string_view add(std::string_view row_key, std::string_view record) {
    const std::optional<schema::ParsedRevisionKey> row = schema::parse_revision_key(row_key);
    if (!row) return "not a revision";
    const Revision at = row->revision;
    if (at.main < 1 || at.sub < 0 || at.sub > UINT32_MAX) return "revision out of bounds";
    if (at == last_) return "both a put and a deletion";
    KeyValue pair;
    if (!parse_key_value(record, pair)) return "not a mvccpb.KeyValue";
    if (pair.key.size() > UINT32_MAX) return "key too large";
    if (row->tombstone) {
      pair.created = pair.version = 0;
    } else {
      if (pair.modified != at.main) return "mod_revision is not that of the row";
      if (pair.created < 1 || pair.created > at.main) return "create_revision out of bounds";
      if (pair.version < 1) return "version out of bounds";
      if (pair.lease != 0) leased_.emplace_back(at, pair.lease);
    }
    versions_.push_back(KeyVersion::make(pair.key, at, pair.created, pair.version, nullptr));
    last_ = at;
    return {};
  }

  ~Rows() {
    for (const KeyVersion* version : versions_) std::free(const_cast<KeyVersion*>(version));
  }

  int64_t last() const { return last_.main; }

  void finish(Loaded& loaded) {
    loaded.index->build(std::exchange(versions_, {}));
    if (leased_.empty()) return;
    loaded.index->tree().walk_living(
        kAllKeys, [&](const KeyVersion& newest) {
          const auto leased = std::lower_bound(
              leased_.begin(), leased_.end(), newest.modified(),
              [](const auto& a, const Revision& revision) { return a.first < revision; });
          if (leased != leased_.end() && leased->first == newest.modified()) {
            loaded.leases.emplace_back(newest.key(), leased->second);
          }
          return true;
        });
  }

 private:
  std::vector<const KeyVersion*> versions_;
  std::vector<std::pair<Revision, int64_t>> leased_;  // puts under a lease, in order
  Revision last_;
};

}  // namespace

Result<Loaded> load(const backend::Reader& reader) {
  Loaded loaded;
  Result<int64_t> finished = read_compaction(reader, schema::kFinishedCompaction);
  GATEHOUSE_RETURN_IF_ERROR(finished.status());
  Result<int64_t> scheduled = read_compaction(reader, schema::kScheduledCompaction);
  GATEHOUSE_RETURN_IF_ERROR(scheduled.status());
  Rows rows;
  Status status;
  reader.scan(backend::Bucket::kKey, {}, {}, [&](std::string_view key, std::string_view record) {
    const std::string_view why = rows.add(key, record);
    if (!why.empty()) status = bad_row("key", key, why);
    return why.empty();
  });
  GATEHOUSE_RETURN_IF_ERROR(status);
  loaded.finished = *finished;
  loaded.scheduled = *scheduled;
  loaded.revision = std::max({rows.last(), *finished, *scheduled, int64_t{1}});
  rows.finish(loaded);
  return loaded;
}

}  // namespace gatehouse::mvcc

#include "member/mvcc/file_rows.h"

#include <algorithm>

#include "member/mvcc/key_value.h"
#include "member/mvcc/load.h"
#include "member/mvcc/reading.h"
#include "member/mvcc/row_hash.h"
#include "member/schema/revision.h"

namespace gatehouse::mvcc {

Result<HashResult> hash_rows(const backend::Reader& reader, int64_t revision) {
  const Result<Loaded> loaded = load(reader);
  GATEHOUSE_RETURN_IF_ERROR(loaded.status());
  const int64_t compacted = std::max(loaded->finished, loaded->scheduled);
  if (revision > loaded->revision) {
    return Status(StatusCode::kOutOfRange, "mvcc: required revision is a future revision");
  }
  if (revision > 0 && revision < compacted) {
    return Status(StatusCode::kOutOfRange, "mvcc: required revision has been compacted");
  }
  const int64_t at = revision <= 0 ? loaded->revision : revision;
  const Tree tree = loaded->index->tree();
  RowHash hash(at, compacted, false);
  const schema::RevisionKey end(Revision{at + 1, 0});
  reader.scan(backend::Bucket::kKey, {}, end, [&](std::string_view key, std::string_view record) {
    const std::optional<schema::ParsedRevisionKey> row = schema::parse_revision_key(key);
    KeyValue pair;
    if (row && parse_key_value(record, pair)) {
      hash.add(tree, key, row->revision, row->tombstone, pair.key, record);
    }
    return true;
  });
  return HashResult{hash.value(), compacted, at};
}

Result<RowSummary> summarize_rows(const backend::Reader& reader) {
  const Result<Loaded> loaded = load(reader);
  GATEHOUSE_RETURN_IF_ERROR(loaded.status());
  RowSummary summary;
  summary.living_keys = static_cast<uint64_t>(count_keys(loaded->index->tree(), kAllKeys, kNow));
  reader.scan(backend::Bucket::kKey, {}, {}, [&](std::string_view key, std::string_view) {
    if (const auto row = schema::parse_revision_key(key)) summary.revision = row->revision.main;
    return true;
  });
  return summary;
}

}  // namespace gatehouse::mvcc

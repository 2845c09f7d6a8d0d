// hash_kv: the checksum of all rows, on the caller's thread.
#include <chrono>

#include "member/mvcc/key_value.h"
#include "member/mvcc/metrics.h"
#include "member/mvcc/row_hash.h"
#include "member/mvcc/store_impl.h"

namespace gatehouse::mvcc {
namespace {

// Rows read with one view, so that no page is kept for long.
constexpr int64_t kRowsPerView = 50'000;

}  // namespace

// Nothing when a compaction took rows away in between.
std::optional<HashResult> MvccStore::try_hash(int64_t revision, bool in_steps) const {
  std::shared_ptr<const StoreView> view = store_view();
  const int64_t compacted = view->compacted();
  if (!view->check_revision(revision).ok()) return std::nullopt;
  RowHash hash(revision, compacted, false);
  const schema::RevisionKey end(Revision{revision + 1, 0});
  std::string next;
  while (true) {
    int64_t rows = 0;
    bool more = false;
    const Tree tree = view->tree();
    view->rows().scan(
        backend::Bucket::kKey, next, end, [&](std::string_view key, std::string_view record) {
          if (in_steps && rows++ == kRowsPerView) {
            next = key;
            more = true;
            return false;
          }
          const std::optional<schema::ParsedRevisionKey> row = schema::parse_revision_key(key);
          KeyValue pair;
          if (row && parse_key_value(record, pair)) {
            hash.add(tree, key, row->revision, row->tombstone, pair.key, record);
          }
          return true;
        });
    if (!more) return HashResult{hash.value(), compacted, revision};
    view = store_view();
    if (view->compacted() != compacted || view->revision() < revision) return std::nullopt;
  }
}

Result<HashResult> MvccStore::hash_kv(int64_t revision) const {
  const auto start = std::chrono::steady_clock::now();
  for (const HashResult& known : compaction_hashes()) {
    if (known.revision == revision) return known;
  }
  for (bool in_steps = true;; in_steps = false) {
    const std::shared_ptr<const View> now = view();
    GATEHOUSE_RETURN_IF_ERROR(now->check_revision(revision));
    const std::optional<HashResult> result =
        try_hash(revision <= 0 ? now->revision() : revision, in_steps);
    if (!result) continue;
    if (options_.metrics != nullptr) {
      options_.metrics->hash_duration.observe(std::chrono::steady_clock::now() - start);
    }
    return *result;
  }
}

}  // namespace gatehouse::mvcc

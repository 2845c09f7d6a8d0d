#include "member/mvcc/write_txn.h"

#include "common/codec/varint.h"
#include "member/mvcc/key_value.h"
#include "member/mvcc/metrics.h"

namespace gatehouse::mvcc {

using backend::Bucket;
using schema::RevisionKey;

std::unique_ptr<WriteTxn> MvccStore::write() { return std::make_unique<Txn>(*this); }

MvccStore::Txn::Txn(MvccStore& store) : store_(store) {
  CHECK_MSG(!store_.in_txn_, "two transactions at once");
  store_.in_txn_ = true;
}

void MvccStore::Txn::put(std::string_view key, std::string_view value, int64_t lease) {
  const Revision at{next_revision(), changes_++};
  const KeyVersion& version = store_.index_->put(key, at);
  const KeyValue pair{key, version.created(), at.main, version.version(), value, lease};
  std::string record;
  record.reserve(key_value_size(pair));
  append_key_value(record, pair);
  store_.backend_->writer().append(Bucket::kKey, RevisionKey(at), record);

  KeyLeases* leases = store_.options_.leases;
  if (leases != nullptr && (lease != 0 || version.version() > 1)) {
    const int64_t before = leases->lease_of(key);
    if (lease != before && lease != 0) leases->attach(key, lease);
    if (lease != before && lease == 0) leases->detach(key);
  }
  if (const Metrics* metrics = store_.options_.metrics) {
    metrics->puts.add();
    metrics->put_bytes.add(static_cast<int64_t>(key.size() + value.size()));
    if (version.version() == 1) metrics->keys.add();
  }
  const auto key_bytes = static_cast<uint32_t>(key.size());
  const auto key_offset = static_cast<uint32_t>(1 + codec::varint_size(key.size()));
  store_.changes_.push_back(
      {at, false, std::move(record), key_offset, key_bytes, version.created()});
}

int64_t MvccStore::Txn::delete_range(std::string_view key, std::string_view end) {
  std::vector<Item> items;
  list_keys(store_.index_->tree(), KeyRange(key, end), kNow, 0, items);
  KeyLeases* leases = store_.options_.leases;
  std::string row;
  for (const Item& item : items) {
    const Revision at{next_revision(), changes_++};
    row.clear();
    append_key_value(row, {.key = item.key});
    store_.backend_->writer().append(Bucket::kKey, RevisionKey(at, true), row);
    std::string record = row;
    record.reserve(row.size() + 1 + codec::kMaxVarintBytes);
    append_key_value(record, {.modified = at.main});
    if (leases != nullptr && leases->lease_of(item.key) != 0) leases->detach(item.key);
    const auto key_bytes = static_cast<uint32_t>(item.key.size());
    const auto key_offset = static_cast<uint32_t>(row.size() - item.key.size());
    store_.changes_.push_back({at, true, std::move(record), key_offset, key_bytes, 0});
    store_.index_->remove(item.key, at);
  }
  if (const Metrics* metrics = store_.options_.metrics) {
    metrics->deletes.add(items.size());
    metrics->keys.sub(static_cast<int64_t>(items.size()));
  }
  return static_cast<int64_t>(items.size());
}

void MvccStore::Txn::finish() {
  CHECK(!finished_);
  finished_ = true;
  store_.in_txn_ = false;
  if (changed()) ++store_.revision_;
  if (store_.options_.metrics != nullptr) store_.options_.metrics->txns.add();
}

}  // namespace gatehouse::mvcc

#include "member/mvcc/range.h"

#include <algorithm>
#include <numeric>

#include "common/codec/proto_fields.h"
#include "common/codec/varint.h"
#include "member/mvcc/key_value.h"

namespace gatehouse::mvcc {
namespace {

bool has_filter(const RangeQuery& query) {
  return query.min_mod_revision != 0 || query.max_mod_revision != 0 ||
         query.min_create_revision != 0 || query.max_create_revision != 0;
}

bool passes(const RangeQuery& query, const Item& item) {
  const int64_t modified = item.modified.main;
  return (query.min_mod_revision == 0 || modified >= query.min_mod_revision) &&
         (query.max_mod_revision == 0 || modified <= query.max_mod_revision) &&
         (query.min_create_revision == 0 || item.created >= query.min_create_revision) &&
         (query.max_create_revision == 0 || item.created <= query.max_create_revision);
}

std::string_view value_of(std::string_view record) {
  KeyValue pair;
  return parse_key_value(record, pair) ? pair.value : std::string_view();
}

template <typename Of>
void sort_items(std::vector<Item>& items, bool descending, const Of& of) {
  std::stable_sort(items.begin(), items.end(), [&](const Item& a, const Item& b) {
    return descending ? of(b) < of(a) : of(a) < of(b);
  });
}

void sort_by_value(const ReadTxn& txn, bool descending, RangeOutcome& outcome) {
  struct Valued {
    std::string_view value;
    std::string_view record;
    Item item;
  };
  std::vector<Valued> valued;
  valued.reserve(outcome.items.size());
  for (const Item& item : outcome.items) {
    const std::string_view record = txn.record(item.modified);
    valued.push_back({value_of(record), record, item});
  }
  std::stable_sort(valued.begin(), valued.end(), [&](const Valued& a, const Valued& b) {
    return descending ? b.value < a.value : a.value < b.value;
  });
  for (size_t i = 0; i < valued.size(); ++i) {
    outcome.items[i] = valued[i].item;
    outcome.records.push_back(valued[i].record);
  }
}

// The keys of the range, filtered, in the order asked for. A target without an order means ascending
// by it, but, as in etcd, of the first `limit` + 1 keys only.
void fetch_all(const ReadTxn& txn, const RangeQuery& query, RangeOutcome& outcome) {
  std::vector<Item>& items = outcome.items;
  const bool cut = query.sort_order == static_cast<int32_t>(SortOrder::kNone) &&
                   query.limit > 0 && query.limit < INT64_MAX && !has_filter(query);
  txn.items(query.key, query.range_end, query.revision, cut ? query.limit + 1 : 0, items);
  outcome.count = cut ? txn.count(query.key, query.range_end, query.revision)
                      : static_cast<int64_t>(items.size());
  if (has_filter(query)) std::erase_if(items, [&](const Item& i) { return !passes(query, i); });
  const bool descending = query.sort_order == static_cast<int32_t>(SortOrder::kDescend);
  switch (static_cast<SortTarget>(query.sort_target)) {
    case SortTarget::kKey:
      if (descending) std::reverse(items.begin(), items.end());
      break;
    case SortTarget::kVersion:
      sort_items(items, descending, [](const Item& i) { return i.version; });
      break;
    case SortTarget::kCreate:
      sort_items(items, descending, [](const Item& i) { return i.created; });
      break;
    case SortTarget::kMod:
      sort_items(items, descending, [](const Item& i) { return i.modified.main; });
      break;
    case SortTarget::kValue:
      sort_by_value(txn, descending, outcome);
      break;
  }
  outcome.more = query.limit > 0 && outcome.items.size() > static_cast<size_t>(query.limit);
  if (!outcome.more) return;
  items.resize(static_cast<size_t>(query.limit));
  if (!outcome.records.empty()) outcome.records.resize(items.size());
}

// In the order of keys and without filters: what the limit leaves is all that is looked at.
void fetch_first(const ReadTxn& txn, const RangeQuery& query, RangeOutcome& outcome) {
  txn.items(query.key, query.range_end, query.revision, query.limit, outcome.items);
  outcome.count = static_cast<int64_t>(outcome.items.size());
  if (query.limit <= 0 || outcome.count < query.limit) return;
  outcome.count = txn.count(query.key, query.range_end, query.revision);
  outcome.more = outcome.count > query.limit;
}

// The record without its value.
void append_bare(const RangeOutcome& outcome, size_t i, std::string* out, size_t& size) {
  const Item& item = outcome.items[i];
  KeyValue pair;
  if (!outcome.records.empty() && !parse_key_value(outcome.records[i], pair)) pair = KeyValue();
  pair.key = item.key;
  pair.created = item.created;
  pair.modified = item.modified.main;
  pair.version = item.version;
  pair.value = {};
  size = key_value_size(pair);
  if (out == nullptr) return;
  *out += '\x12';
  codec::append_varint(*out, size);
  append_key_value(*out, pair);
}

}  // namespace

bool parse_range_request(std::string_view bytes, RangeQuery& out) {
  out = RangeQuery();
  codec::ProtoFields field(bytes);
  while (field.next()) {
    if (field.number() > 13) continue;
    const bool text = field.number() <= 2;
    if (text ? !field.is_bytes() : !field.is_varint()) return false;
    const int64_t number = field.int64();
    switch (field.number()) {
      case 1:
        out.key = field.bytes();
        break;
      case 2:
        out.range_end = field.bytes();
        break;
      case 3:
        out.limit = number;
        break;
      case 4:
        out.revision = number;
        break;
      case 5:
        out.sort_order = static_cast<int32_t>(number);
        break;
      case 6:
        out.sort_target = static_cast<int32_t>(number);
        break;
      case 7:
        out.serializable = number != 0;
        break;
      case 8:
        out.keys_only = number != 0;
        break;
      case 9:
        out.count_only = number != 0;
        break;
      case 10:
        out.min_mod_revision = number;
        break;
      case 11:
        out.max_mod_revision = number;
        break;
      case 12:
        out.min_create_revision = number;
        break;
      default:
        out.max_create_revision = number;
        break;
    }
  }
  return field.ok();
}

Status range(const ReadTxn& txn, const RangeQuery& query, RangeOutcome& outcome) {
  outcome.items.clear();
  outcome.records.clear();
  outcome.keys_only = query.keys_only;
  outcome.more = false;
  GATEHOUSE_RETURN_IF_ERROR(txn.check_revision(query.revision));
  if (query.count_only) {
    outcome.count = txn.count(query.key, query.range_end, query.revision);
    return Status();
  }
  const bool by_key = query.sort_target == static_cast<int32_t>(SortTarget::kKey) &&
                      query.sort_order != static_cast<int32_t>(SortOrder::kDescend);
  if (by_key && !has_filter(query)) {
    fetch_first(txn, query, outcome);
  } else {
    fetch_all(txn, query, outcome);
  }
  if (query.keys_only || outcome.records.size() == outcome.items.size()) return Status();
  outcome.records.reserve(outcome.items.size());
  for (const Item& item : outcome.items) outcome.records.push_back(txn.record(item.modified));
  return Status();
}

size_t range_item_size(const RangeOutcome& outcome, size_t i) {
  size_t size = outcome.keys_only ? 0 : outcome.records[i].size();
  if (outcome.keys_only) append_bare(outcome, i, nullptr, size);
  return 1 + codec::varint_size(size) + size;
}

void append_range_item(const RangeOutcome& outcome, size_t i, std::string& out) {
  if (outcome.keys_only) {
    size_t size;
    append_bare(outcome, i, &out, size);
    return;
  }
  out += '\x12';
  codec::append_varint(out, outcome.records[i].size());
  out += outcome.records[i];
}

void append_range_fields(const RangeOutcome& outcome, std::string& out) {
  size_t size = 2 + 1 + codec::varint_size(static_cast<uint64_t>(outcome.count));
  for (size_t i = 0; i < outcome.items.size(); ++i) size += range_item_size(outcome, i);
  out.reserve(out.size() + size);
  for (size_t i = 0; i < outcome.items.size(); ++i) append_range_item(outcome, i, out);
  codec::append_bool_field(out, 3, outcome.more);
  codec::append_int64_field(out, 4, outcome.count);
}

}  // namespace gatehouse::mvcc

#include "proxy/mirror/range.h"

#include <algorithm>
#include <vector>

#include "common/codec/proto_fields.h"

namespace gatehouse::mirror {

namespace {

enum SortOrder : int64_t { kNone = 0, kAscend = 1, kDescend = 2 };
enum SortTarget : int64_t { kByKey = 0, kByVersion = 1, kByCreate = 2, kByMod = 3, kByValue = 4 };

// Of etcdserverpb.RangeResponse.
constexpr uint32_t kKvs = 2;
constexpr uint32_t kMore = 3;
constexpr uint32_t kCount = 4;

bool has_filter(const RangeQuery& query) {
  return query.min_mod_revision != 0 || query.max_mod_revision != 0 ||
         query.min_create_revision != 0 || query.max_create_revision != 0;
}

bool passes(const RangeQuery& query, const Entry& entry) {
  const Entry::Revisions at = entry.revisions();
  return (query.min_mod_revision == 0 || at.modified >= query.min_mod_revision) &&
         (query.max_mod_revision == 0 || at.modified <= query.max_mod_revision) &&
         (query.min_create_revision == 0 || at.created >= query.min_create_revision) &&
         (query.max_create_revision == 0 || at.created <= query.max_create_revision);
}

void append_row(const RangeQuery& query, bool with_lease, const Entry& entry, std::string& out) {
  if (!query.keys_only) return codec::append_bytes_field(out, kKvs, entry.record());
  const std::string_view lease = with_lease ? entry.after_value() : std::string_view();
  codec::append_tag(out, kKvs, codec::WireType::kBytes);
  codec::append_varint(out, entry.before_value().size() + lease.size());
  out.append(entry.before_value());
  out.append(lease);
}

template <typename Of>
void sort_by(std::vector<const Entry*>& entries, bool descending, const Of& of) {
  using Value = decltype(of(*entries.front()));
  std::vector<std::pair<Value, const Entry*>> keyed;
  keyed.reserve(entries.size());
  for (const Entry* entry : entries) keyed.emplace_back(of(*entry), entry);
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    return descending ? b.first < a.first : a.first < b.first;
  });
  for (size_t i = 0; i < entries.size(); ++i) entries[i] = keyed[i].second;
}

void sort(const RangeQuery& query, std::vector<const Entry*>& entries) {
  const bool descending = query.sort_order == kDescend;
  if (entries.empty()) return;
  switch (query.sort_target) {
    case kByKey:
      if (descending) std::reverse(entries.begin(), entries.end());
      break;
    case kByVersion:
      sort_by(entries, descending, [](const Entry& e) { return e.revisions().version; });
      break;
    case kByCreate:
      sort_by(entries, descending, [](const Entry& e) { return e.revisions().created; });
      break;
    case kByMod:
      sort_by(entries, descending, [](const Entry& e) { return e.revisions().modified; });
      break;
    case kByValue:
      sort_by(entries, descending, [](const Entry& e) { return e.value(); });
      break;
    default:
      break;
  }
}

// Filtered, or in another order than that of keys. A target without an order means ascending by it,
// but, as in etcd, of the first `limit` + 1 keys only.
int64_t append_chosen(const Tree& tree, const RangeQuery& query, bool with_lease, bool& more,
                      std::string& out) {
  const bool filter = has_filter(query);
  const bool cut =
      query.sort_order == kNone && query.limit > 0 && query.limit < INT64_MAX && !filter;
  const size_t enough = cut ? static_cast<size_t>(query.limit) + 1 : SIZE_MAX;
  std::vector<const Entry*> entries;
  int64_t seen = 0;
  tree.visit(query.range(), [&](const Entry& entry) {
    ++seen;
    if (!filter || passes(query, entry)) entries.push_back(&entry);
    return entries.size() < enough;
  });
  sort(query, entries);
  more = query.limit > 0 && entries.size() > static_cast<size_t>(query.limit);
  if (more) entries.resize(static_cast<size_t>(query.limit));
  for (const Entry* entry : entries) append_row(query, with_lease, *entry, out);
  return cut ? static_cast<int64_t>(tree.count(query.range())) : seen;
}

}  // namespace

bool parse_range_request(std::string_view bytes, RangeQuery& out) {
  out = RangeQuery();
  codec::ProtoFields fields(bytes);
  while (fields.next()) {
    if (fields.number() > 13) return false;
    if (fields.number() <= 2) {
      if (!fields.is_bytes()) return false;
      (fields.number() == 1 ? out.key : out.range_end) = fields.bytes();
      continue;
    }
    if (!fields.is_varint()) return false;
    switch (fields.number()) {
      case 3:
        out.limit = fields.int64();
        break;
      case 4:
        out.revision = fields.int64();
        break;
      case 5:
        out.sort_order = fields.int64();
        break;
      case 6:
        out.sort_target = fields.int64();
        break;
      case 7:
        out.serializable = fields.boolean();
        break;
      case 8:
        out.keys_only = fields.boolean();
        break;
      case 9:
        out.count_only = fields.boolean();
        break;
      case 10:
        out.min_mod_revision = fields.int64();
        break;
      case 11:
        out.max_mod_revision = fields.int64();
        break;
      case 12:
        out.min_create_revision = fields.int64();
        break;
      default:
        out.max_create_revision = fields.int64();
        break;
    }
  }
  return fields.ok();
}

void append_range_fields(const Tree& tree, const RangeQuery& query, bool keys_only_with_lease,
                         std::string& out) {
  int64_t count = 0;
  bool more = false;
  const bool by_key = query.sort_target == kByKey && query.sort_order != kDescend;
  if (query.count_only) {
    count = static_cast<int64_t>(tree.count(query.range()));
  } else if (!by_key || has_filter(query)) {
    // By value, members of 3.7 read the records themselves, and their leases.
    const bool with_lease = keys_only_with_lease || query.sort_target == kByValue;
    count = append_chosen(tree, query, with_lease, more, out);
  } else {
    // In the order of keys: what the limit leaves is all that is looked at.
    tree.visit(query.range(), [&](const Entry& entry) {
      append_row(query, keys_only_with_lease, entry, out);
      ++count;
      return query.limit <= 0 || count < query.limit;
    });
    if (query.limit > 0 && count >= query.limit) {
      count = static_cast<int64_t>(tree.count(query.range()));
      more = count > query.limit;
    }
  }
  codec::append_bool_field(out, kMore, more);
  codec::append_int64_field(out, kCount, count);
}

}  // namespace gatehouse::mirror

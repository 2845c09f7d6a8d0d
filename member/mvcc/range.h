// Range: what a RangeRequest asks for, from any ReadTxn, and the response's bytes. The records of the
// rows go into the response as they are.
//
//   RangeQuery query;
//   if (!parse_range_request(bytes, query)) ...
//   RangeOutcome outcome;                          // kept, for its memory
//   Status status = range(*view, query, outcome);
//   append_range_fields(outcome, response);        // behind the header
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "member/mvcc/store.h"

namespace gatehouse::mvcc {

enum class SortOrder : int32_t { kNone = 0, kAscend = 1, kDescend = 2 };
enum class SortTarget : int32_t { kKey = 0, kVersion = 1, kCreate = 2, kMod = 3, kValue = 4 };

// etcdserverpb.RangeRequest.
struct RangeQuery {
  std::string_view key;
  std::string_view range_end;
  int64_t limit = 0;
  int64_t revision = 0;
  int32_t sort_order = 0;  // as sent: the service refuses what is outside the enums
  int32_t sort_target = 0;
  bool serializable = false;
  bool keys_only = false;
  bool count_only = false;
  int64_t min_mod_revision = 0;
  int64_t max_mod_revision = 0;
  int64_t min_create_revision = 0;
  int64_t max_create_revision = 0;

  bool sort_options_valid() const {
    return sort_order >= 0 && sort_order <= 2 && sort_target >= 0 && sort_target <= 4;
  }
};

// Views into `bytes`. False when it is no message; fields that are not known are skipped.
bool parse_range_request(std::string_view bytes, RangeQuery& out);

// From the protobuf class; views into it.
template <typename RangeRequest>
RangeQuery range_query(const RangeRequest& request) {
  return {.key = request.key(),
          .range_end = request.range_end(),
          .limit = request.limit(),
          .revision = request.revision(),
          .sort_order = static_cast<int32_t>(request.sort_order()),
          .sort_target = static_cast<int32_t>(request.sort_target()),
          .serializable = request.serializable(),
          .keys_only = request.keys_only(),
          .count_only = request.count_only(),
          .min_mod_revision = request.min_mod_revision(),
          .max_mod_revision = request.max_mod_revision(),
          .min_create_revision = request.min_create_revision(),
          .max_create_revision = request.max_create_revision()};
}

// Valid as long as what it was read from (ReadTxn::items).
struct RangeOutcome {
  std::vector<Item> items;
  // Of each item; empty when keys only are asked for and their order needed no record.
  std::vector<std::string_view> records;
  bool keys_only = false;
  bool more = false;   // the limit cut
  int64_t count = 0;   // keys in the range, whatever limit and filters left of them
};

// kOutOfRange as check_revision. `outcome` is overwritten.
Status range(const ReadTxn& txn, const RangeQuery& query, RangeOutcome& outcome);

// kvs, more and count of a RangeResponse, with at most one growth of `out`.
void append_range_fields(const RangeOutcome& outcome, std::string& out);

// One kvs field of it: what a chunk of RangeStream is made of. i < items.size().
size_t range_item_size(const RangeOutcome& outcome, size_t i);
void append_range_item(const RangeOutcome& outcome, size_t i, std::string& out);

}  // namespace gatehouse::mvcc

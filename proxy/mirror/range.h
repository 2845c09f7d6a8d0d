// Range: what a RangeRequest asks for, answered from a tree exactly as a member answers it, with the
// rows spliced into the response as they are.
//
//   RangeQuery query;
//   if (!parse_range_request(bytes, query)) ...
//   append_range_fields(tree, query, keep_lease, response);   // behind the header
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/mirror/tree.h"

namespace gatehouse::mirror {

// etcdserverpb.RangeRequest.
struct RangeQuery {
  std::string_view key;
  std::string_view range_end;
  int64_t limit = 0;
  int64_t revision = 0;
  int64_t sort_order = 0;
  int64_t sort_target = 0;
  bool serializable = false;
  bool keys_only = false;
  bool count_only = false;
  int64_t min_mod_revision = 0;
  int64_t max_mod_revision = 0;
  int64_t min_create_revision = 0;
  int64_t max_create_revision = 0;

  KeyRange range() const { return {key, range_end}; }
  // What a member refuses is left to the members.
  bool valid() const {
    return !key.empty() && sort_order >= 0 && sort_order <= 2 && sort_target >= 0 &&
           sort_target <= 4;
  }
};

// Views into `bytes`. False when it is no message, or has fields that are not known here: those of a
// later etcd, which only its members can obey.
bool parse_range_request(std::string_view bytes, RangeQuery& out);

// kvs, more and count of a RangeResponse. The query is valid(); its revision is the tree's. Members
// before 3.7 show the lease of a key also when keys only are asked for.
void append_range_fields(const Tree& tree, const RangeQuery& query, bool keys_only_with_lease,
                         std::string& out);

}  // namespace gatehouse::mirror

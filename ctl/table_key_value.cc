#include "ctl/command_table.h"
#include "ctl/families.h"
#include "ctl/kv.h"

namespace gatehouse::ctl {
namespace {

constexpr auto kBool = FlagKind::kBool;
constexpr auto kInt = FlagKind::kInt;
constexpr auto kString = FlagKind::kString;

Command lease_commands() {
  return {.name = "lease",
          .summary = "Leases: keys that go when nobody keeps them",
          .commands = {
              {.name = "grant",
               .arguments = "<ttl>",
               .summary = "Grants a lease of that many seconds",
               .run = run_lease_grant},
              {.name = "keep-alive",
               .arguments = "[options] <leaseID>",
               .summary = "Renews a lease, for as long as this runs",
               .flags = {{"once", kBool, "", "renew once and exit"}},
               .run = run_lease_keep_alive},
              {.name = "list", .summary = "Lists the leases", .run = run_lease_list},
              {.name = "revoke",
               .arguments = "<leaseID>",
               .summary = "Ends a lease and deletes its keys",
               .run = run_lease_revoke},
              {.name = "timetolive",
               .arguments = "<leaseID> [options]",
               .summary = "Shows what a lease was granted and what is left",
               .flags = {{"keys", kBool, "", "show the keys attached to it, too"}},
               .run = run_lease_timetolive},
          }};
}

constexpr const char* kTxnDetails =
    R"(Reads comparisons, requests for when all of them hold, and requests for when one does not, and
has them done as one transaction. Each of the three sections ends with an empty line.

  value("color") = "red"
  version("color") > "0"

  put color green
  get color

  get color

Comparisons: version, create, mod, value or lease, short ver, c, m, val; then the key; =, !=, > or <;
then the value (a lease's in hexadecimal). Keys and values in double quotes take Go's escapes.
Requests: put, get and del with their flags.)";

constexpr const char* kPutDetails =
    R"(Writes a key. A value that starts with '-' needs '--' before it; one that is not given is read
from stdin, all of it:

  gatehousectl put key -- -1
  gatehousectl put key < file)";

constexpr const char* kWatchDetails =
    R"(Prints the events of a key, of a range, or of all keys with a prefix. What follows '--' is run for
each event, with ETCD_WATCH_REVISION, ETCD_WATCH_EVENT_TYPE, ETCD_WATCH_KEY and ETCD_WATCH_VALUE in its
environment. Without words, ETCDCTL_WATCH_KEY and ETCDCTL_WATCH_RANGE_END are what is watched.

With -i, lines of stdin are `watch [options] <key> [range_end] [-- command]` or `progress`.)";

}  // namespace

const std::vector<Flag>& get_flags() {
  static const std::vector<Flag> kFlags = {
      {"consistency", kString, "l", "linearizable (l) or serializable (s)"},
      {"order", kString, "", "ASCEND or DESCEND"},
      {"sort-by", kString, "", "CREATE, KEY, MODIFY, VALUE or VERSION"},
      {"limit", kInt, "0", "how many pairs at most (0: all)"},
      {"prefix", kBool, "", "all keys with this prefix"},
      {"from-key", kBool, "", "all keys from this on"},
      {"rev", kInt, "0", "as of this revision (0: now)"},
      {"keys-only", kBool, "", "without values"},
      {"count-only", kBool, "", "only how many there are (with --write-out=fields)"},
      {"print-value-only", kBool, "", "print values alone (with --write-out=simple)"},
      {"min-create-rev", kInt, "0", "created at this revision or later"},
      {"max-create-rev", kInt, "0", "created at this revision or earlier"},
      {"min-mod-rev", kInt, "0", "changed at this revision or later"},
      {"max-mod-rev", kInt, "0", "changed at this revision or earlier"},
      {"stream", kBool, "", "have the answer streamed in pieces"},
  };
  return kFlags;
}

const std::vector<Flag>& put_flags() {
  static const std::vector<Flag> kFlags = {
      {"lease", kString, "0", "lease to attach the key to, in hexadecimal"},
      {"prev-kv", kBool, "", "print what was there before"},
      {"ignore-value", kBool, "", "keep the value"},
      {"ignore-lease", kBool, "", "keep the lease"},
  };
  return kFlags;
}

const std::vector<Flag>& del_flags() {
  static const std::vector<Flag> kFlags = {
      {"prefix", kBool, "", "all keys with this prefix"},
      {"from-key", kBool, "", "all keys from this on"},
      {"prev-kv", kBool, "", "print what was deleted"},
      {"range", kBool, "", "a range is meant: do not wait before deleting it"},
  };
  return kFlags;
}

std::vector<Command> key_value_commands() {
  return {
      {.name = "compaction",
       .arguments = "[options] <revision>",
       .summary = "Forgets the history before a revision",
       .flags = {{"physical", kBool, "", "return when it is gone from the disk, too"}},
       .run = run_compaction},
      {.name = "del",
       .arguments = "[options] <key> [range_end]",
       .summary = "Deletes a key or a range of keys",
       .flags = del_flags(),
       .run = run_del},
      {.name = "get",
       .arguments = "[options] <key> [range_end]",
       .summary = "Reads a key or a range of keys",
       .flags = get_flags(),
       .run = run_get},
      lease_commands(),
      {.name = "put",
       .arguments = "[options] <key> [value]",
       .summary = "Writes a key",
       .details = kPutDetails,
       .flags = put_flags(),
       .run = run_put},
      {.name = "txn",
       .arguments = "[options]",
       .summary = "Does requests from stdin as one transaction",
       .details = kTxnDetails,
       .flags = {{"interactive", kBool, "", "print what is to be typed", 'i'}},
       .run = run_txn},
      {.name = "watch",
       .arguments = "[options] [key or prefix] [range_end] [--] [command arg1 arg2 ...]",
       .summary = "Prints events as they happen, or runs a command for each",
       .details = kWatchDetails,
       .flags = {{"interactive", kBool, "", "read what to watch from stdin", 'i'},
                 {"prefix", kBool, "", "all keys with this prefix"},
                 {"rev", kInt, "0", "from this revision on (0: from now)"},
                 {"prev-kv", kBool, "", "print what was there before"},
                 {"progress-notify", kBool, "", "have an idle watch tell its revision"}},
       .run = run_watch},
  };
}

}  // namespace gatehouse::ctl

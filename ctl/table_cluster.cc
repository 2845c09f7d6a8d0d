#include "ctl/command_table.h"
#include "ctl/families.h"

namespace gatehouse::ctl {
namespace {

constexpr auto kBool = FlagKind::kBool;
constexpr auto kInt = FlagKind::kInt;
constexpr auto kUint = FlagKind::kUint;
constexpr auto kString = FlagKind::kString;

Command member_commands() {
  const Flag peer_urls{"peer-urls", kString, "",
                       "the member's peer URLs, with commas between them"};
  return {
      .name = "member",
      .summary = "The members of the cluster",
      .commands = {
          {.name = "add",
           .arguments = "<name> [options]",
           .summary = "Adds a member; prints what it is to be started with",
           .flags = {peer_urls, {"learner", kBool, "", "one that does not vote yet"}},
           .run = run_member_add},
          {.name = "list",
           .summary = "Lists the members",
           .details = "Lists the members: id, status, name, peer URLs, client URLs, and whether it "
                      "is a learner.",
           .flags = {{"consistency", kString, "l", "linearizable (l) or serializable (s)"}},
           .run = run_member_list},
          {.name = "promote",
           .arguments = "<memberID>",
           .summary = "Gives a learner its vote",
           .run = run_member_promote},
          {.name = "remove",
           .arguments = "<memberID>",
           .summary = "Removes a member",
           .run = run_member_remove},
          {.name = "update",
           .arguments = "<memberID> [options]",
           .summary = "Changes a member's peer URLs",
           .flags = {peer_urls},
           .run = run_member_update},
      }};
}

Command endpoint_commands() {
  return {.name = "endpoint",
          .summary = "The endpoints, each by itself",
          .shared_flags = {{"cluster", kBool, "", "all endpoints that the member list has"}},
          .commands = {
              {.name = "hashkv",
               .summary = "Prints each endpoint's hash over its history",
               .flags = {{"rev", kInt, "0", "up to this revision (0: all)"}},
               .run = run_endpoint_hashkv},
              {.name = "health",
               .summary = "Asks each endpoint for a linearizable read and its alarms",
               .run = run_endpoint_health},
              {.name = "status",
               .summary = "Prints each endpoint's status",
               .details =
                   "Prints each endpoint's status: endpoint, id, version, storage version, size of "
                   "the database, size in use, share not in use, quota, is leader, is learner, "
                   "raft term, raft index, raft applied index, errors, downgrade target, "
                   "downgrade enabled.",
               .run = run_endpoint_status},
          }};
}

Command snapshot_commands() {
  return {
      .name = "snapshot",
      .summary = "Backups: taken from a member, looked at, restored",
      .commands = {
          {.name = "restore",
           .arguments = "<filename> --data-dir <directory> [options]",
           .summary = "Makes a new member's data directory from a backup",
           .flags = {{"data-dir", kString, "", "the directory to make (default: <name>.etcd)"},
                     {"wal-dir", kString, "",
                      "directory of the log (default: in the data directory)"},
                     {"name", kString, "default", "the member's name"},
                     {"initial-cluster", kString, "default=http://localhost:2380",
                      "the members of the new cluster"},
                     {"initial-cluster-token", kString, "etcd-cluster", "the new cluster's token"},
                     {"initial-advertise-peer-urls", kString, "http://localhost:2380",
                      "the member's peer URLs"},
                     {"initial-memory-map-size", kUint, "10737418240",
                      "address space for the database while it is restored"},
                     {"skip-hash-check", kBool, "", "the file has no hash: a copied database"},
                     {"bump-revision", kUint, "0", "go on at the backup's revision plus this"},
                     {"mark-compacted", kBool, "",
                      "the history before that counts as compacted (needed with --bump-revision)"}},
           .run = run_snapshot_restore},
          {.name = "save",
           .arguments = "<filename>",
           .summary = "Writes a backup of one endpoint to a file",
           .run = run_snapshot_save},
          {.name = "status",
           .arguments = "<filename>",
           .summary = "Prints what is in a backup",
           .run = run_snapshot_status},
      }};
}

Command downgrade_commands() {
  return {.name = "downgrade",
          .summary = "Preparing a cluster for an older release",
          .commands = {
              {.name = "cancel", .summary = "Calls a downgrade off", .run = run_downgrade_cancel},
              {.name = "enable",
               .arguments = "<TARGET_VERSION>",
               .summary = "Starts a downgrade",
               .run = run_downgrade_enable},
              {.name = "validate",
               .arguments = "<TARGET_VERSION>",
               .summary = "Says whether a downgrade may start",
               .run = run_downgrade_validate},
          }};
}

}  // namespace

std::vector<Command> maintenance_commands() {
  return {
      {.name = "alarm",
       .summary = "Alarms",
       .commands = {{.name = "disarm", .summary = "Ends all alarms", .run = run_alarm_disarm},
                    {.name = "list", .summary = "Lists the alarms", .run = run_alarm_list}}},
      {.name = "defrag",
       .summary = "Gives free pages of the endpoints' databases back to the disk",
       .flags = {{"cluster", kBool, "", "all endpoints that the member list has"},
                 {"data-dir", kString, "", "this data directory, which no member uses, instead"}},
       .run = run_defrag},
      downgrade_commands(),
      endpoint_commands(),
      {.name = "hashkv",
       .arguments = "<filename>",
       .summary = "Prints the hash over the history in a backup",
       .flags = {{"rev", kInt, "0", "up to this revision (0: all)"}},
       .run = run_hashkv,
       .word_count = 1},
      member_commands(),
      {.name = "move-leader",
       .arguments = "<transferee-member-id>",
       .summary = "Makes another member the leader",
       .run = run_move_leader},
      snapshot_commands(),
  };
}

}  // namespace gatehouse::ctl

// snapshot restore: a data directory for the first start of a member of a new cluster. Its log says
// that the cluster's members were added, one entry each, at term 1; a snapshot of that comes next.
#include <filesystem>
#include <optional>

#include "common/env/disk_file_system.h"
#include "ctl/database_file.h"
#include "ctl/families.h"
#include "ctl/invocation.h"
#include "ctl/json.h"
#include "member/backend/backend.h"
#include "member/membership/conf_change.h"
#include "member/membership/ids.h"
#include "member/membership/initial_cluster.h"
#include "member/membership/peer_urls.h"
#include "member/membership/v2.h"
#include "member/mvcc/file_rows.h"
#include "member/schema/member_json.h"
#include "member/schema/meta.h"
#include "member/schema/revision.h"
#include "member/snap/snap.h"
#include "member/wal/log.h"

namespace gatehouse::ctl {
namespace {

using backend::Bucket;
using membership::Member;

constexpr uint64_t kTerm = 1;

struct Plan {
  std::string source;
  std::string data_directory;
  std::string wal_directory;
  std::string snap_directory;
  std::vector<Member> members;
  uint64_t member_id = 0;
  uint64_t cluster_id = 0;
  bool check_hash = true;
  uint64_t bump = 0;  // revisions; 0: none

  uint64_t last_index() const { return members.size(); }
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t from = 0; from <= text.size();) {
    const size_t comma = std::min(text.find(',', from), text.size());
    parts.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return parts;
}

bool is_empty_or_absent(const std::string& directory) {
  std::error_code error;
  if (!std::filesystem::exists(directory, error)) return !error;
  return std::filesystem::is_empty(directory, error) && !error;
}

Exit plan_members(const Invocation& in, Plan& plan) {
  const std::string& name = in.flags.text("name");
  const auto cluster = membership::parse_initial_cluster(in.flags.text("initial-cluster"));
  CTL_RETURN_IF_ERROR(cluster.status());
  const auto advertised =
      membership::parse_urls(split(in.flags.text("initial-advertise-peer-urls")));
  CTL_RETURN_IF_ERROR(advertised.status());
  CTL_RETURN_IF_ERROR(membership::check_new_cluster(*cluster, name, *advertised));
  plan.members = membership::initial_members(*cluster, in.flags.text("initial-cluster-token"));
  std::vector<uint64_t> ids;
  for (const Member& member : plan.members) {
    ids.push_back(member.id);
    if (member.name == name) plan.member_id = member.id;
  }
  plan.cluster_id = membership::cluster_id(ids);
  return {};
}

Exit make_plan(const Invocation& in, Plan& plan) {
  plan.source = in.words[0];
  plan.check_hash = !in.flags.boolean("skip-hash-check");
  plan.bump = in.flags.unsigned_integer("bump-revision");
  if ((plan.bump > 0) != in.flags.boolean("mark-compacted")) {
    return bad_arguments("--mark-compacted required if --revision-bump > 0");
  }
  CTL_RETURN_IF_FAILED(plan_members(in, plan));
  plan.data_directory = in.flags.text("data-dir");
  if (plan.data_directory.empty()) plan.data_directory = in.flags.text("name") + ".etcd";
  plan.wal_directory = in.flags.text("wal-dir");
  if (plan.wal_directory.empty()) plan.wal_directory = plan.data_directory + "/member/wal";
  plan.snap_directory = plan.data_directory + "/member/snap";
  for (const auto& [flag, directory] :
       {std::pair("data-dir", plan.data_directory), std::pair("wal-dir", plan.wal_directory)}) {
    if (!is_empty_or_absent(directory)) {
      return {kExitError,
              std::string(flag) + " " + go_quote(directory) + " not empty or could not be read"};
    }
  }
  return {};
}

raftpb::ConfState conf_state_of(const Plan& plan) {
  raftpb::ConfState state;
  for (const Member& member : plan.members) state.add_voters(member.id);
  return state;
}

void clear(backend::Backend& database, Bucket bucket) {
  std::vector<std::string> keys;
  database.read()->scan(bucket, {}, {}, [&](std::string_view key, std::string_view) {
    keys.emplace_back(key);
    return true;
  });
  for (const std::string& key : keys) database.writer().remove(bucket, key);
}

// The backup's cluster is forgotten, the new one's members are who there is. Its confState stays,
// as etcdutl leaves it: a member starts from the snapshot's.
Status rewrite_database(env::FileSystem& files, const Plan& plan) {
  auto opened = backend::Backend::open(files, plan.snap_directory + "/db", {});
  GATEHOUSE_RETURN_IF_ERROR(opened.status());
  backend::Backend& database = **opened;
  backend::Writer& writer = database.writer();
  clear(database, Bucket::kMembers);
  clear(database, Bucket::kMembersRemoved);
  for (const Member& member : plan.members) {
    writer.put(Bucket::kMembers, schema::id_text(member.id), schema::member_json(member));
  }
  writer.put(Bucket::kMeta, schema::kConsistentIndex, schema::encode_number(plan.last_index()));
  writer.put(Bucket::kMeta, schema::kTerm, schema::encode_number(kTerm));
  if (plan.bump > 0) {
    // A row without a key, at the revision to go on after; the compaction takes it away.
    const Result<mvcc::RowSummary> rows = mvcc::summarize_rows(*database.read());
    GATEHOUSE_RETURN_IF_ERROR(rows.status());
    const schema::RevisionKey last({rows->revision + static_cast<int64_t>(plan.bump), 0});
    writer.append(Bucket::kKey, last, "");
    writer.put(Bucket::kMeta, schema::kScheduledCompaction, last);
  }
  writer.end();
  return database.commit();
}

Status write_log(env::FileSystem& files, const Plan& plan) {
  const wal::Identity identity{plan.member_id, plan.cluster_id};
  GATEHOUSE_RETURN_IF_ERROR(wal::create(files, plan.wal_directory, identity));
  auto opened = wal::open(files, plan.wal_directory, {}, {.prepare_ahead = false});
  GATEHOUSE_RETURN_IF_ERROR(opened.status());
  std::vector<raft::Entry> entries;
  for (const raftpb::ConfChange& change : membership::bootstrap_changes(plan.members)) {
    entries.push_back({kTerm, entries.size() + 1, raft::EntryType::kConfChange,
                       raft::Payload(change.SerializeAsString())});
  }
  const raft::HardState state{kTerm, plan.members.front().id, plan.last_index()};
  GATEHOUSE_RETURN_IF_ERROR(opened->log->append(&state, entries, true));
  // The file comes before the record that names it.
  membership::Members members;
  for (const Member& member : plan.members) members.by_id[member.id] = member;
  const raft::Snapshot snapshot{plan.last_index(), kTerm, conf_state_of(plan),
                                raft::Payload(membership::v2_snapshot(members, plan.last_index()))};
  GATEHOUSE_RETURN_IF_ERROR(snap::save(files, plan.snap_directory, snapshot));
  return opened->log->append_snapshot({plan.last_index(), kTerm, conf_state_of(plan)});
}

void log_line(const Plan& plan, std::string_view message) {
  std::fprintf(stderr, "%s\n",
               JsonObject()
                   .text("level", "info")
                   .text("msg", message)
                   .text("path", plan.source)
                   .text("data-dir", plan.data_directory)
                   .text("wal-dir", plan.wal_directory)
                   .finish()
                   .c_str());
}

}  // namespace

Exit run_snapshot_restore(Invocation& in) {
  if (in.words.size() != 1) return bad_arguments("snapshot restore requires exactly one argument");
  CTL_RETURN_IF_FAILED(in.prepare_output());
  Plan plan;
  CTL_RETURN_IF_FAILED(make_plan(in, plan));
  log_line(plan, "restoring snapshot");
  env::DiskFileSystem files;
  CTL_RETURN_IF_ERROR(files.create_directories(plan.snap_directory));
  CTL_RETURN_IF_ERROR(
      copy_database(files, plan.source, plan.snap_directory + "/db", plan.check_hash));
  CTL_RETURN_IF_ERROR(rewrite_database(files, plan));
  CTL_RETURN_IF_ERROR(write_log(files, plan));
  CTL_RETURN_IF_ERROR(files.sync_directory(plan.snap_directory));
  log_line(plan, "restored snapshot");
  return {};
}

}  // namespace gatehouse::ctl

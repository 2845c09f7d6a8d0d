// wal_tool: the log from a command line, for tests that compare it with other programs.
//
//   wal_tool make DIR SEED    makes a log of several segments
//   wal_tool append DIR       opens one at its beginning, and appends an entry and a state
//   wal_tool dump DIR         prints what it holds, a line each:
//                             identity NODE CLUSTER | snapshot INDEX TERM | entry INDEX TERM TYPE HEX | state TERM VOTE COMMIT
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "common/env/disk_file_system.h"
#include "member/wal/log.h"

namespace gatehouse::wal {
namespace {

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.to_string().c_str());
  std::exit(1);
}

void make(env::FileSystem& files, const std::string& directory, uint64_t seed) {
  std::mt19937_64 random(seed);
  Options options;
  options.segment_bytes = 20'000;
  must(create(files, directory, {0xfce4ccdb9802da4a, 0xd0a9ed06df5d1f3e}, options));
  Result<Opened> opened = open(files, directory, {}, options);
  must(opened.status());
  for (uint64_t i = 1; i <= 500; ++i) {
    std::string data(random() % 400, '\0');
    for (char& c : data) c = static_cast<char>(random());
    raft::Entry entry{1 + i / 100, i, raft::EntryType::kNormal, raft::Payload(data)};
    if (i % 100 == 0) entry.data = {};
    const raft::HardState state{entry.term, random(), i - 1};
    must(opened->log->append(&state, {&entry, 1}, i % 50 == 0));
    if (i % 90 != 0) continue;
    SnapshotRecord snapshot{i - 1, 1 + (i - 1) / 100, raftpb::ConfState()};
    snapshot.conf_state->add_voters(0xfce4ccdb9802da4a);
    must(opened->log->append_snapshot(snapshot));
  }
  must(opened->log->sync());
}

void append(env::FileSystem& files, const std::string& directory) {
  Result<Opened> opened = open(files, directory, {});
  must(opened.status());
  raft::HardState state = opened->hard_state;
  const raft::Entry entry{state.term, opened->entries.back().index + 1, raft::EntryType::kNormal, {}};
  state.commit = entry.index;
  must(opened->log->append(&state, {&entry, 1}, true));
}

void dump(env::FileSystem& files, const std::string& directory) {
  const Result<Contents> found = read(files, directory, {});
  must(found.status());
  const Contents& contents = found.value();
  if (!contents.torn.empty()) std::fprintf(stderr, "%s\n", contents.torn.c_str());
  std::printf("identity %" PRIx64 " %" PRIx64 "\n", contents.identity.node_id,
              contents.identity.cluster_id);
  const Result<std::vector<SnapshotRecord>> snapshots = valid_snapshots(files, directory);
  must(snapshots.status());
  for (const SnapshotRecord& snapshot : snapshots.value()) {
    std::printf("snapshot %" PRIu64 " %" PRIu64 "\n", snapshot.index, snapshot.term);
  }
  for (const raft::Entry& entry : contents.entries) {
    std::printf("entry %" PRIu64 " %" PRIu64 " %d ", entry.index, entry.term,
                static_cast<int>(entry.type));
    for (unsigned char c : entry.data.view()) std::printf("%02x", c);
    std::printf("\n");
  }
  std::printf("state %" PRIu64 " %" PRIx64 " %" PRIu64 "\n", contents.hard_state.term,
              contents.hard_state.vote, contents.hard_state.commit);
}

int run(const std::vector<std::string>& arguments) {
  env::DiskFileSystem files;
  const std::string command = arguments.size() > 1 ? arguments[1] : "";
  if (command == "make" && arguments.size() == 4) {
    make(files, arguments[2], std::stoull(arguments[3]));
  } else if (command == "append" && arguments.size() == 3) {
    append(files, arguments[2]);
  } else if (command == "dump" && arguments.size() == 3) {
    dump(files, arguments[2]);
  } else {
    std::fprintf(stderr, "usage: wal_tool make|append|dump DIR [SEED]\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace gatehouse::wal

int main(int argc, char** argv) {
  return gatehouse::wal::run(std::vector<std::string>(argv, argv + argc));
}

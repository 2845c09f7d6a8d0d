#include "member/replica/convert.h"

#include <optional>
#include <utility>

#include "member/apply/request.h"
#include "member/membership/v2.h"
#include "member/snap/snap.h"
#include "proto/membership.pb.h"

namespace gatehouse::replica {

namespace {

template <typename Message>
bool parse(std::string_view bytes, Message& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

// The membership at the snapshot from which the log goes on; nothing when its file is not there.
Result<std::optional<membership::Members>> at_snapshot(env::FileSystem& files,
                                                       const Storage& storage,
                                                       const log::Logger& logger) {
  const auto& start = storage.restored.snapshot;
  if (start == nullptr) return std::optional(membership::Members());
  const wal::SnapshotRecord record{start->index, start->term, std::nullopt};
  const Result<snap::Loaded> loaded =
      snap::load_newest_matching(files, storage.snap_directory, {&record, 1});
  if (!loaded.ok()) return loaded.status();
  for (const std::string& warning : loaded->warnings) {
    LOG_WARN(logger, "a snapshot file cannot be read", {"error", warning});
  }
  if (!loaded->snapshot) return std::optional<membership::Members>();
  Result<membership::Members> members =
      membership::parse_v2_snapshot(loaded->snapshot->data.view());
  if (!members.ok()) {
    return Status(StatusCode::kDataLoss,
                  env::join_path(storage.snap_directory,
                                 snap::file_name(start->term, start->index)) +
                      ": " + members.status().message());
  }
  return std::optional(std::move(*members));
}

// One entry as the apply loop would take it, as far as it is about members.
void roll_forward(const raft::Entry& entry, backend::Writer& writer,
                  membership::Cluster& cluster) {
  const std::string_view data = entry.data.view();
  if (entry.type == raft::EntryType::kConfChange) {
    raftpb::ConfChange change;
    if (!parse(data, change) || !cluster.validate(change).ok()) return;
    static_cast<void>(cluster.apply(writer, change));
    return;
  }
  if (entry.type != raft::EntryType::kNormal || data.empty()) return;
  if (const std::optional<apply::Request> request = apply::parse_request(data)) {
    if (request->kind == apply::Kind::kClusterMemberAttrSet) {
      membershippb::ClusterMemberAttrSetRequest message;
      if (!parse(request->body, message)) return;
      const auto& attributes = message.member_attributes();
      cluster.set_attributes(writer, message.member_id(), attributes.name(),
                             {attributes.client_urls().begin(), attributes.client_urls().end()});
    } else if (request->kind == apply::Kind::kClusterVersionSet) {
      membershippb::ClusterVersionSetRequest message;
      if (parse(request->body, message)) {
        static_cast<void>(cluster.set_version(writer, message.ver()));
      }
    }
    return;
  }
  std::optional<membership::V2Put> put = membership::parse_v2_request(data);
  if (!put) return;
  if (put->kind == membership::V2Put::Kind::kPublish) {
    cluster.set_attributes(writer, put->member.id, std::move(put->member.name),
                           std::move(put->member.client_urls));
  } else if (put->kind == membership::V2Put::Kind::kVersion) {
    static_cast<void>(cluster.set_version(writer, put->version));
  }
}

}  // namespace

Status convert_membership(env::FileSystem& files, Storage& storage, membership::Cluster& cluster,
                          const log::Logger& logger) {
  if (storage.first_start || !storage.storage_version.empty()) return Status();
  Result<std::optional<membership::Members>> base = at_snapshot(files, storage, logger);
  if (!base.ok()) return base.status();
  if (!*base) {
    LOG_WARN(logger, "the snapshot's file is missing: the members are those of the database");
    return Status();
  }
  const std::shared_ptr<const membership::Members> rows = cluster.members();
  backend::Writer& writer = storage.backend->writer();
  cluster.replace(writer, std::move(**base));
  for (const raft::Entry& entry : storage.restored.entries) {
    if (entry.index > storage.restored.applied) break;
    roll_forward(entry, writer, cluster);
  }
  writer.end();
  if (*cluster.members() != *rows) {
    LOG_INFO(logger, "the members are those of the snapshot and the log of an older release",
             {"members", cluster.members()->by_id.size()},
             {"cluster-version", cluster.members()->version});
  }
  return Status();
}

}  // namespace gatehouse::replica

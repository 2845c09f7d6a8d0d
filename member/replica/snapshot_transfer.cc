#include "member/replica/snapshot_transfer.h"

#include <utility>

#include "member/membership/v2.h"
#include "member/schema/meta.h"

namespace gatehouse::replica {

namespace {

uint64_t number(const backend::Reader& rows, std::string_view key) {
  std::string_view bytes;
  return rows.get(backend::Bucket::kMeta, key, bytes) ? schema::decode_number(bytes) : 0;
}

Status check_index(const backend::Reader& rows, const raft::Snapshot& snapshot) {
  const uint64_t index = applied_position(rows).index;
  if (index == snapshot.index) return Status();
  return Status(StatusCode::kDataLoss, "the database of a snapshot at index " +
                                           std::to_string(snapshot.index) + " is at index " +
                                           std::to_string(index));
}

}  // namespace

AppliedPosition applied_position(const backend::Reader& rows) {
  return {number(rows, schema::kConsistentIndex), number(rows, schema::kTerm)};
}

Result<OutgoingSnapshot> take_snapshot(backend::Backend& backend) {
  Result<std::unique_ptr<backend::Copy>> copy = backend.copy();
  GATEHOUSE_RETURN_IF_ERROR(copy.status());
  const backend::Reader& rows = (*copy)->rows();
  // Who the members are changes together with the index: it is read at the same moment.
  membership::Cluster cluster(0, 0);
  GATEHOUSE_RETURN_IF_ERROR(cluster.restore(rows));
  const auto members = cluster.members();
  const AppliedPosition position = applied_position(rows);
  if (position.index == 0 || position.term == 0) {
    return Status(StatusCode::kFailedPrecondition, "nothing to take a snapshot of yet");
  }
  auto snapshot = std::make_shared<raft::Snapshot>();
  snapshot->index = position.index;
  snapshot->term = position.term;
  snapshot->conf_state = members->conf_state();
  snapshot->data = raft::Payload(membership::v2_snapshot(*members, position.index));
  return OutgoingSnapshot{std::move(snapshot), std::move(*copy)};
}

Result<std::unique_ptr<IncomingSnapshot>> IncomingSnapshot::begin(
    env::FileSystem& files, std::string snap_directory, env::Entropy& entropy,
    std::shared_ptr<const raft::Snapshot> snapshot) {
  if (snapshot->index == 0 || snapshot->term == 0) {
    return invalid_argument("a snapshot of nothing");
  }
  std::unique_ptr<IncomingSnapshot> incoming(
      new IncomingSnapshot(files, std::move(snap_directory), std::move(snapshot)));
  Result<std::unique_ptr<snap::DatabaseReceiver>> receiver =
      snap::DatabaseReceiver::begin(files, incoming->directory_, entropy);
  GATEHOUSE_RETURN_IF_ERROR(receiver.status());
  incoming->receiver_ = std::move(*receiver);
  return incoming;
}

Status IncomingSnapshot::take(std::string_view piece) {
  return piece.empty() ? finish() : receiver_->write(piece);
}

Status IncomingSnapshot::finish() {
  // A peer's bytes: once the log has a record of them there is no way back.
  GATEHOUSE_RETURN_IF_ERROR(
      backend::Backend::inspect(files_, receiver_->path(), [this](const backend::Reader& rows) {
        return check_index(rows, *snapshot_);
      }));
  const auto checked = std::chrono::steady_clock::now();
  GATEHOUSE_RETURN_IF_ERROR(receiver_->finish(snapshot_->index));
  const auto durable = std::chrono::steady_clock::now();
  took_ = {durable - begun_, durable - checked};
  // Both without a record in the log are of no meaning to a start.
  return snap::save(files_, directory_, *snapshot_);
}

Status install_snapshot(env::FileSystem& files, const std::string& snap_directory,
                        const raft::Snapshot& snapshot, const Installed& state) {
  GATEHOUSE_RETURN_IF_ERROR(
      state.backend.take_over(snap::database_path(snap_directory, snapshot.index)));
  const auto rows = state.backend.read();
  GATEHOUSE_RETURN_IF_ERROR(check_index(*rows, snapshot));
  // Leases before the store, which tells them of their keys.
  GATEHOUSE_RETURN_IF_ERROR(state.lessor.restore(*rows));
  GATEHOUSE_RETURN_IF_ERROR(state.store.restore(state.backend));
  GATEHOUSE_RETURN_IF_ERROR(state.alarms.restore(*rows));
  GATEHOUSE_RETURN_IF_ERROR(state.cluster.restore(*rows));
  return snap::remove_databases_before(files, snap_directory, snapshot.index).status();
}

}  // namespace gatehouse::replica

// The receiving end of a snapshot POST: the message, then the database, into the owner's sink at
// the sink's pace.
#pragma once

#include <memory>

#include "common/http/exchange.h"

namespace gatehouse::transport {

struct Shared;

// Of the message before the database, as in etcd 3.6.14 and 3.7.1.
inline constexpr uint64_t kMaxSnapshotMessageBytes = 64 * 1024 * 1024;
// Under way at once; more are refused. Answers a peer that opens one after the other: each costs a
// file.
inline constexpr size_t kMaxSnapshotsReceived = 4;

// For a request that was found compatible.
std::unique_ptr<http::StreamHandler> receive_snapshot(Shared& shared, http::ServerStream& stream);

}  // namespace gatehouse::transport

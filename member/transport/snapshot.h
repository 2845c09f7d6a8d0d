// Doors through which the bytes of a database leave and enter while a snapshot travels.
//
// Both are pulled by the transport at the pace of the network and of the disk: whatever the size of
// the database, a transfer holds a few pieces of it in memory and never blocks the loop. Work that
// blocks belongs on another thread; the callbacks come back by Executor::post.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/status.h"
#include "common/base/unique_function.h"
#include "common/env/executor.h"
#include "member/raft/types.h"

namespace gatehouse::transport {

// The database of an outgoing snapshot.
class SnapshotSource {
 public:
  using Piece = Result<std::string>;  // empty: the end

  // May come while a read is under way; its callback then never comes.
  virtual ~SnapshotSource() = default;
  // The next piece, 64 KiB to 1 MiB for good use of the network. `done` comes once, from a later
  // turn of the transport's executor, and within seconds: the receiver gives up when it hears
  // nothing for 5 s. One read at a time; none after the end or an error.
  virtual void read(UniqueFunction<void(Piece)> done) = 0;
};

struct OutgoingSnapshot {
  // The kSnapshot message as it is to leave: of the applied state that `database` holds (its
  // consistent index is message.snapshot->index), whatever Raft chose.
  raft::Message message;
  std::unique_ptr<SnapshotSource> database;
};

// Where the database of an incoming snapshot goes. Destroyed without a finish() that succeeded, it
// leaves nothing behind; also while a call is under way, whose callback then never comes.
class SnapshotSink {
 public:
  using Done = UniqueFunction<void(Status)>;

  virtual ~SnapshotSink() = default;
  // Takes the next bytes. `done` comes once, from a later turn, when more can be taken; no call is
  // made before. An error ends the transfer.
  virtual void write(std::string bytes, Done done) = 0;
  // All has come: OK once the database is durable under its name.
  virtual void finish(Done done) = 0;
};

// A SnapshotSource over a function that blocks (a file, a view of the backend): it runs on a thread
// of its own, one piece ahead of the network.
//
// `next_piece` is called and destroyed on that thread. Destroying the source waits for the call
// under way to return.
std::unique_ptr<SnapshotSource> read_on_thread(env::Executor& executor,
                                               UniqueFunction<SnapshotSource::Piece()> next_piece);

// The other way: a SnapshotSink over a function that blocks, on a thread of its own. An empty piece
// is the end: all has come, and OK says that it is durable. Not called again after that or an error.
//
// `take` is called and destroyed on that thread. Destroying the sink waits for the call under way.
std::unique_ptr<SnapshotSink> write_on_thread(env::Executor& executor,
                                              UniqueFunction<Status(std::string_view)> take);

}  // namespace gatehouse::transport

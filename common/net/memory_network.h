// MemoryNetwork: byte streams in memory, between executors, for tests and simulation: delay,
// arbitrary chunking, loss of a connection at a chosen byte, partitions, half-open peers. On a
// SimExecutor a run is determined by its seed.
//
// Thread: the streams of a pair may live on different executors; each end is touched on its own.
// The network, its listeners and dialers belong to one thread: simulation uses one executor for
// all.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/base/unique_function.h"
#include "common/env/byte_stream.h"
#include "common/env/executor.h"
#include "common/net/dialer.h"

namespace gatehouse::net {

struct LinkOptions {
  // One way; a piece takes between delay_ms and delay_ms + jitter_ms, never overtaking one before.
  uint64_t delay_ms = 0;
  uint64_t jitter_ms = 0;
  // Bytes are delivered in pieces of 1 to max_chunk_bytes; 1 is byte by byte.
  size_t max_chunk_bytes = 64 * 1024;
  // What the "kernel" takes before unsent() grows: bytes sent and not yet read by the peer.
  size_t window_bytes = 256 * 1024;
  // The connection breaks ("connection reset by peer", both ends) once this many bytes were
  // delivered in either direction.
  std::optional<uint64_t> break_after_bytes;
};

using StreamPair = std::pair<std::unique_ptr<env::ByteStream>, std::unique_ptr<env::ByteStream>>;

// Two connected streams, the first on `a`. `seed` decides chunks and jitter.
StreamPair make_memory_pair(env::Executor& a, env::Executor& b, const LinkOptions& options = {},
                            uint64_t seed = 1, const std::string& address_of_a = "memory:a",
                            const std::string& address_of_b = "memory:b");

class MemoryNetwork {
 public:
  using OnStream = UniqueFunction<void(std::unique_ptr<env::ByteStream>)>;

  explicit MemoryNetwork(uint64_t seed);
  ~MemoryNetwork();
  MemoryNetwork(const MemoryNetwork&) = delete;
  MemoryNetwork& operator=(const MemoryNetwork&) = delete;

  // Connections to `address` come to on_stream, on the executor, until the network or close().
  void listen(const std::string& address, env::Executor& executor, OnStream on_stream);
  void close(const std::string& address);

  // Dials as host `from`. Where nobody listens: "dial <address>: connection refused". Within a
  // partition a dial runs into the time limit: "dial <address>: i/o timeout".
  std::unique_ptr<Dialer> dialer(const std::string& from, env::Executor& executor,
                                 uint64_t timeout_ms = 5'000);

  // For connections made from now on; the default for hosts without options of their own.
  void set_link(const LinkOptions& options);
  void set_link(const std::string& from, const std::string& address, const LinkOptions& options);

  // Between `from` and `address`: bytes and FINs get lost on the way and later dials time out,
  // while open streams see nothing, as with a cable pulled; heal() lets what was not delivered
  // pass.
  void partition(const std::string& from, const std::string& address);
  void heal(const std::string& from, const std::string& address);

  // Breaks every open connection to the address: both ends see "connection reset by peer".
  void reset_all(const std::string& address);

  size_t open_connections(const std::string& address) const;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace gatehouse::net

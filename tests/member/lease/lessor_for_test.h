// What the tests of the lessor share: a clock of their own and a backend on a simulated disk.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <utility>

#include "common/env/sim_file_system.h"
#include "member/backend/backend.h"
#include "member/lease/lessor.h"

namespace gatehouse::lease {

struct Fixture {
  explicit Fixture(Options options = {})
      : lessor(std::move(options), [this] { return now.load(); }) {
    open();
  }

  void open() {
    backend::Options options;
    options.batch_interval = std::chrono::hours(1);
    options.initial_map_bytes = 1 << 20;
    options.lock_timeout = std::chrono::milliseconds(1);
    backend.reset();
    Result<std::unique_ptr<backend::Backend>> opened =
        backend::Backend::open(disk, "db", options);
    EXPECT_TRUE(opened.ok()) << opened.status().to_string();
    backend = std::move(*opened);
  }
  backend::Writer& writer() { return backend->writer(); }

  Result<int64_t> grant(LeaseId id, int64_t ttl) {
    Result<int64_t> granted = lessor.grant(writer(), id, ttl);
    writer().end();
    return granted;
  }
  Status revoke(LeaseId id) {
    Status status = lessor.revoke(writer(), id);
    writer().end();
    return status;
  }
  // "" when there is none.
  std::string row(LeaseId id) const {
    std::string key(8, '\0');
    for (int i = 0; i < 8; ++i) key[static_cast<size_t>(i)] = static_cast<char>(id >> (56 - 8 * i));
    std::string_view value;
    const auto reader = backend->read();
    return reader->get(backend::Bucket::kLease, key, value) ? std::string(value) : "";
  }

  std::atomic<uint64_t> now{1'000'000};
  env::SimFileSystem disk{256 << 20};
  std::unique_ptr<backend::Backend> backend;
  Lessor lessor;
};

}  // namespace gatehouse::lease

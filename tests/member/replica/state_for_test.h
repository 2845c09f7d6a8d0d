// A member's state machine on a simulated disk, for the tests of the rooms that drive it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "common/env/sim_executor.h"
#include "common/env/sim_file_system.h"
#include "member/alarm/alarm_store.h"
#include "member/apply/applier.h"
#include "member/lease/lessor.h"
#include "member/membership/cluster.h"
#include "member/mvcc/store.h"
#include "member/mvcc/watch_feed.h"

namespace gatehouse::replica {

struct StateForTest {
  explicit StateForTest(env::SimExecutor& executor)
      : lessor(lease::Options(), [&executor] { return executor.now_ms(); }) {
    backend::Options options;
    options.batch_interval = std::chrono::hours(1);
    options.initial_map_bytes = 1 << 20;
    options.lock_timeout = std::chrono::milliseconds(1);
    auto opened = backend::Backend::open(disk, "db", options);
    EXPECT_TRUE(opened.ok()) << opened.status().to_string();
    backend = std::move(*opened);
    mvcc::StoreOptions store_options;
    store_options.leases = &lessor;
    auto made = mvcc::Store::open(*backend, store_options);
    EXPECT_TRUE(made.ok()) << made.status().to_string();
    store = std::move(*made);
    feed = std::make_unique<mvcc::WatchFeed>(store->view()->revision(), nullptr);
    EXPECT_TRUE(lessor.restore(*backend->read()).ok());
  }

  apply::Parts parts() { return {*backend, *store, lessor, alarms, cluster}; }

  env::SimFileSystem disk;
  std::unique_ptr<backend::Backend> backend;
  lease::Lessor lessor;
  std::unique_ptr<mvcc::Store> store;
  std::unique_ptr<mvcc::WatchFeed> feed;
  alarm::AlarmStore alarms;
  membership::Cluster cluster{1, 0xc};
};

}  // namespace gatehouse::replica

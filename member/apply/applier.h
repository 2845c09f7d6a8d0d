// Applier: one committed request into the state machine. Deterministic: every member does the same
// with the same entry. Layers lie over each other, each of which refuses or passes on:
//
//   corrupt   the CORRUPT alarm: nothing that reads or writes keys goes on
//   capped    the NOSPACE alarm: nothing that grows the database
//   (auth     the user may not: between capped and quota, once there are users)
//   quota     carried out, but answered "no space" where the database is over its quota
//   backend   does it
//
// Thread: the apply thread, the backend's writer. What is done shows to readers at Store::publish().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "member/alarm/alarm_store.h"
#include "member/apply/outcome.h"
#include "member/apply/request.h"
#include "member/backend/backend.h"
#include "member/lease/lessor.h"
#include "member/membership/cluster.h"
#include "member/mvcc/store.h"

namespace gatehouse::apply {

class Applier {
 public:
  virtual ~Applier() = default;
  // `request` was parsed from an entry. Errors are the client's to hear.
  virtual Outcome apply(const Request& request) = 0;
};

// What the layers work on; all of it outlives them.
struct Parts {
  backend::Backend& backend;
  mvcc::Store& store;
  lease::Lessor& lessor;
  alarm::AlarmStore& alarms;
  membership::Cluster& cluster;
  // 0: none.
  uint64_t quota_bytes = 0;
  // Checkpoints of leases are kept across restarts.
  bool durable_checkpoints = true;
  // An answer that had to wait (a compaction that was to be waited for). Any thread.
  std::function<void(uint64_t id, Outcome outcome)> complete_later;
};

std::unique_ptr<Applier> make_applier(const Parts& parts);

}  // namespace gatehouse::apply

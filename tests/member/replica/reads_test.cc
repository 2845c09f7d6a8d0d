#include "member/replica/reads.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse::replica {
namespace {

// A follower of member 2.
std::unique_ptr<raft::Core> follower() {
  raft::Options options;
  options.id = 1;
  options.entropy = [] { return uint64_t{0}; };
  raft::Restored restored;
  for (const uint64_t voter : {1, 2, 3}) restored.conf_state.add_voters(voter);
  auto core = raft::Core::create(std::move(options), std::move(restored));
  EXPECT_TRUE(core.ok()) << core.status().to_string();
  raft::Message heartbeat;
  heartbeat.type = raft::MessageType::kHeartbeat;
  heartbeat.from = 2;
  heartbeat.to = 1;
  heartbeat.term = 1;
  EXPECT_TRUE((*core)->step(std::move(heartbeat)).ok());
  (*core)->take_ready();
  return std::move(*core);
}

// What the leader is asked with.
std::string asked(raft::Core& core) {
  for (const raft::Message& message : core.take_ready().messages) {
    if (message.type == raft::MessageType::kReadIndex) {
      return std::string(message.entries.at(0).data.view());
    }
  }
  return "";
}

TEST(Reads, GoOnOnceTheirIndexIsApplied) {
  const auto core = follower();
  std::vector<uint64_t> released;
  Reads reads(*core, 1, [&](size_t, uint64_t ticket) { released.push_back(ticket); }, {}, log::Logger());
  reads.want(0, 1);
  reads.ask(0);
  reads.on_read_state({5, asked(*core)}, 4);
  EXPECT_TRUE(released.empty());
  reads.on_applied(5);
  EXPECT_EQ(released, std::vector<uint64_t>{1});
}

TEST(Reads, AnAnswerToAnEarlierLifeIsNobodys) {
  const auto before = follower();
  Reads earlier(*before, 0x1111, [](size_t, uint64_t) {}, {}, log::Logger());
  earlier.want(0, 1);
  earlier.ask(0);
  const std::string old = asked(*before);

  const auto core = follower();
  std::vector<uint64_t> released;
  Reads reads(*core, 0x2222, [&](size_t, uint64_t ticket) { released.push_back(ticket); }, {},
              log::Logger());
  reads.want(0, 1);
  reads.ask(0);
  reads.on_read_state({5, old}, 9);
  EXPECT_TRUE(released.empty());
  reads.on_read_state({7, asked(*core)}, 9);
  EXPECT_EQ(released, std::vector<uint64_t>{1});
}

}  // namespace
}  // namespace gatehouse::replica

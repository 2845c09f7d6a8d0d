#include "member/replica/apply_loop.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "member/schema/meta.h"
#include "proto/rpc.pb.h"
#include "tests/member/replica/state_for_test.h"

namespace gatehouse::replica {
namespace {

class ApplyLoopTest : public ::testing::Test {
 protected:
  void start(uint64_t quota_bytes = 0, raft::LogPosition applied = {}) {
    ApplyEvents events;
    events.change_configuration = [this](raftpb::ConfChangeV2,
                                         std::function<void(Result<raftpb::ConfState>)> done) {
      change_done_ = std::move(done);
    };
    events.on_applied = [this](uint64_t index) {
      order_ += "applied " + std::to_string(index) + "\n";
    };
    events.on_term_began = [this](uint64_t term) {
      order_ += "term " + std::to_string(term) + "\n";
    };
    events.on_conf_change = [this](uint64_t id, const Status& status) {
      order_ += "change " + std::to_string(id) + (status.ok() ? " done\n" : " refused\n");
    };
    events.on_no_space = [this] { ++no_space_; };
    events.on_batch = [this](uint64_t index, uint64_t term) { reached_ = {index, term}; };
    events.answer = [this](size_t lane, std::vector<Answer> answers) {
      for (Answer& each : answers) {
        order_ += "answer " + std::to_string(lane) + "\n";
        answers_.push_back(std::move(each));
      }
    };
    apply::Parts parts = state_.parts();
    parts.quota_bytes = quota_bytes;
    loop_ = std::make_unique<ApplyLoop>(executor_, executor_, ApplyLoop::Options{}, parts, 2, ids_,
                                        progress_, *state_.feed, applied, std::move(events),
                                        log::Logger());
  }

  raft::Entry put(const std::string& key, const std::string& value) {
    return put(key, value, ids_.next(0));
  }
  raft::Entry put(const std::string& key, const std::string& value, uint64_t id) {
    etcdserverpb::PutRequest message;
    message.set_key(key);
    message.set_value(value);
    const std::string body = message.SerializeAsString();
    apply::Request request;
    request.kind = apply::Kind::kPut;
    request.id = id;
    request.body = body;
    return entry(apply::make_payload(request));
  }
  raft::Entry entry(raft::Payload data, raft::EntryType type = raft::EntryType::kNormal) {
    raft::Entry made;
    made.index = ++last_index_;
    made.term = 2;
    made.type = type;
    made.data = std::move(data);
    return made;
  }
  uint64_t durable_index() const {
    std::string_view bytes;
    return state_.backend->read()->get(backend::Bucket::kMeta, schema::kConsistentIndex, bytes)
               ? schema::decode_number(bytes)
               : 0;
  }

  env::SimExecutor executor_;
  StateForTest state_{executor_};
  RequestIds ids_{1, 1'000'000, 2};
  Progress progress_;
  std::string order_;
  std::vector<Answer> answers_;
  int no_space_ = 0;
  uint64_t last_index_ = 0;
  raft::LogPosition reached_;  // of the last batch
  std::function<void(Result<raftpb::ConfState>)> change_done_;
  std::unique_ptr<ApplyLoop> loop_;
};

TEST_F(ApplyLoopTest, ABatchIsOneChangeAndIsAnsweredWhenItCanBeRead) {
  start();
  loop_->on_committed(nullptr, {entry(raft::Payload()), put("a", "1"), put("b", "2", ids_.next(1))});
  EXPECT_EQ(order_, "term 2\nanswer 0\nanswer 1\napplied 3\n");
  EXPECT_EQ(answers_[0].outcome.revision, 2);
  EXPECT_EQ(answers_[1].outcome.revision, 3);
  EXPECT_EQ(progress_.applied, 3U);
  EXPECT_EQ(state_.store->view()->revision(), 3);
  EXPECT_EQ(durable_index(), 3U) << "together with what it is the index of";
}

TEST_F(ApplyLoopTest, RequestsOfOthersAreCarriedOutAndAnsweredByNobody) {
  start();
  RequestIds others(2, 1'000'000, 2);
  loop_->on_committed(nullptr, {put("a", "1", others.next(0))});
  EXPECT_TRUE(answers_.empty());
  EXPECT_EQ(state_.store->view()->revision(), 2);
}

TEST_F(ApplyLoopTest, EntriesBehindAMembershipChangeWaitForTheCore) {
  start();
  raftpb::ConfChange change;
  change.set_id(77);
  change.set_type(raftpb::ConfChangeRemoveNode);
  change.set_node_id(5);
  const raft::Entry changes =
      entry(raft::Payload(change.SerializeAsString()), raft::EntryType::kConfChange);
  loop_->on_committed(nullptr, {changes, put("a", "1")});
  EXPECT_EQ(order_, "");
  loop_->on_committed(nullptr, {put("b", "2")});
  EXPECT_EQ(order_, "") << "the next batch waits, too";
  ASSERT_TRUE(change_done_);
  change_done_(raftpb::ConfState());
  EXPECT_EQ(order_, "change 77 refused\nanswer 0\napplied 2\nanswer 0\napplied 3\n")
      << "member 5 was none";
  EXPECT_EQ(durable_index(), 3U);
}

TEST_F(ApplyLoopTest, ACompactionThatGoesOnBeforeAnyEntryEndsWhereTheDatabaseIs) {
  start(0, {7, 3});
  loop_->run_writer_tasks();
  EXPECT_EQ(reached_.index, 7U);
  EXPECT_EQ(reached_.term, 3U) << "a snapshot may be taken of this point";
}

TEST_F(ApplyLoopTest, OverTheQuotaEveryWriteAsksForTheAlarm) {
  start(/*quota_bytes=*/64 << 10);
  loop_->on_committed(nullptr, {put("a", std::string(1000, 'x'))});
  EXPECT_TRUE(answers_.back().outcome.status.ok());
  EXPECT_EQ(no_space_, 0);
  loop_->on_committed(nullptr, {put("b", std::string(60 << 10, 'x'))});
  EXPECT_EQ(answers_.back().outcome.status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(no_space_, 1);
  EXPECT_EQ(state_.store->view()->revision(), 3) << "carried out, as on members with more room";
  // What waits for the next commit counts.
  loop_->on_committed(nullptr, {put("c", std::string(1000, 'x'))});
  EXPECT_EQ(no_space_, 2);
}

TEST_F(ApplyLoopTest, AnEntryThatIsNoRequestIsPassedOver) {
  start();
  loop_->on_committed(nullptr, {entry(raft::Payload("\xff\xff\xff garbage")), put("a", "1")});
  EXPECT_EQ(answers_.size(), 1U);
  EXPECT_EQ(progress_.applied, 2U);
}

TEST(ApplyTimes, TellOfSlowRequestsInEtcdsWords) {
  const std::string path = ::testing::TempDir() + "/slow." + std::to_string(getpid());
  log::Options log_options;
  log_options.outputs = {path};
  const Result<log::Logger> logger = log::create(log_options);
  ASSERT_TRUE(logger.ok());
  metrics::Registry registry;
  const Metrics counted(registry);
  env::SimExecutor executor;
  ApplyTimes times(executor, 100, counted, *logger);
  etcdserverpb::PutRequest put;
  put.set_key("a");
  put.set_value("secret");
  const std::string body = put.SerializeAsString();
  apply::Request request;
  request.kind = apply::Kind::kPut;
  request.id = 7;
  request.body = body;
  apply::Outcome outcome;
  outcome.revision = 5;
  times.begin();
  executor.advance(100);
  times.done(request, outcome);  // as long as it may take
  executor.advance(101);
  times.done(request, outcome);
  executor.advance(5);
  times.begin();
  executor.advance(150);
  request.kind = apply::Kind::kLeaseRevoke;
  request.body = "";
  times.done(request, not_found("etcdserver: requested lease not found"));
  EXPECT_EQ(counted.slow_applies.value(), 2U);
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  std::remove(path.c_str());
  EXPECT_NE(text.str().find(
                R"("msg":"apply request took too long","took":"101ms","expected-duration":"100ms",)"
                R"("prefix":"","request":"header:<ID:7> put:<key:\"a\" value_size:6 >",)"
                R"("response":"size:4")"),
            std::string::npos)
      << text.str();
  EXPECT_NE(text.str().find(R"("request":"header:<ID:7> lease_revoke:<id:0000000000000000>",)"
                            R"("response":"","error":"etcdserver: requested lease not found")"),
            std::string::npos)
      << text.str();
  const std::string scrape = registry.serialize();
  EXPECT_NE(scrape.find("etcd_server_apply_duration_seconds_count{version=\"v3\",op=\"Put\","
                        "success=\"true\"} 2"),
            std::string::npos)
      << scrape;
  EXPECT_NE(scrape.find("etcd_server_apply_duration_seconds_count{version=\"v3\","
                        "op=\"LeaseRevoke\",success=\"false\"} 1"),
            std::string::npos);
}

}  // namespace
}  // namespace gatehouse::replica

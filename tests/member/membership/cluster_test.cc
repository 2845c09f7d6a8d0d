#include "member/membership/cluster.h"

#include <gmock/gmock.h>

#include <thread>

#include "common/env/sim_file_system.h"

namespace gatehouse::membership {
namespace {

using backend::Bucket;
using Kind = ParsedChange::Kind;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

Member voter(uint64_t id, std::string name = "") {
  return {.id = id, .peer_urls = {"http://m" + std::to_string(id) + ":1"}, .name = std::move(name)};
}
Member learner(uint64_t id) {
  Member member = voter(id);
  member.is_learner = true;
  return member;
}

class ClusterTest : public testing::Test {
 protected:
  ClusterTest() { open(); }

  void open() {
    backend::Options options;
    options.batch_interval = std::chrono::hours(1);
    options.initial_map_bytes = 1 << 20;
    backend_.reset();
    backend_ = std::move(*backend::Backend::open(disk_, "db", options));
  }
  Result<ParsedChange> apply(const raftpb::ConfChange& change) {
    EXPECT_EQ(cluster_.validate(change).ok(), true) << cluster_.validate(change).to_string();
    Result<ParsedChange> applied = cluster_.apply(backend_->writer(), change);
    backend_->writer().end();
    return applied;
  }
  void add(const Member& member) { ASSERT_TRUE(apply(add_change(0, member)).ok()); }
  // validate() and apply() say the same, and nothing changes.
  Status refuse(const raftpb::ConfChange& change) {
    const Members before = *cluster_.members();
    const Status status = cluster_.validate(change);
    EXPECT_EQ(cluster_.apply(backend_->writer(), change).status(), status);
    backend_->writer().end();
    EXPECT_EQ(*cluster_.members(), before);
    return status;
  }
  void publish(uint64_t id) {
    ASSERT_TRUE(cluster_.set_attributes(backend_->writer(), id, "m" + std::to_string(id),
                                        {"http://c" + std::to_string(id) + ":1"}));
    backend_->writer().end();
  }
  std::map<std::string, std::string> rows(Bucket bucket) const {
    std::map<std::string, std::string> rows;
    backend_->read()->scan(bucket, {}, {}, [&rows](std::string_view key, std::string_view value) {
      rows.emplace(key, value);
      return true;
    });
    return rows;
  }

  env::SimFileSystem disk_{64 << 20};
  std::unique_ptr<backend::Backend> backend_;
  Cluster cluster_{1, 99, 1};
};

TEST_F(ClusterTest, WritesTheRowsThatEtcdWrites) {
  Cluster& cluster = cluster_;
  add({.id = 0xfce4ccdb9802da4a, .peer_urls = {"http://127.0.0.1:22380"}, .name = "m1"});
  ASSERT_TRUE(cluster.set_attributes(backend_->writer(), 0xfce4ccdb9802da4a, "m1",
                                     {"http://127.0.0.1:22379"}));
  add(voter(0xab, "gone"));
  ASSERT_TRUE(apply(remove_change(0, 0xab)).ok());
  ASSERT_TRUE(cluster.set_version(backend_->writer(), "3.6.0").ok());
  cluster.set_downgrade(backend_->writer(), {true, "3.6.0"});
  backend_->writer().end();
  EXPECT_THAT(rows(Bucket::kMembers),
              ElementsAre(Pair("fce4ccdb9802da4a",
                               R"({"id":18222915235768097354,"peerURLs":["http://127.0.0.1:22380"],)"
                               R"("name":"m1","clientURLs":["http://127.0.0.1:22379"]})")));
  EXPECT_THAT(rows(Bucket::kMembersRemoved), ElementsAre(Pair("ab", "removed")));
  EXPECT_THAT(rows(Bucket::kCluster),
              ElementsAre(Pair("clusterVersion", "3.6.0"),
                          Pair("downgrade", R"({"target-version":"3.6.0","enabled":true})")));
  EXPECT_THAT(rows(Bucket::kMeta),
              ElementsAre(Pair("confState",
                               R"({"voters":[18222915235768097354],"auto_leave":false})")));
  cluster.set_downgrade(backend_->writer(), {false, "3.6.0"});
  backend_->writer().end();
  EXPECT_EQ(rows(Bucket::kCluster)["downgrade"], R"({"target-version":"","enabled":false})");
}

TEST_F(ClusterTest, ComesBackFromItsRows) {
  add(voter(1, "one"));
  add(learner(0xfce4ccdb9802da4a));
  add(voter(3));
  ASSERT_TRUE(apply(remove_change(0, 3)).ok());
  publish(1);
  ASSERT_TRUE(cluster_.set_version(backend_->writer(), "3.7.0").ok());
  cluster_.set_downgrade(backend_->writer(), {true, "3.6.0"});
  backend_->writer().end();
  ASSERT_TRUE(backend_->commit().ok());
  open();
  Cluster again(1, 99);
  ASSERT_TRUE(again.restore(*backend_->read()).ok());
  EXPECT_EQ(*again.members(), *cluster_.members());
  EXPECT_EQ(again.members()->voters(), 1u);
  EXPECT_EQ(again.members()->learners(), 1u);
  const raftpb::ConfState state = again.members()->conf_state();
  EXPECT_THAT(state.voters(), ElementsAre(1));
  EXPECT_THAT(state.learners(), ElementsAre(0xfce4ccdb9802da4a));
}

TEST_F(ClusterTest, RefusesRowsThatAreNotItsOwn) {
  const std::tuple<Bucket, std::string, std::string, std::string> cases[] = {
      {Bucket::kMembers, "1", "{", "bucket \"members\", row \"1\": member: "},
      {Bucket::kMembers, "1", "{\"id\":2,\"peerURLs\":null}",
       "bucket \"members\", row \"1\": is of another member"},
      {Bucket::kMembersRemoved, "zz", "removed",
       "bucket \"members_removed\", row \"zz\": is no member's id"},
      {Bucket::kCluster, "clusterVersion", "three",
       "bucket \"cluster\", row \"clusterVersion\": is no version"},
      {Bucket::kCluster, "downgrade", "[]", "bucket \"cluster\", row \"downgrade\": downgrade: "},
  };
  add(voter(7));
  const Members before = *cluster_.members();
  for (const auto& [bucket, key, value, error] : cases) {
    backend_->writer().put(bucket, key, value);
    backend_->writer().end();
    const Status status = cluster_.restore(*backend_->read());
    EXPECT_EQ(status.code(), StatusCode::kDataLoss);
    EXPECT_THAT(status.message(), testing::StartsWith(error));
    EXPECT_EQ(*cluster_.members(), before);
    backend_->writer().remove(bucket, key);
    backend_->writer().end();
  }
  EXPECT_TRUE(cluster_.restore(*backend_->read()).ok());
}

TEST_F(ClusterTest, AppliesEachKindOfChange) {
  add(voter(1, "one"));
  const Result<ParsedChange> added = apply(add_change(0, learner(2)));
  EXPECT_EQ(added.value().kind, Kind::kAdd);
  EXPECT_EQ(added.value().member, learner(2));
  publish(2);
  const Result<ParsedChange> promoted = apply(promote_change(0, 2));
  EXPECT_EQ(promoted.value().kind, Kind::kPromote);
  EXPECT_FALSE(promoted.value().member.is_learner);
  EXPECT_EQ(promoted.value().member.name, "m2") << "the rest stays";
  const Result<ParsedChange> updated = apply(update_change(0, 2, {"http://new:1"}));
  EXPECT_EQ(updated.value().kind, Kind::kUpdate);
  EXPECT_THAT(updated.value().member.peer_urls, ElementsAre("http://new:1"));
  EXPECT_EQ(updated.value().member.client_urls, std::vector<std::string>{"http://c2:1"});
  const Result<ParsedChange> removed = apply(remove_change(0, 2));
  EXPECT_EQ(removed.value().kind, Kind::kRemove);
  EXPECT_THAT(removed.value().member.peer_urls, ElementsAre("http://new:1"));
  EXPECT_EQ(cluster_.members()->find(2), nullptr);
  EXPECT_THAT(cluster_.members()->removed, ElementsAre(2));
}

TEST_F(ClusterTest, RefusesInTheWordsOfTheCatalogue) {
  add(voter(1, "one"));
  add(voter(2, "two"));
  add(learner(3));
  add(voter(4));
  ASSERT_TRUE(apply(remove_change(0, 4)).ok());
  const Status missing(StatusCode::kNotFound, "etcdserver: member not found");
  const Status url_exists(StatusCode::kFailedPrecondition, "etcdserver: Peer URLs already exists");
  EXPECT_EQ(refuse(add_change(0, voter(4))), missing) << "removed ids never come back";
  EXPECT_EQ(refuse(remove_change(0, 4)), missing);
  EXPECT_EQ(refuse(remove_change(0, 5)), missing);
  EXPECT_EQ(refuse(update_change(0, 5, {"http://x:1"})), missing);
  EXPECT_EQ(refuse(promote_change(0, 5)), missing);
  EXPECT_EQ(refuse(add_change(0, voter(2))),
            Status(StatusCode::kFailedPrecondition, "etcdserver: member ID already exist"));
  Member same_url = voter(5);
  same_url.peer_urls = {"http://x:1", "http://m2:1"};
  EXPECT_EQ(refuse(add_change(0, same_url)), url_exists);
  EXPECT_EQ(refuse(update_change(0, 1, {"http://m3:1"})), url_exists);
  EXPECT_TRUE(cluster_.validate(update_change(0, 1, {"http://m1:1"})).ok()) << "its own";
  EXPECT_EQ(refuse(promote_change(0, 1)),
            Status(StatusCode::kFailedPrecondition,
                   "etcdserver: can only promote a learner member"));
  EXPECT_EQ(refuse(add_change(0, learner(6))),
            Status(StatusCode::kFailedPrecondition,
                   "etcdserver: too many learner members in cluster"));
  raftpb::ConfChange foreign = add_change(0, voter(7));
  foreign.set_context("\xff");
  EXPECT_EQ(refuse(foreign).code(), StatusCode::kInvalidArgument);
}

TEST_F(ClusterTest, ChecksThatEnoughVotersRun) {
  const Status too_few(StatusCode::kUnknown,
                       "etcdserver: re-configuration failed due to not enough started members");
  const Status missing(StatusCode::kNotFound, "etcdserver: member not found");
  add(voter(1));
  EXPECT_EQ(cluster_.check_add_voter(), too_few) << "nobody has started";
  publish(1);
  EXPECT_TRUE(cluster_.check_add_voter().ok()) << "one may always become two";
  EXPECT_EQ(cluster_.check_remove(1), too_few) << "the last one";
  add(voter(2));
  EXPECT_EQ(cluster_.check_add_voter(), too_few);
  EXPECT_TRUE(cluster_.check_remove(2).ok());
  EXPECT_EQ(cluster_.check_remove(1), too_few);
  publish(2);
  EXPECT_TRUE(cluster_.check_add_voter().ok());
  add(voter(3));
  EXPECT_EQ(cluster_.check_add_voter(), too_few) << "2 of 4 are no quorum";
  EXPECT_EQ(cluster_.check_remove(1), too_few) << "1 of 2 is none";
  add(learner(4));
  EXPECT_TRUE(cluster_.check_remove(4).ok()) << "a learner may always go";
  EXPECT_TRUE(cluster_.check_promote(4).ok()) << "3 of 4";
  EXPECT_EQ(cluster_.check_remove(9), missing);
  EXPECT_EQ(cluster_.check_promote(9), missing);
  EXPECT_EQ(cluster_.check_promote(1).message(), "etcdserver: can only promote a learner member");
}

TEST_F(ClusterTest, PromotionNeedsAQuorumToo) {
  for (uint64_t id = 1; id <= 4; ++id) add(voter(id));
  add(learner(5));
  publish(1);
  EXPECT_EQ(cluster_.check_promote(5).code(), StatusCode::kUnknown) << "2 of 5";
  publish(2);
  EXPECT_TRUE(cluster_.check_promote(5).ok()) << "3 of 5";
}

TEST_F(ClusterTest, HandsOverToVotersOnly) {
  add(voter(1));
  add(learner(2));
  const Status bad(StatusCode::kFailedPrecondition, "etcdserver: bad leader transferee");
  EXPECT_TRUE(cluster_.check_transferee(1).ok());
  EXPECT_EQ(cluster_.check_transferee(2), bad);
  EXPECT_EQ(cluster_.check_transferee(3), bad);
}

TEST_F(ClusterTest, IgnoresWhatIsNotOfAMember) {
  EXPECT_FALSE(cluster_.set_attributes(backend_->writer(), 5, "five", {}));
  EXPECT_EQ(cluster_.set_version(backend_->writer(), "new").code(), StatusCode::kInvalidArgument);
  backend_->writer().end();
  EXPECT_THAT(rows(Bucket::kMembers), IsEmpty());
  EXPECT_THAT(rows(Bucket::kCluster), IsEmpty());
}

TEST_F(ClusterTest, ReplacesAllRows) {
  add(voter(1));
  add(voter(2));
  ASSERT_TRUE(apply(remove_change(0, 2)).ok());
  ASSERT_TRUE(cluster_.set_version(backend_->writer(), "3.7.0").ok());
  cluster_.set_downgrade(backend_->writer(), {true, "3.6.0"});
  Members members;
  members.by_id.emplace(8, voter(8, "eight"));
  members.removed.insert(1);
  cluster_.replace(backend_->writer(), members);
  backend_->writer().end();
  Cluster again(1, 99);
  ASSERT_TRUE(again.restore(*backend_->read()).ok());
  EXPECT_EQ(*again.members(), members);
  EXPECT_EQ(*cluster_.members(), members);
  EXPECT_EQ(rows(Bucket::kMeta)["confState"], R"({"voters":[8],"auto_leave":false})");
}

// For the thread sanitizer.
TEST_F(ClusterTest, IsReadWhileItChanges) {
  add(voter(1));
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) {
      const std::shared_ptr<const Members> members = cluster_.members();
      EXPECT_EQ(members->find(1)->name.empty(), members->find(1)->client_urls.empty());
      static_cast<void>(cluster_.check_add_voter());
    }
  });
  for (int round = 0; round < 500; ++round) {
    cluster_.set_attributes(backend_->writer(), 1, round % 2 == 0 ? "one" : "",
                            round % 2 == 0 ? std::vector<std::string>{"http://c:1"}
                                           : std::vector<std::string>{});
  }
  stop = true;
  reader.join();
  backend_->writer().end();
}

}  // namespace
}  // namespace gatehouse::membership

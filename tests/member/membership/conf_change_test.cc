#include "member/membership/conf_change.h"

#include <gtest/gtest.h>

namespace gatehouse::membership {
namespace {

using Kind = ParsedChange::Kind;

std::string bytes_of(const raftpb::ConfChange& change) { return change.SerializeAsString(); }

TEST(ConfChange, IsTheBootstrapEntryThatEtcdWrites) {
  const std::vector<raftpb::ConfChange> changes = bootstrap_changes(
      {{.id = 0xfce4ccdb9802da4a, .peer_urls = {"http://127.0.0.1:22380"}, .name = "m1"}});
  ASSERT_EQ(changes.size(), 1u);
  const std::string head("\x08\x00\x10\x00\x18\xca\xb4\x8b\xc0\xb9\x9b\xb3\xf2\xfc\x01\x22\x4d", 17);
  EXPECT_EQ(bytes_of(changes[0]),
            head + R"({"id":18222915235768097354,"peerURLs":["http://127.0.0.1:22380"],"name":"m1"})");
}

TEST(ConfChange, BootstrapIsInTheOrderOfIds) {
  const std::vector<raftpb::ConfChange> changes = bootstrap_changes({{.id = 9}, {.id = 2}});
  EXPECT_EQ(changes[0].node_id(), 2u);
  EXPECT_EQ(changes[1].node_id(), 9u);
}

TEST(ConfChange, EachKindReadsBack) {
  const Member voter = {.id = 5, .peer_urls = {"http://a:1"}};
  Member learner = voter;
  learner.is_learner = true;

  EXPECT_EQ(add_change(1, voter).type(), raftpb::ConfChangeAddNode);
  EXPECT_EQ(parse_change(add_change(1, voter))->member, voter);
  const raftpb::ConfChange added = add_change(1, learner);
  EXPECT_EQ(added.type(), raftpb::ConfChangeAddLearnerNode);
  EXPECT_EQ(added.context(), R"({"id":5,"peerURLs":["http://a:1"],"isLearner":true})");
  EXPECT_EQ(parse_change(added)->kind, Kind::kAdd);
  EXPECT_EQ(parse_change(added)->member, learner);

  const raftpb::ConfChange promoted = promote_change(2, 5);
  EXPECT_EQ(promoted.type(), raftpb::ConfChangeAddNode);
  EXPECT_EQ(promoted.id(), 2u);
  EXPECT_EQ(parse_change(promoted)->kind, Kind::kPromote);

  const raftpb::ConfChange removed = remove_change(3, 5);
  EXPECT_EQ(bytes_of(removed), "\x08\x03\x10\x01\x18\x05");
  EXPECT_EQ(parse_change(removed)->kind, Kind::kRemove);
  EXPECT_EQ(parse_change(removed)->member.id, 5u);

  const raftpb::ConfChange updated = update_change(4, 5, {"http://b:2"});
  EXPECT_EQ(updated.context(), R"({"id":5,"peerURLs":["http://b:2"]})");
  EXPECT_EQ(parse_change(updated)->kind, Kind::kUpdate);
  EXPECT_EQ(parse_change(updated)->member.peer_urls, std::vector<std::string>{"http://b:2"});
}

TEST(ConfChange, ForeignOnesAreRefused) {
  raftpb::ConfChange change = add_change(1, {.id = 5, .peer_urls = {"http://a:1"}});
  change.set_node_id(6);
  EXPECT_EQ(parse_change(change).status(),
            invalid_argument("a change of member 6 speaks of member 5"));
  change.set_context("{");
  EXPECT_EQ(parse_change(change).status().code(), StatusCode::kInvalidArgument);
  change.clear_context();
  EXPECT_FALSE(parse_change(change).ok());
}

}  // namespace
}  // namespace gatehouse::membership

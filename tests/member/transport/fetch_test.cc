// What a member asks others before it is one of them.
#include "member/transport/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/member/transport/rig.h"

namespace gatehouse::transport {
namespace {

using ::testing::HasSubstr;
using namespace testing;  // NOLINT: the rig

class FetchTest : public ::testing::Test {
 protected:
  FetchTest() : member(net, 1), dialer(net.network.dialer("joiner", net.sim)) {}

  std::optional<Result<Fetched>> ask(std::vector<std::string> urls, const std::string& path,
                                     const FetchOptions& options = {}) {
    std::optional<Result<Fetched>> result;
    const auto under_way =
        fetch(net.sim, *dialer, std::move(urls), path, options,
              [&](Result<Fetched> fetched) { result.emplace(std::move(fetched)); });
    EXPECT_FALSE(result.has_value()) << "from a later turn";
    net.sim.advance(10'000);
    return result;
  }

  Net net;
  Member member;
  std::unique_ptr<net::Dialer> dialer;
  std::vector<std::unique_ptr<env::ByteStream>> mute;
};

TEST_F(FetchTest, TheFirstThatAnswers) {
  net.network.listen("http://mute:1", net.sim, [this](std::unique_ptr<env::ByteStream> stream) {
    mute.push_back(std::move(stream));
  });
  auto result = ask({"http://nobody:1", "http://mute:1", url_of(1)}, "/members");
  mute.clear();
  ASSERT_TRUE(result && result->ok());
  EXPECT_EQ((*result)->url, url_of(1));
  EXPECT_EQ((*result)->cluster_id, kCluster);
  EXPECT_EQ((*result)->body, "[{\"id\":1}]\n");
  EXPECT_EQ((*ask({url_of(1)}, "/version"))->body, R"({"etcdserver":"3.7.1"})");
  EXPECT_EQ((*ask({url_of(1)}, "/downgrade/enabled"))->body, "false");
}

TEST_F(FetchTest, NobodyAnswers) {
  for (const auto& urls : std::vector<std::vector<std::string>>{
           {}, {"http://nobody:1"}, {"http://nobody:1", "not an address"}}) {
    const auto result = ask(urls, "/members");
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result->status().code(), StatusCode::kUnavailable);
  }
  EXPECT_THAT(ask({url_of(1)}, "/nothing")->status().message(), HasSubstr("404"));
  EXPECT_THAT(ask({url_of(1)}, "/version", {.needs_cluster_id = true})->status().message(),
              HasSubstr("cluster id"));
  EXPECT_THAT(ask({url_of(1)}, "/version", {.max_body_bytes = 5})->status().message(),
              HasSubstr("too long"));
}

TEST_F(FetchTest, GivenUpItSaysNothing) {
  net.network.set_link({.delay_ms = 5});
  for (const uint64_t after_ms : {0, 1, 7, 12}) {  // not begun, dialling, asked, ...
    auto under_way = fetch(net.sim, *dialer, {url_of(1)}, "/members", {},
                           [](Result<Fetched>) { ADD_FAILURE() << "it was given up"; });
    if (after_ms > 0) net.sim.advance(after_ms);
    under_way.reset();
    net.sim.advance(5'000);
  }
  // And inside its own callback.
  std::unique_ptr<Fetch> itself;
  int calls = 0;
  itself = fetch(net.sim, *dialer, {url_of(1)}, "/members", {}, [&](Result<Fetched>) {
    ++calls;
    itself.reset();
  });
  net.sim.advance(5'000);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace gatehouse::transport

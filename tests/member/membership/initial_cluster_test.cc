// The errors were taken from a running etcd 3.4.23.
#include "member/membership/initial_cluster.h"

#include <gmock/gmock.h>

#include "member/membership/peer_urls.h"

namespace gatehouse::membership {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(InitialCluster, IsNamesAndTheirUrls) {
  const Result<InitialCluster> cluster = parse_initial_cluster(
      "b=http://2.2.2.2:2380,,a=https://1.1.1.1:2380,b= HTTP://[fd00::2]:1 ,c=unix://x/y,");
  ASSERT_TRUE(cluster.ok()) << cluster.status().to_string();
  EXPECT_THAT(cluster.value(),
              ElementsAre(Pair("a", ElementsAre("https://1.1.1.1:2380")),
                          Pair("b", ElementsAre("http://2.2.2.2:2380", "http://[fd00::2]:1")),
                          Pair("c", ElementsAre("unix://x/y"))));
  EXPECT_EQ(to_text(cluster.value()),
            "a=https://1.1.1.1:2380,b=http://2.2.2.2:2380,b=http://[fd00::2]:1,c=unix://x/y");
  EXPECT_TRUE(parse_initial_cluster("").value().empty());
}

TEST(InitialCluster, SaysWhatIsWrongWithAUrlAsEtcdDoes) {
  const std::pair<const char*, const char*> cases[] = {
      {"a=http://127.0.0.1", R"(URL address does not have the form "host:port": http://127.0.0.1)"},
      {"a=http:x", R"(URL address does not have the form "host:port": http:x)"},
      {"a=http://::1:2380", R"(URL address does not have the form "host:port": http://::1:2380)"},
      {"a=ftp://127.0.0.1:1", "URL scheme must be http, https, unix, or unixs: ftp://127.0.0.1:1"},
      {"a=http://127.0.0.1:1/x", "URL must not contain a path: http://127.0.0.1:1/x"},
      {"a=http://127.0.0.1:1/", "URL must not contain a path: http://127.0.0.1:1/"},
      {"a=", "URL scheme must be http, https, unix, or unixs: "},
      {"a", "URL scheme must be http, https, unix, or unixs: "},
      {"a=:foo", R"(parse ":foo": missing protocol scheme)"},
      {"a=http://[::1:9", R"(parse "http://[::1:9": missing ']' in host)"},
      {"a=http://127.0.0.1:x", R"(parse "http://127.0.0.1:x": invalid port ":x" after host)"},
      {"a=http://a b:1", R"(parse "http://a b:1": invalid character " " in host name)"},
      {"a=http://a\x01:1", "net/url: invalid control character in URL"},
  };
  for (const auto& [text, error] : cases) {
    EXPECT_EQ(parse_initial_cluster(text).status(),
              invalid_argument(std::string("error setting up initial cluster: ") + error));
  }
}

Status check(std::string_view text, const std::vector<std::string>& advertised,
             const Resolve& resolve = {}) {
  const Result<InitialCluster> cluster = parse_initial_cluster(text);
  return cluster.ok() ? check_new_cluster(cluster.value(), "a", advertised, resolve)
                      : cluster.status();
}

TEST(InitialCluster, SaysWhatDoesNotFitAsEtcdDoes) {
  const std::string own = "http://127.0.0.1:47380";
  const std::string other = "http://127.0.0.1:47381";
  EXPECT_TRUE(check("a=" + own, {own}).ok());
  EXPECT_TRUE(check("a=" + own + ",a=" + other, {other, own}).ok());
  EXPECT_EQ(check("b=" + own, {own}).message(),
            "couldn't find local name \"a\" in the initial cluster configuration");
  EXPECT_EQ(check("", {own}).message(),
            "couldn't find local name \"a\" in the initial cluster configuration");
  EXPECT_EQ(check("a=" + own + ",b=" + own, {own}).message(),
            "initial cluster a=http://127.0.0.1:47380,b=http://127.0.0.1:47380 has duplicate url");
  EXPECT_EQ(check("a=" + other, {own}).message(),
            "--initial-cluster has a=http://127.0.0.1:47381 but missing from "
            "--initial-advertise-peer-urls=http://127.0.0.1:47380 (resolved urls: "
            "\"http://127.0.0.1:47380\" != \"http://127.0.0.1:47381\")");
  EXPECT_EQ(check("a=" + own, {own, other}).message(),
            "--initial-advertise-peer-urls has http://127.0.0.1:47381 but missing from "
            "--initial-cluster=a=http://127.0.0.1:47380,a=http://127.0.0.1:47381");
  EXPECT_EQ(check("a=" + own + ",a=" + other, {own}).message(),
            "--initial-cluster has a=http://127.0.0.1:47381 but missing from "
            "--initial-advertise-peer-urls=http://127.0.0.1:47380 (len([\"http://127.0.0.1:47380\"]"
            ") != len([\"http://127.0.0.1:47380\" \"http://127.0.0.1:47381\"]))");
}

TEST(InitialCluster, NamesOfTheSamePlaceFit) {
  const Resolve resolve = [](const std::string& url) {
    return url == "http://localhost:1" ? std::string("http://127.0.0.1:1") : url;
  };
  EXPECT_TRUE(check("a=http://localhost:1", {"http://127.0.0.1:1"}, resolve).ok());
  EXPECT_FALSE(check("a=http://localhost:1", {"http://127.0.0.1:1"}).ok());
}

TEST(InitialCluster, GivesItsMembersIds) {
  const std::vector<Member> members = initial_members(
      parse_initial_cluster("z=http://127.0.0.1:22390,m=http://127.0.0.1:22590,"
                            "a=http://127.0.0.1:22490").value(), "tok2");
  ASSERT_EQ(members.size(), 3u);
  EXPECT_EQ(members[0], (Member{.id = 0x3db55aea2aac61ba,
                                .peer_urls = {"http://127.0.0.1:22390"},
                                .name = "z"}));
  EXPECT_EQ(members[1].id, 0xb6f7d57197dcc9a5);
  EXPECT_EQ(members[2].name, "m");
}

TEST(RequestedUrls, AreRefusedInTheWordsOfTheCatalogue) {
  for (const std::vector<std::string>& urls :
       {std::vector<std::string>{}, {"http://a:1", "nonsense"}, {""}, {"http://a:99999"}}) {
    EXPECT_EQ(parse_requested_urls(urls).status(),
              Status(StatusCode::kInvalidArgument, "etcdserver: given member URLs are invalid"));
  }
  EXPECT_THAT(parse_requested_urls({"http://b:1", "http://a:1"}).value(),
              ElementsAre("http://a:1", "http://b:1"));
}

}  // namespace
}  // namespace gatehouse::membership

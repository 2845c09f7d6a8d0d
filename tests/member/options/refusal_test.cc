// Command lines that end a member before it starts, and what report() prints of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/member/options/bad_command_lines.h"
#include "tests/member/options/parsing.h"

namespace gatehouse::member {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Refusals, EndWithEtcdsCodeAndText) {
  for (const BadCommandLine& line : bad_command_lines()) {
    SCOPED_TRACE(line.environment + " " + line.words);
    Words environment;
    if (!line.environment.empty()) environment.push_back(line.environment);
    const config::Exit exit = ending(split_words(line.words), environment);
    EXPECT_EQ(exit.code, line.code);
    EXPECT_TRUE(exit.to_stderr);
    EXPECT_THAT(first_line(exit), StartsWith(line.text));
    EXPECT_THAT(exit.text, EndsWith("\n"));
    if (line.code == 2) {
      EXPECT_THAT(exit.text, HasSubstr("\nUsage:\n"));
    } else {
      EXPECT_EQ(exit.text, first_line(exit) + "\n");  // the reason alone
    }
  }
}

TEST(Refusals, HelpGoesToStandardOutput) {
  for (const char* word : {"-h", "--h", "-help", "--help"}) {
    const config::Exit exit = ending({"--name=x", word, "--xyz"});
    EXPECT_EQ(exit.code, 0);
    EXPECT_FALSE(exit.to_stderr);
    EXPECT_THAT(exit.text, HasSubstr("--listen-peer-urls"));
    EXPECT_THAT(exit.text, HasSubstr("ETCD_NAME for --name"));
    EXPECT_THAT(exit.text, Not(HasSubstr("--test.coverprofile")));
  }
}

TEST(Refusals, TheVersionIsFiveLinesOfWhichFourAreEtcds) {
  for (const Words& words : std::vector<Words>{
           {"--version"}, {"-version=true"}, {"--name=x", "--version", "--config-file=/nope"}}) {
    const config::Exit exit = ending(words, {"ETCD_NAME=y", "ETCD_SNAPSHOT_COUNT=x"});
    EXPECT_EQ(exit.code, 0);
    EXPECT_FALSE(exit.to_stderr);
    EXPECT_THAT(exit.text, testing::MatchesRegex("etcd Version: 3\\.7\\.1\n"
                                                 "Git SHA: [0-9a-z]+\n"
                                                 "Go Version: none \\(C\\+\\+20, .*\\)\n"
                                                 "Go OS/Arch: [a-z]+/[a-z0-9_]+\n"
                                                 "Gatehouse Version: [0-9.]+\n"));
  }
  EXPECT_EQ(ending({"--version", "word"}).code, 1);
  EXPECT_EQ(ending({"--version", "--xyz"}).code, 2);
}

TEST(Refusals, AreReportedAsALogLineOrAsTheyAre) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(report(ending({"foo"})), 1);
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_THAT(line, StartsWith("{\"level\":\"warn\",\"ts\":\""));
  EXPECT_THAT(line, EndsWith("\"msg\":\"failed to verify flags\","
                             "\"error\":\"\\\"foo\\\" is not a valid flag\"}\n"));

  testing::internal::CaptureStderr();
  EXPECT_EQ(report(ending({"--xyz"})), 2);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              StartsWith("flag provided but not defined: -xyz\nUsage:\n"));

  testing::internal::CaptureStdout();
  EXPECT_EQ(report(ending({"--version"})), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), StartsWith("etcd Version: 3.7.1\n"));
}

}  // namespace
}  // namespace gatehouse::member

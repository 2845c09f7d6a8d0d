// Sources together: who beats whom, what is told, what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "tests/common/config/schema_for_test.h"

namespace gatehouse::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::StartsWith;

class Load : public testing::Test {
 protected:
  Load() {
    std::string pattern = testing::TempDir() + "gatehouse-config-XXXXXX";
    close(mkstemp(pattern.data()));
    path_ = pattern;
    flag_ = "--config-file=" + path_;
  }
  ~Load() override { std::remove(path_.c_str()); }

  void write(const std::string& text) const { std::ofstream(path_) << text; }
  Settings settings(const Words& words, const Words& environment = {}) const {
    Loaded loaded = load(schema_, {words, environment});
    EXPECT_EQ(first_line(loaded), "");
    return std::get<Settings>(std::move(loaded));
  }
  std::string error(const Words& words, const Words& environment = {}) const {
    const Loaded loaded = load(schema_, {words, environment});
    if (const auto* exit = std::get_if<Exit>(&loaded)) {
      EXPECT_EQ(exit->code, 1);
    }
    return first_line(loaded);
  }

  Schema schema_ = schema_for_test();
  std::string path_;
  std::string flag_;
};

TEST_F(Load, GivesDefaultsToWhatNobodySaid) {
  const Settings s = settings({});
  EXPECT_EQ(s.string("name"), "default");
  EXPECT_FALSE(s.boolean("bool"));
  EXPECT_EQ(s.int64("int"), -1);
  EXPECT_EQ(s.uint64("uint"), 0U);
  EXPECT_EQ(s.uint32("uint32"), UINT32_MAX);
  EXPECT_EQ(s.duration("duration"), std::chrono::seconds(90));
  EXPECT_EQ(s.uint64("bytes"), 1'572'864U);
  EXPECT_THAT(s.list("list"), ElementsAre("a", "b"));
  EXPECT_EQ(s.string("enum"), "one");
  EXPECT_FALSE(s.is_set("name"));
  EXPECT_EQ(s.source("name"), Source::kDefault);
  EXPECT_THAT(s.warnings(), IsEmpty());
}

TEST_F(Load, FlagBeatsEnvironmentBeatsFile) {
  write("name: file\nint: 1\nuint: 1\n");
  const Settings s = settings({flag_, "--name=flag"}, {"ETCD_NAME=env", "ETCD_INT=2", "HOME=/"});
  EXPECT_EQ(s.string("name"), "flag");
  EXPECT_EQ(s.source("name"), Source::kFlag);
  EXPECT_EQ(s.int64("int"), 2);
  EXPECT_EQ(s.source("int"), Source::kEnvironment);
  EXPECT_EQ(s.uint64("uint"), 1U);
  EXPECT_EQ(s.source("uint"), Source::kFile);
  EXPECT_EQ(source_name(s.source("uint32")), "default");
}

TEST_F(Load, AValueEqualToTheDefaultIsStillSet) {
  EXPECT_TRUE(settings({"--name=default"}).is_set("name"));
}

TEST_F(Load, TheEnvironmentNamesTheFileToo) {
  write("name: file\n");
  EXPECT_EQ(settings({}, {"ETCD_CONFIG_FILE=" + path_}).string("name"), "file");
  EXPECT_EQ(error({"--config-file=/no/such"}, {"ETCD_CONFIG_FILE=" + path_}),
            "cannot read configuration file /no/such: No such file or directory");
}

TEST_F(Load, ReadsVariablesByTheirDerivedOrOwnNames) {
  schema_.options[2].environment = "OWN_NAME";
  const Settings s = settings({}, {"ETCD_CERT_FILE=/c", "OWN_NAME=3", "ETCD_LIST=", "NO_EQUALS"});
  EXPECT_EQ(s.string("cert-file"), "/c");
  EXPECT_EQ(s.int64("int"), 3);
  EXPECT_FALSE(s.is_set("list"));  // an empty variable is none
}

TEST_F(Load, WarnsOfVariablesItDoesNotKnow) {
  EXPECT_THAT(
      settings({}, {"ETCD_PORT_2379_TCP=tcp://10.0.0.1:2379", "ETCD_FLAG_ONLY=x"}).warnings(),
      ElementsAre("unrecognized environment variable ETCD_PORT_2379_TCP=tcp://10.0.0.1:2379",
                  "unrecognized environment variable ETCD_FLAG_ONLY=x"));
}

TEST_F(Load, NamesTheVariableOfABadValue) {
  EXPECT_EQ(error({}, {"ETCD_INT=x"}), "invalid value \"x\" for ETCD_INT: parse error");
  EXPECT_EQ(error({}, {"ETCD_EVEN=5"}), "invalid value \"5\" for ETCD_EVEN: must be even");
}

TEST_F(Load, AFlagAndItsVariableConflictWhereThePolicySaysSo) {
  schema_.env_conflict = Schema::EnvConflict::kError;
  EXPECT_EQ(error({"--name=x"}, {"ETCD_NAME=y"}),
            "conflicting environment variable \"ETCD_NAME\" is shadowed by corresponding "
            "command-line flag (either unset environment variable or disable flag)");
  EXPECT_EQ(settings({"--name=x"}, {"ETCD_INT=3"}).int64("int"), 3);
  // Empty or unreadable, it is there all the same.
  EXPECT_THAT(error({"--name=x"}, {"ETCD_NAME="}), StartsWith("conflicting environment variable"));
  EXPECT_THAT(error({"--int=1"}, {"ETCD_INT=x"}), StartsWith("conflicting environment variable"));
}

TEST_F(Load, AFileExcludesTheRestWhereThePolicySaysSo) {
  schema_.file_mode = Schema::FileMode::kExclusive;
  schema_.env_conflict = Schema::EnvConflict::kError;
  write("int: 1\n");
  const Settings s = settings({flag_, "--name=flag"}, {"ETCD_NAME=env", "ETCD_UINT=2"});
  EXPECT_EQ(s.string("name"), "default");
  EXPECT_EQ(s.int64("int"), 1);
  EXPECT_EQ(s.uint64("uint"), 0U);
  EXPECT_EQ(s.string("config-file"), path_);
  EXPECT_THAT(s.warnings(),
              ElementsAre("--name is ignored, because a configuration file is given",
                          "ETCD_NAME is ignored, because a configuration file is given",
                          "ETCD_UINT is ignored, because a configuration file is given"));
}

TEST_F(Load, AnExclusiveFileLeavesTheEnvironmentUnread) {
  schema_.file_mode = Schema::FileMode::kExclusive;
  write("int: 1\n");
  const Settings s = settings({"--config-file="}, {"ETCD_CONFIG_FILE=" + path_, "ETCD_UINT=x",
                                                   "ETCD_UNKNOWN=1", "ETCD_NAME="});
  EXPECT_EQ(s.int64("int"), 1);
  EXPECT_THAT(s.warnings(),
              ElementsAre("ETCD_UINT is ignored, because a configuration file is given"));
}

TEST_F(Load, UnknownKeysAreAWarningOrAnError) {
  write("name: x\nproxy: off\n");
  EXPECT_THAT(settings({flag_}).warnings(), ElementsAre(path_ + ":2: proxy: unknown key, ignored"));
  schema_.unknown_keys = Schema::UnknownKeys::kError;
  EXPECT_EQ(error({flag_}), path_ + ":2: proxy: unknown key");
}

TEST_F(Load, ReadsATextAlone) {
  const Result<Settings> settings = load_text(schema_, "it", R"({"int": 3, "bool": true})");
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->int64("int"), 3);
  EXPECT_TRUE(settings->boolean("bool"));
  EXPECT_EQ(settings->string("name"), "default");
  const auto error = [&](const char* text) {
    return load_text(schema_, "it", text).status().message();
  };
  EXPECT_EQ(error("{\"int\": \"x\"}"), "it:1: int: invalid value \"x\": parse error");
  EXPECT_EQ(error("nope: 1"), "it:1: nope: unknown key");
  EXPECT_THAT(error("{"), StartsWith("it:"));
  EXPECT_THAT(error("gone: x"), StartsWith("it is not supported by this release"));
}

TEST_F(Load, WarnsOfDeprecatedOptionsFromAnySource) {
  EXPECT_THAT(settings({"--old=x"}).warnings(), ElementsAre("--old is deprecated: use --name"));
  EXPECT_THAT(settings({}, {"ETCD_OLD=x"}).warnings(),
              ElementsAre("ETCD_OLD is deprecated: use --name"));
  write("old: x\n");
  EXPECT_THAT(settings({flag_}).warnings(),
              ElementsAre(path_ + ":1: old is deprecated: use --name"));
}

TEST_F(Load, RefusesRejectedOptionsFromAnySourceUnlessTheyChangeNothing) {
  const std::string because = "is not supported by this release: it is gone";
  EXPECT_EQ(error({"--gone=x"}), "--gone " + because);
  EXPECT_EQ(error({}, {"ETCD_GONE=x"}), "ETCD_GONE " + because);
  write("name: y\ngone: x\n");
  EXPECT_EQ(error({flag_}), path_ + ":2: gone " + because);
  EXPECT_EQ(settings({"--gone="}).string("gone"), "");
}

TEST_F(Load, TellsWhatIsInEffect) {
  const Settings s = settings({"--duration=90m", "--list=x,y", "--bool"});
  EXPECT_THAT(s.effective(true),
              ElementsAre(Pair("bool", "true"), Pair("duration", "1h30m0s"), Pair("list", "x,y")));
  EXPECT_EQ(s.effective().size(), schema_.options.size());
  EXPECT_THAT(s.effective(), Contains(Pair("bytes", "1.5MiB")));
}

TEST_F(Load, UsageErrorsPointAtTheHelp) {
  const Exit exit = usage_error(schema_, "--cert needs --key");
  EXPECT_EQ(exit.code, 1);
  EXPECT_TRUE(exit.to_stderr);
  EXPECT_EQ(exit.text, "--cert needs --key\nRun 'prog --help' for usage.\n");
}

using LoadDeathTest = Load;

TEST_F(LoadDeathTest, ABrokenTableOrAWrongQuestionIsABugOfOurs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Settings s = settings({});
  EXPECT_DEATH(static_cast<void>(s.string("no-such")), "no-such");
  EXPECT_DEATH(static_cast<void>(s.boolean("name")), "name");
  Schema twice = schema_;
  twice.options.push_back({.name = "name"});
  EXPECT_DEATH(static_cast<void>(load(twice, {})), "name");
  Schema unreadable = schema_;
  unreadable.options.push_back({.name = "x", .type = Type::kInt64, .default_text = "y"});
  EXPECT_DEATH(static_cast<void>(load(unreadable, {})), "x");
}

}  // namespace
}  // namespace gatehouse::config

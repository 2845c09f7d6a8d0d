// The configuration file: what it may say, and errors that name file, line and key.
#include "common/config/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/common/config/schema_for_test.h"

namespace gatehouse::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class File : public testing::Test {
 protected:
  Result<FileContent> parse(const std::string& text) const {
    return parse_config_text(schema_, "f.yaml", text);
  }
  // The value of an option as an operator would write it; "-" when the file does not give it.
  std::string value(const std::string& text, const std::string& name) const {
    const Result<FileContent> content = parse(text);
    if (!content.ok()) return content.status().message();
    for (size_t i = 0; i < schema_.options.size(); ++i) {
      if (schema_.options[i].name != name) continue;
      if (!content->values[i].has_value()) return "-";
      return value_text(schema_.options[i].type, content->values[i]->value);
    }
    return "no such option";
  }

  const Schema schema_ = schema_for_test();
};

TEST_F(File, ReadsEachType) {
  const std::string text =
      "# a comment\n"
      "name: 'quoted: text'\n"
      "bool: true\n"
      "int: -5\n"
      "uint: 0x10\n"
      "uint32: 12\n"
      "duration: 1h30m\n"
      "bytes: 2MiB\n"
      "list: x,y\n"
      "enum: two\n"
      "client-transport-security:\n"
      "  cert-file: /c.pem\n";
  EXPECT_EQ(value(text, "name"), "quoted: text");
  EXPECT_EQ(value(text, "bool"), "true");
  EXPECT_EQ(value(text, "int"), "-5");
  EXPECT_EQ(value(text, "uint"), "16");
  EXPECT_EQ(value(text, "uint32"), "12");
  EXPECT_EQ(value(text, "duration"), "1h30m0s");
  EXPECT_EQ(value(text, "bytes"), "2MiB");
  EXPECT_EQ(value(text, "list"), "x,y");
  EXPECT_EQ(value(text, "enum"), "two");
  EXPECT_EQ(value(text, "cert-file"), "/c.pem");
  EXPECT_EQ(value(text, "even"), "-");
}

TEST_F(File, MayBeJson) {
  const std::string text =
      R"({"name": "x", "duration": 5000000000, "list": ["a", "b,c"], )"
      R"("client-transport-security": {"cert-file": "/c.pem"}, "bool": false})";
  EXPECT_EQ(value(text, "name"), "x");
  EXPECT_EQ(value(text, "duration"), "5s");  // nanoseconds, as in etcd's files
  EXPECT_EQ(value(text, "cert-file"), "/c.pem");
  EXPECT_EQ(value(text, "bool"), "false");
  const Result<FileContent> content = parse(text);
  ASSERT_TRUE(content.ok());
  EXPECT_THAT(std::get<std::vector<std::string>>(content->values[7]->value),
              ElementsAre("a", "b,c"));
}

TEST_F(File, TakesTheWordsOfYaml) {
  for (const auto* yes : {"yes", "on", "True", "y"}) {
    EXPECT_EQ(value(std::string("bool: ") + yes, "bool"), "true") << yes;
  }
  for (const auto* no : {"no", "Off", "N", "FALSE"}) {
    EXPECT_EQ(value(std::string("bool: ") + no, "bool"), "false") << no;
  }
  EXPECT_EQ(value("list: [a, b]", "list"), "a,b");
  EXPECT_EQ(value("list:\n- a\n- b\n", "list"), "a,b");
  EXPECT_EQ(value("duration: \"250ms\"", "duration"), "250ms");
  EXPECT_EQ(value("duration: 0", "duration"), "0s");
  EXPECT_EQ(value("x: &a [p, q]\nlist: *a", "list"), "p,q");
}

TEST_F(File, NothingIsNotAValue) {
  for (const auto* text : {"", "# only a comment\n", "---\n", "name:\n", "name: ~\n",
                           "client-transport-security:\n"}) {
    EXPECT_EQ(value(text, "name"), "-") << text;
    EXPECT_TRUE(parse(text)->unknown.empty()) << text;
  }
  EXPECT_EQ(value("name: \"\"", "name"), "");
}

TEST_F(File, ListsWhatItDoesNotKnow) {
  const Result<FileContent> content = parse(
      "name: x\nproxy: off\nclient-transport-security:\n  who: me\nflag-only: 1\ndeep:\n  er: 1\n");
  ASSERT_TRUE(content.ok());
  EXPECT_THAT(content->unknown,
              ElementsAre("f.yaml:2: proxy", "f.yaml:4: client-transport-security.who",
                          "f.yaml:5: flag-only", "f.yaml:6: deep"));
}

TEST_F(File, ErrorsNameFileLineAndKey) {
  const struct {
    const char *text, *message;
  } cases[] = {
      {"name: x\nint: many\n", "f.yaml:2: int: invalid value \"many\": parse error"},
      {"duration: 5m3\n",
       "f.yaml:1: duration: invalid value \"5m3\": time: missing unit in duration \"5m3\""},
      {"even: 3\n", "f.yaml:1: even: invalid value \"3\": must be even"},
      {"bool: \"yes\"\n", "f.yaml:1: bool: invalid value \"yes\": parse error"},
      {"\n\nuint32: -1\n", "f.yaml:3: uint32: invalid value \"-1\": parse error"},
      {"name: [a]\n", "f.yaml:1: name: expected a single value"},
      {"name: {a: b}\n", "f.yaml:1: name: expected a single value"},
      {"list: {a: b}\n", "f.yaml:1: list: expected a list or a comma-separated string"},
      {"list: [[a]]\n", "f.yaml:1: list: expected a list of strings"},
      {"client-transport-security: x\n",
       "f.yaml:1: client-transport-security: expected a mapping of keys to values"},
      {"name: a\nname: b\n", "f.yaml:2: name: given twice"},
      {"client-transport-security:\n  cert-file: a\n  cert-file: b\n",
       "f.yaml:3: client-transport-security.cert-file: given twice"},
      {"[a]: b\n", "f.yaml:1: a key must be a plain word"},
      {"just words\n", "f.yaml:1: expected a mapping of keys to values"},
      {"- a\n", "f.yaml:1: expected a mapping of keys to values"},
  };
  for (const auto& c : cases) EXPECT_EQ(parse(c.text).status().message(), c.message) << c.text;
}

TEST_F(File, BadYamlIsAnErrorAndNoException) {
  EXPECT_THAT(parse("name: x\nlist: [a\n").status().message(), HasSubstr("f.yaml:"));
  EXPECT_FALSE(parse("a: *nowhere").ok());
  EXPECT_FALSE(parse("\"unclosed").ok());
  EXPECT_FALSE(parse("a: b: c").ok());
  EXPECT_FALSE(parse("list: &a [*a]").ok());
  EXPECT_FALSE(parse(std::string(100'000, '[')).ok());
}

TEST_F(File, IsReadFromDisk) {
  std::string pattern = testing::TempDir() + "gatehouse-config-XXXXXX";
  const std::string directory = mkdtemp(pattern.data());
  const std::string path = directory + "/c.yaml";
  EXPECT_EQ(read_config_file(schema_, path).status().message(),
            "cannot read configuration file " + path + ": No such file or directory");
  EXPECT_EQ(read_config_file(schema_, directory).status().message(),
            "cannot read configuration file " + directory + ": Is a directory");
  std::ofstream(path) << "int: x\n";
  EXPECT_EQ(read_config_file(schema_, path).status().message(),
            path + ":1: int: invalid value \"x\": parse error");
  std::ofstream(path) << std::string(kMaxConfigFileBytes, '#');
  EXPECT_TRUE(read_config_file(schema_, path).ok());
  std::ofstream(path) << std::string(kMaxConfigFileBytes + 1, '#');
  EXPECT_THAT(read_config_file(schema_, path).status().message(), HasSubstr("larger than"));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace gatehouse::config

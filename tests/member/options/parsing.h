// Command lines as tests write them.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "member/options.h"

namespace gatehouse::member {

using Words = std::vector<std::string>;

inline ParsedOptions parse(const Words& words, const Words& environment = {}) {
  std::vector<const char*> argv = {"/usr/bin/gatehouse-member"}, variables;
  for (const std::string& word : words) argv.push_back(word.c_str());
  for (const std::string& variable : environment) variables.push_back(variable.c_str());
  variables.push_back(nullptr);
  return parse_options(static_cast<int>(argv.size()), argv.data(), variables.data());
}

inline Options options(const Words& words, const Words& environment = {}) {
  ParsedOptions parsed = parse(words, environment);
  const auto* exit = std::get_if<config::Exit>(&parsed);
  EXPECT_EQ(exit, nullptr) << exit->text;
  return exit == nullptr ? std::get<Options>(std::move(parsed)) : Options();
}

inline config::Exit ending(const Words& words, const Words& environment = {}) {
  ParsedOptions parsed = parse(words, environment);
  const auto* exit = std::get_if<config::Exit>(&parsed);
  EXPECT_NE(exit, nullptr) << testing::PrintToString(words);
  return exit == nullptr ? config::Exit{-1, false, ""} : *exit;
}

// The first line of what is printed.
inline std::string first_line(const config::Exit& exit) {
  return exit.text.substr(0, exit.text.find('\n'));
}

// A configuration file for the time of a test.
class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text) : path_(testing::TempDir() + "gatehouse-XXXXXX") {
    close(mkstemp(path_.data()));
    std::ofstream(path_) << text;
  }
  ~ConfigFile() { std::remove(path_.c_str()); }
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;
  std::string flag() const { return "--config-file=" + path_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace gatehouse::member

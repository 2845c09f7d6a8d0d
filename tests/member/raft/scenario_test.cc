// Runs scripts/*.txt. RAFT_REWRITE=1 writes what happens now into them: review the difference.
#include "tests/member/raft/scenario.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace gatehouse::raft {
namespace {

std::vector<std::string> scripts() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(RAFT_SCRIPTS)) {
    if (file.path().extension() == ".txt") names.push_back(file.path().stem().string());
  }
  return names;
}

// The script with the output that its commands have now.
std::string replay(std::istream& in) {
  Scenario scenario;
  std::string result;
  std::string output;
  bool skipping = false;
  for (std::string line; std::getline(in, line);) {
    if (skipping) {
      skipping = !line.empty();
      if (!skipping) result += "\n";
      continue;
    }
    result += line + "\n";
    if (line == "----") {
      result += std::exchange(output, {});
      skipping = true;
    } else if (!line.empty() && line[0] != '#') {
      output += scenario.run(line);
    }
  }
  return result;
}

class ScenarioTest : public testing::TestWithParam<std::string> {};

TEST_P(ScenarioTest, HappensAsWritten) {
  const std::string path = std::string(RAFT_SCRIPTS) + "/" + GetParam() + ".txt";
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const std::string now = replay(text);
  EXPECT_EQ(now.find("BROKEN"), std::string::npos) << now;
  EXPECT_EQ(now.find("unknown command"), std::string::npos) << now;
  if (std::getenv("RAFT_REWRITE") != nullptr) {
    std::ofstream(path) << now;
  } else {
    EXPECT_EQ(now, text.str());
  }
}

INSTANTIATE_TEST_SUITE_P(Scripts, ScenarioTest, testing::ValuesIn(scripts()),
                         [](const auto& script) { return script.param; });

}  // namespace
}  // namespace gatehouse::raft

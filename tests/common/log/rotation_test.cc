// Files that are full: nothing is lost between the old and the new, and the old ones go in time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/log/log.h"

namespace gatehouse::log {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;

class Rotated : public testing::Test {
 protected:
  Rotated() {
    std::string pattern = testing::TempDir() + "gatehouse-rotation-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~Rotated() override { fs::remove_all(directory_); }

  Logger logger(Rotation rotation, const std::string& name = "m1.log") {
    const Result<Logger> made =
        create({.outputs = {directory_ + "/" + name}, .rotation = rotation, .now = [this] {
                  return now_;
                }});
    EXPECT_TRUE(made.ok());
    return *made;
  }
  // Sorted.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  size_t lines(const std::string& name) const {
    std::ifstream file(directory_ + "/" + name);
    size_t count = 0;
    for (std::string line; std::getline(file, line);) {
      EXPECT_TRUE(line.starts_with('{') && line.ends_with('}')) << line;
      ++count;
    }
    return count;
  }

  std::string directory_;
  // 2026-11-20 09:54:51.908 UTC
  std::chrono::system_clock::time_point now_{milliseconds(1795168491908)};
};

TEST_F(Rotated, AFullFileIsRenamedByTheTime) {
  const Logger log = logger({.max_bytes = 400});
  for (int i = 0; i < 3; ++i) LOG_INFO(log, std::string(150, 'x'));  // over 200 bytes a line
  EXPECT_THAT(files(), ElementsAre("m1-2026-11-20T09-54-51.908.log",
                                   "m1-2026-11-20T09-54-51.909.log", "m1.log"));
  for (const std::string& file : files()) EXPECT_EQ(lines(file), 1U);
}

TEST_F(Rotated, NoLineIsLost) {
  const Logger log = logger({.max_bytes = 1000}, "no-extension");
  for (int i = 0; i < 200; ++i) {
    now_ += milliseconds(1);
    LOG_INFO(log, "line", {"i", i});
  }
  size_t sum = 0;
  for (const std::string& file : files()) {
    sum += lines(file);
    EXPECT_LE(fs::file_size(directory_ + "/" + file), 1000U);
  }
  EXPECT_EQ(sum, 200U);
  EXPECT_GT(files().size(), 10U);
  EXPECT_EQ(log.dropped_lines(), 0U);
}

TEST_F(Rotated, WhatWasThereCounts) {
  std::ofstream(directory_ + "/m1.log") << std::string(399, '\n');
  LOG_INFO(logger({.max_bytes = 400}), "new");
  EXPECT_EQ(lines("m1.log"), 1U);
  EXPECT_EQ(fs::file_size(directory_ + "/m1-2026-11-20T09-54-51.908.log"), 399U);
}

TEST_F(Rotated, ALineLongerThanAFileIsWrittenWhole) {
  const Logger log = logger({.max_bytes = 10});
  LOG_INFO(log, std::string(100, 'x'));
  EXPECT_THAT(files(), ElementsAre("m1.log"));
  EXPECT_EQ(lines("m1.log"), 1U);
}

TEST_F(Rotated, OldFilesGoByNumberAndAge) {
  std::ofstream(directory_ + "/m1-notes.log") << "not ours\n";
  std::ofstream(directory_ + "/m2-2026-11-20T09-54-51.908.log") << "another member's\n";
  const Logger some = logger({.max_bytes = 1, .max_files = 2});
  for (int i = 0; i < 5; ++i) {
    now_ += hours(1);
    LOG_INFO(some, "x");
  }
  EXPECT_THAT(files(),
              ElementsAre("m1-2026-11-20T13-54-51.908.log", "m1-2026-11-20T14-54-51.908.log",
                          "m1-notes.log", "m1.log", "m2-2026-11-20T09-54-51.908.log"));
  const Logger young = logger({.max_bytes = 1, .max_age = hours(24)});
  now_ += hours(24);  // the younger of the two is then just old enough to stay
  LOG_INFO(young, "x");
  EXPECT_THAT(files(),
              ElementsAre("m1-2026-11-20T14-54-51.908.log", "m1-2026-11-21T14-54-51.908.log",
                          "m1-notes.log", "m1.log", "m2-2026-11-20T09-54-51.908.log"));
}

TEST_F(Rotated, WhatSomebodyElseMovedAwayIsMadeAnew) {
  const Logger log = logger({.max_bytes = 100});
  LOG_INFO(log, "one");
  fs::rename(directory_ + "/m1.log", directory_ + "/moved");
  LOG_INFO(log, "two");
  EXPECT_THAT(files(), ElementsAre("m1.log", "moved"));
  EXPECT_EQ(lines("moved"), 1U);
  EXPECT_EQ(lines("m1.log"), 1U);
}

TEST_F(Rotated, WithoutANewFileTheOldOneGoesOn) {
  const std::string place = directory_ + "/logs";
  fs::create_directory(place);
  const Logger log = logger({.max_bytes = 100}, "logs/m1.log");
  LOG_INFO(log, "one");
  // A directory that is gone takes neither a new name nor a new file.
  const std::string saved = directory_ + "/saved.log";
  fs::create_hard_link(place + "/m1.log", saved);
  fs::remove_all(place);
  LOG_INFO(log, "two");
  LOG_INFO(log, "three");
  EXPECT_EQ(log.dropped_lines(), 0U);
  EXPECT_EQ(lines("saved.log"), 3U);
}

}  // namespace
}  // namespace gatehouse::log

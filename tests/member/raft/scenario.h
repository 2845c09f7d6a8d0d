// Scenario scripts: a small cluster driven by commands in a text file, with what it does written
// under each.
//
//   # a comment
//   command [arguments], one on each line
//   ----
//   what happened
//
// Blocks are separated by empty lines. `make` begins a new cluster; the rest is in scenario.cc.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "member/raft/core.h"
#include "member/raft/invariants.h"

namespace gatehouse::raft {

class Scenario {
 public:
  // Runs one command; returns what happened, line by line.
  std::string run(const std::string& command);

 private:
  struct Node {
    std::unique_ptr<Core> core;
    Invariants invariants;
    std::deque<Ready> unwritten;
    bool disk_stalled = false;
  };

  void make(const std::map<std::string, std::string>& arguments);
  void settle();
  bool drain(NodeId id);
  void finish_write(NodeId id, Ready ready);
  void send(Message message);
  std::string state(NodeId id) const;
  void check(NodeId id);
  void say(const std::string& line) { out_ += line + "\n"; }

  std::map<NodeId, Node> nodes_;
  std::deque<Message> network_;
  std::map<NodeId, bool> cut_;
  bool quiet_ = false;
  std::string out_;
};

}  // namespace gatehouse::raft

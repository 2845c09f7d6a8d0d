#include "member/raft/read_only.h"

#include <algorithm>
#include <utility>

namespace gatehouse::raft {
namespace {

constexpr size_t kContextBytes = 8;

std::string encode_round(uint64_t round) {
  std::string bytes(kContextBytes, '\0');
  for (size_t i = 0; i < kContextBytes; ++i) bytes[i] = static_cast<char>(round >> (8 * i));
  return bytes;
}

}  // namespace

std::string ReadOnly::add(PendingRead read) {
  reads_.push_back(std::move(read));
  return latest();
}

std::string ReadOnly::latest() const {
  return reads_.empty() ? std::string() : encode_round(first_ + reads_.size() - 1);
}

bool ReadOnly::acknowledge(NodeId from, std::string_view context) {
  if (context.size() != kContextBytes) return false;
  uint64_t round = 0;
  for (size_t i = 0; i < kContextBytes; ++i) {
    round |= uint64_t{static_cast<unsigned char>(context[i])} << (8 * i);
  }
  // A round never asked for cannot have been answered.
  if (round >= first_ + reads_.size()) return false;
  uint64_t& newest = acknowledged_[from];
  newest = std::max(newest, round);
  return true;
}

std::vector<PendingRead> ReadOnly::confirmed(const JointQuorum& voters, NodeId self) {
  std::vector<PendingRead> done;
  const uint64_t round = voters.committed([&](NodeId id) -> uint64_t {
    if (id == self) return UINT64_MAX;
    const auto at = acknowledged_.find(id);
    return at == acknowledged_.end() ? 0 : at->second;
  });
  while (!reads_.empty() && first_ <= round) {
    done.push_back(std::move(reads_.front()));
    reads_.pop_front();
    ++first_;
  }
  return done;
}

void ReadOnly::clear() {
  // Rounds go on counting: an echo from before must not confirm what comes after.
  first_ += reads_.size();
  reads_.clear();
  acknowledged_.clear();
}

}  // namespace gatehouse::raft

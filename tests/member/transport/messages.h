// Random messages, and bytes written as hex, for the tests of the transport.
#pragma once

#include <cctype>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "member/raft/types.h"

namespace gatehouse::transport::testing {

// Anything that is no hex digit is for the reader.
inline std::string unhex(std::string_view text) {
  std::string out;
  int high = -1;
  for (const char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) continue;
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      out += static_cast<char>(high << 4 | digit);
      high = -1;
    }
  }
  return out;
}

class MessageMaker {
 public:
  explicit MessageMaker(uint64_t seed) : random_(seed) {}

  uint64_t below(uint64_t bound) { return random_() % bound; }

  // Small, large and largest alike: lengths of varints.
  uint64_t number() { return random_() >> (random_() % 64); }

  std::string bytes(size_t max) {
    std::string out(below(max + 1), '\0');
    for (char& c : out) c = static_cast<char>(random_());
    return out;
  }

  raft::Entry entry() {
    raft::Entry entry;
    entry.term = number();
    entry.index = number();
    entry.type = static_cast<raft::EntryType>(below(3));
    if (below(4) != 0) entry.data = raft::Payload(bytes(below(8) == 0 ? 20'000 : 40));
    return entry;
  }

  raft::Message message() {
    static constexpr int kTypes[] = {2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, 18};
    raft::Message m;
    m.type = static_cast<raft::MessageType>(kTypes[below(std::size(kTypes))]);
    m.to = number();
    m.from = number() | 1;
    m.term = number();
    m.log_term = number();
    m.index = number();
    m.commit = number();
    m.reject_hint = number();
    m.reject = below(2) == 0;
    for (uint64_t n = below(4); n > 0; --n) m.entries.push_back(entry());
    if (below(3) == 0) m.context = bytes(30);
    if (m.type == raft::MessageType::kSnapshot) {
      auto snapshot = std::make_shared<raft::Snapshot>();
      snapshot->index = number() | 1;
      snapshot->term = number();
      snapshot->data = raft::Payload(bytes(100));
      for (uint64_t n = below(4); n > 0; --n) snapshot->conf_state.add_voters(number());
      snapshot->conf_state.set_auto_leave(below(2) == 0);
      m.snapshot = std::move(snapshot);
    }
    return m;
  }

  // What a leader sends: now and then a gap, mostly one append after the other.
  raft::Message append(raft::NodeId from, raft::NodeId to) {
    if (below(6) == 0) {
      term_ += below(2);
      index_ = below(1000);
    }
    raft::Message m;
    m.type = raft::MessageType::kAppend;
    m.from = from;
    m.to = to;
    m.term = term_;
    m.log_term = below(10) == 0 ? term_ - 1 : term_;
    m.index = index_;
    for (uint64_t n = below(4); n > 0; --n) {
      raft::Entry one = entry();
      one.term = term_;
      one.index = ++index_;
      m.entries.push_back(std::move(one));
    }
    m.commit = below(index_ + 1);
    return m;
  }

 private:
  std::mt19937_64 random_;
  uint64_t term_ = 2;
  uint64_t index_ = 0;
};

inline bool same(const raft::Message& a, const raft::Message& b) {
  const auto snapshot = [](const raft::Message& m) {
    return m.snapshot == nullptr
               ? std::string()
               : std::to_string(m.snapshot->index) + " " + std::to_string(m.snapshot->term) + " " +
                     m.snapshot->conf_state.SerializeAsString() + " " +
                     std::string(m.snapshot->data.view());
  };
  return a.type == b.type && a.reject == b.reject && a.to == b.to && a.from == b.from &&
         a.term == b.term && a.log_term == b.log_term && a.index == b.index &&
         a.commit == b.commit && a.reject_hint == b.reject_hint && a.entries == b.entries &&
         a.context == b.context && snapshot(a) == snapshot(b);
}

}  // namespace gatehouse::transport::testing

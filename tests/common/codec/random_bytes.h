// Random input for the codec tests. The seed stands in every failure's message.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace gatehouse::codec {

class RandomBytes {
 public:
  RandomBytes() : seed_(std::random_device{}()), engine_(seed_) {}

  std::string note() const { return "seed " + std::to_string(seed_); }
  uint64_t number() { return engine_(); }

  std::string bytes(size_t max_size) {
    std::string out(engine_() % (max_size + 1), '\0');
    for (char& c : out) c = static_cast<char>(engine_());
    return out;
  }

 private:
  unsigned seed_;
  std::mt19937_64 engine_;
};

}  // namespace gatehouse::codec

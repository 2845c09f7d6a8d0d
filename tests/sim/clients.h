// Clients: each asks some member for something, waits for the answer or loses patience, thinks, and
// asks another. What they asked and were told is the history.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/env/entropy.h"
#include "tests/sim/history.h"
#include "tests/sim/machine.h"

namespace gatehouse::sim {

class Clients {
 public:
  Clients(const World& world, std::vector<std::unique_ptr<Machine>>& machines);

  void start();
  // No new questions, but for finish().
  void stop() { stopped_ = true; }
  // Every key is read once from every member that is on. finished(): all were answered, but for
  // those asked of a machine whose removal came late.
  void finish();
  bool finished() const;

  // One for each key.
  const std::vector<History>& histories() const { return histories_; }
  uint64_t asked() const { return moment_; }
  uint64_t answered() const { return answered_; }

 private:
  struct Question {
    size_t key;
    size_t place;  // in the key's history
    size_t client;
    bool last;     // of finish()
    bool open = true;
    bool answered = false;
  };
  using Asked = std::shared_ptr<Question>;

  void think(size_t client);
  void ask(size_t client);
  Operation choose(size_t key);
  Asked begin(size_t client, size_t key, const Operation& operation, bool last);
  void propose(Machine& machine, const Asked& question);
  void read(Machine& machine, const Asked& question);
  void answer(const Asked& question, Value found, int64_t revision);
  // No answer, or one that says nothing. `never`: it certainly was not carried out.
  void give_up(const Asked& question, bool never);
  Operation& operation(const Question& question) {
    return histories_[question.key][question.place];
  }
  std::string text_of(Value value) const;

  const World world_;
  std::vector<std::unique_ptr<Machine>>& machines_;
  env::SeededEntropy entropy_;
  std::vector<History> histories_;
  std::vector<Value> newest_;  // of each key, that somebody wrote or found
  uint64_t moment_ = 0;
  Value next_value_ = 1;
  uint64_t answered_ = 0;
  bool stopped_ = false;
  struct LastRead {
    const Machine* machine;
    Asked question;
  };
  std::vector<LastRead> last_reads_;
};

}  // namespace gatehouse::sim

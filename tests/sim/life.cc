#include "tests/sim/life.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "member/membership/ids.h"
#include "member/schema/member_json.h"
#include "tests/sim/clients.h"
#include "tests/sim/faults.h"
#include "tests/sim/linearizability.h"

namespace gatehouse::sim {

namespace {

constexpr uint64_t kSecondUs = 1'000'000;
// Without faults, to agree: elections, a log to catch up with, a few commits.
constexpr uint64_t kAgreementUs = 40 * kSecondUs;
constexpr uint64_t kSearchSteps = 300'000;

class Cluster {
 public:
  explicit Cluster(const LifeOptions& options)
      : plan_(options.seed),
        trace_(options.print),
        network_(timeline_, trace_, plan_, network_ends()),
        world_{plan_, timeline_, trace_, network_, checks_, options.logger},
        clients_(world_, machines_),
        faults_(world_, machines_) {
    make_machines();
  }

  Life run();

 private:
  Network::Ends network_ends();
  void make_machines();
  Machine* machine_of(raft::NodeId id) const;
  // Runs until the moment, or something is wrong. False then.
  bool run_for(uint64_t us);
  bool agree();
  bool agreed() const;
  const Machine* leader() const;
  void look_at_the_end();
  std::string states() const;

  const Plan plan_;
  Timeline timeline_;
  Trace trace_;
  Checks checks_;
  Network network_;
  const World world_;
  std::vector<std::unique_ptr<Machine>> machines_;
  Clients clients_;
  Faults faults_;
  Life life_;
};

Network::Ends Cluster::network_ends() {
  Network::Ends ends;
  ends.deliver = [this](raft::Message message) {
    if (Machine* const to = machine_of(message.to)) to->deliver(std::move(message));
  };
  ends.runs = [this](raft::NodeId id) {
    const Machine* const machine = machine_of(id);
    return machine != nullptr && machine->on();
  };
  ends.lost = [this](raft::NodeId from, raft::NodeId to) {
    if (Machine* const sender = machine_of(from)) sender->unreachable(to);
  };
  ends.deliver_snapshot = [this](raft::Message message, const std::string& database) {
    Machine* const to = machine_of(message.to);
    return to != nullptr && to->deliver_snapshot(std::move(message), database);
  };
  ends.report_snapshot = [this](raft::NodeId from, raft::NodeId to, bool arrived) {
    if (Machine* const sender = machine_of(from)) sender->report_snapshot(to, arrived);
  };
  return ends;
}

void Cluster::make_machines() {
  std::vector<membership::Member> founders;
  std::vector<uint64_t> ids;
  const auto name = [](uint64_t i) { return "m" + std::to_string(i + 1); };
  for (uint64_t i = 0; i < plan_.founders; ++i) {
    membership::Member member;
    member.name = name(i);
    member.peer_urls = {"http://" + member.name + ":2380"};
    member.id = membership::member_id(member.peer_urls, "simulation");
    ids.push_back(member.id);
    founders.push_back(std::move(member));
  }
  std::sort(founders.begin(), founders.end(),
            [](const membership::Member& a, const membership::Member& b) { return a.id < b.id; });
  const uint64_t cluster_id = membership::cluster_id(ids);
  for (uint64_t i = 0; i < plan_.founders + plan_.joiners; ++i) {
    Identity identity;
    identity.name = name(i);
    identity.cluster_id = cluster_id;
    if (i < plan_.founders) {
      identity.id = ids[i];
      identity.founders = founders;
    } else {
      identity.id = membership::member_id({"http://" + identity.name + ":2380"}, "", 1);
    }
    machines_.push_back(std::make_unique<Machine>(world_, std::move(identity)));
  }
}

Machine* Cluster::machine_of(raft::NodeId id) const {
  for (const std::unique_ptr<Machine>& machine : machines_) {
    if (machine->identity().id == id) return machine.get();
  }
  return nullptr;
}

bool Cluster::run_for(uint64_t us) {
  const uint64_t end_us = timeline_.now_us() + us;
  while (!checks_.failure() && timeline_.run_next(end_us)) {
  }
  return !checks_.failure();
}

const Machine* Cluster::leader() const {
  const Machine* best = nullptr;
  for (const std::unique_ptr<Machine>& machine : machines_) {
    if (!machine->on() || machine->process()->core().role() != raft::Role::kLeader) continue;
    if (best == nullptr ||
        machine->process()->core().term() > best->process()->core().term()) {
      best = machine.get();
    }
  }
  return best;
}

// All that belong to the cluster are at the end of the leader's log.
bool Cluster::agreed() const {
  const Machine* const leads = leader();
  if (leads == nullptr) return false;
  const raft::Core& core = leads->process()->core();
  for (const raft::Progress& member : core.tracker().members()) {
    const Machine* const machine = machine_of(member.id);
    if (machine == nullptr || !machine->on()) return false;
    if (machine->process()->core().log().applied() != core.log().last_index()) return false;
  }
  return true;
}

// Faults are over: within some time the members agree, and answer.
bool Cluster::agree() {
  clients_.stop();
  faults_.stop();
  bool asked = false;
  for (uint64_t passed = 0; passed < 2 * kAgreementUs; passed += kSecondUs / 10) {
    if (!run_for(kSecondUs / 10)) return false;
    if (life_.blocked == 0) faults_.retire_removed(/*all=*/true);  // a change that came late
    if (!agreed()) {
      if (passed != kAgreementUs) continue;
      // A gap of the algorithm, not of this code: entries that removed members committed and took
      // along may be known to too few of those who are left, who need a vote of one that is gone.
      // Operators avoid it by removing one after the other; here they switch them on again.
      bool removed = false;
      for (const std::unique_ptr<Machine>& machine : machines_) {
        removed = machine->bring_back() || removed;
      }
      if (!removed) break;
      life_.blocked = 1;
    } else if (!std::exchange(asked, true)) {
      clients_.finish();
    } else if (clients_.finished()) {
      return true;
    }
  }
  life_.verdict = Life::Verdict::kLiveness;
  life_.why = std::string("liveness: ") +
              (agreed() ? "reads are not answered" : "no agreement") +
              " although all faults ended" + states();
  return false;
}

std::string Cluster::states() const {
  std::string text;
  for (const std::unique_ptr<Machine>& machine : machines_) {
    text += "\n  " + machine->identity().name + " " + schema::id_text(machine->identity().id) + " ";
    if (!machine->on()) {
      text += machine->retired() ? "removed" : "off";
      continue;
    }
    const raft::Core& core = machine->process()->core();
    text += std::string(raft::role_name(core.role())) + " term " + std::to_string(core.term()) +
            ", log " + std::to_string(core.log().first_index()) + ".." +
            std::to_string(core.log().last_index()) + "/" + std::to_string(core.log().last_term()) +
            ", committed " + std::to_string(core.log().committed()) + ", applied " +
            std::to_string(core.log().applied()) + ", " +
            core.config().to_conf_state().ShortDebugString();
    if (core.role() != raft::Role::kLeader) continue;
    for (const raft::Progress& peer : core.tracker().members()) {
      text += "\n    " + schema::id_text(peer.id) + ": " + peer.to_string();
    }
  }
  return text;
}

void Cluster::look_at_the_end() {
  std::optional<uint32_t> hash;
  for (const std::unique_ptr<Machine>& machine : machines_) {
    const Identity& identity = machine->identity();
    if (!machine->on()) continue;
    const Process& process = *machine->process();
    if (process.cluster().members()->find(identity.id) == nullptr) continue;
    checks_.look_at_history(identity.id, process);
    const Result<mvcc::HashResult> own = process.store().hash_kv(0);
    if (!own.ok()) return checks_.fail("the store of " + identity.name + " cannot be hashed");
    if (hash && *hash != own->hash) {
      return checks_.fail("state machine safety: the histories of two members differ in the end");
    }
    hash = own->hash;
  }
  std::vector<const History*> histories;
  for (size_t key = 0; key < clients_.histories().size(); ++key) {
    const History& history = clients_.histories()[key];
    histories.push_back(&history);
    uint64_t steps = kSearchSteps;
    if (const auto why = check_linearizable(history, steps)) {
      std::string text = "linearizability: key " + std::to_string(key) + ": " + *why;
      for (const Operation& each : history) text += "\n  " + describe(each);
      return checks_.fail(std::move(text));
    }
    life_.undecided += steps == 0;
  }
  if (const auto why = check_revisions(histories)) checks_.fail("linearizability: " + *why);
}

Life Cluster::run() {
  for (uint64_t i = 0; i < plan_.founders; ++i) machines_[i]->power_on();
  clients_.start();
  faults_.start();
  if (run_for(plan_.duration_us) && agree()) look_at_the_end();
  if (checks_.failure()) {
    life_.verdict = Life::Verdict::kCorrectness;
    life_.why = *checks_.failure();
  }
  if (life_.verdict != Life::Verdict::kFine) life_.why += "\n  (" + plan_.describe() + ")";
  life_.hash = trace_.hash();
  life_.events = timeline_.events();
  life_.messages = network_.delivered();
  life_.snapshots = network_.snapshots();
  life_.committed = checks_.committed();
  life_.answered = clients_.answered();
  life_.leaders = checks_.counts().leaders;
  life_.restarts = checks_.counts().restarts;
  life_.conf_changes = checks_.counts().conf_changes;
  life_.compared = checks_.counts().compared;
  life_.partitions = faults_.counts().partitions;
  life_.stalls = faults_.counts().stalls;
  life_.disk_failures = faults_.counts().disk_failures;
  return life_;
}

}  // namespace

Life live(const LifeOptions& options) {
  Cluster cluster(options);
  return cluster.run();
}

void add(Life& sum, const Life& life) {
  for (uint64_t Life::*each :
       {&Life::events, &Life::messages, &Life::committed, &Life::answered, &Life::leaders,
        &Life::restarts, &Life::partitions, &Life::stalls, &Life::disk_failures,
        &Life::conf_changes, &Life::snapshots, &Life::compared, &Life::blocked, &Life::undecided}) {
    sum.*each += life.*each;
  }
}

}  // namespace gatehouse::sim

#include "tests/sim/clients.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "member/apply/request.h"
#include "member/mvcc/key_value.h"
#include "proto/rpc.pb.h"

namespace gatehouse::sim {

namespace {

std::string key_text(size_t key) { return "key-" + std::to_string(key); }

// "<value>/<padding>"
Value value_of(std::string_view text) {
  return std::strtoull(std::string(text).c_str(), nullptr, 10);
}

template <typename Response>
Value previous(const Response& response) {
  return response.has_prev_kv() ? value_of(response.prev_kv().value()) : kAbsent;
}

struct Body {
  apply::Kind kind;
  std::string bytes;
};

Body body_of(const Operation& operation, const std::string& key, const std::string& value,
             const std::string& expected) {
  switch (operation.kind) {
    case Operation::Kind::kDelete: {
      etcdserverpb::DeleteRangeRequest request;
      request.set_key(key);
      request.set_prev_kv(true);
      return {apply::Kind::kDeleteRange, request.SerializeAsString()};
    }
    case Operation::Kind::kCompareAndPut: {
      etcdserverpb::TxnRequest request;
      etcdserverpb::Compare* compare = request.add_compare();
      compare->set_key(key);
      compare->set_result(etcdserverpb::Compare::EQUAL);
      if (operation.expected == kAbsent) {
        compare->set_target(etcdserverpb::Compare::CREATE);
        compare->set_create_revision(0);
      } else {
        compare->set_target(etcdserverpb::Compare::VALUE);
        compare->set_value(expected);
      }
      etcdserverpb::PutRequest* put = request.add_success()->mutable_request_put();
      put->set_key(key);
      put->set_value(value);
      request.add_failure()->mutable_request_range()->set_key(key);
      return {apply::Kind::kTxn, request.SerializeAsString()};
    }
    case Operation::Kind::kRead:
    case Operation::Kind::kPut:
      break;
  }
  etcdserverpb::PutRequest request;
  request.set_key(key);
  request.set_value(value);
  request.set_prev_kv(true);
  return {apply::Kind::kPut, request.SerializeAsString()};
}

Value found_by(const Operation& operation, const std::string& fields) {
  if (operation.kind == Operation::Kind::kPut) {
    etcdserverpb::PutResponse response;
    response.ParseFromString(fields);
    return previous(response);
  }
  if (operation.kind == Operation::Kind::kDelete) {
    etcdserverpb::DeleteRangeResponse response;
    response.ParseFromString(fields);
    return response.prev_kvs_size() == 0 ? kAbsent : value_of(response.prev_kvs(0).value());
  }
  etcdserverpb::TxnResponse response;
  response.ParseFromString(fields);
  if (response.succeeded()) return operation.expected;
  const auto& range = response.responses(0).response_range();
  return range.kvs_size() == 0 ? kAbsent : value_of(range.kvs(0).value());
}

}  // namespace

Clients::Clients(const World& world, std::vector<std::unique_ptr<Machine>>& machines)
    : world_(world),
      machines_(machines),
      entropy_(world.plan.seed ^ 0x636c69),
      histories_(world.plan.keys),
      newest_(world.plan.keys, kAbsent) {}

// Some are long, so that the log's segments fill and the database grows.
std::string Clients::text_of(Value value) const {
  const size_t padding = value % 16 == 0 ? 1500 : value % 32;
  return std::to_string(value) + "/" + std::string(padding, 'x');
}

void Clients::start() {
  for (size_t i = 0; i < world_.plan.clients; ++i) think(i);
}

void Clients::think(size_t client) {
  world_.timeline.after(around(entropy_, world_.plan.think_us), [this, client] { ask(client); });
}

Operation Clients::choose(size_t key) {
  Operation operation;
  const uint64_t kind = entropy_.below(100);
  if (kind < 45) return operation;
  if (kind < 55) {
    operation.kind = Operation::Kind::kDelete;
    return operation;
  }
  operation.value = next_value_++;
  operation.kind = Operation::Kind::kPut;
  if (kind >= 75) {
    operation.kind = Operation::Kind::kCompareAndPut;
    operation.expected = newest_[key];
  }
  return operation;
}

Clients::Asked Clients::begin(size_t client, size_t key, const Operation& chosen, bool last) {
  histories_[key].push_back(chosen);
  histories_[key].back().asked = ++moment_;
  auto question =
      std::make_shared<Question>(Question{key, histories_[key].size() - 1, client, last});
  const uint64_t patience = last ? 60'000'000 : around(entropy_, world_.plan.patience_us);
  world_.timeline.after(patience, [this, question] { give_up(question, /*never=*/false); });
  return question;
}

void Clients::ask(size_t client) {
  if (stopped_) return;
  Machine& machine = *machines_[entropy_.below(machines_.size())];
  if (!machine.on() || machine.process()->core().is_learner()) return think(client);
  const size_t key = entropy_.below(histories_.size());
  const Asked question = begin(client, key, choose(key), /*last=*/false);
  if (operation(*question).kind == Operation::Kind::kRead) return read(machine, question);
  propose(machine, question);
}

void Clients::finish() {
  for (const std::unique_ptr<Machine>& machine : machines_) {
    for (size_t key = 0; key < histories_.size(); ++key) {
      // Being asked it runs, and may find that it has to end.
      if (!machine->on() || !machine->process()->core().promotable()) break;
      last_reads_.push_back({machine.get(), begin(0, key, Operation(), /*last=*/true)});
      read(*machine, last_reads_.back().question);
    }
  }
}

bool Clients::finished() const {
  return std::none_of(last_reads_.begin(), last_reads_.end(), [](const LastRead& read) {
    return !read.question->answered && !read.machine->retired();
  });
}

void Clients::propose(Machine& machine, const Asked& question) {
  const Operation asked = operation(*question);
  const std::string value = text_of(asked.value);
  const Body body = body_of(asked, key_text(question->key), value, text_of(asked.expected));
  world_.trace.note(world_.timeline.now_us(), "asks", question->client,
                    static_cast<uint64_t>(asked.kind), asked.value);
  apply::Request request;
  request.kind = body.kind;
  request.body = body.bytes;
  machine.process()->lane().propose(request, [this, &machine, question, asked](
                                                 apply::Outcome outcome) {
    if (machine.doomed()) return;
    if (!outcome.status.ok()) {
      return give_up(question, outcome.status.code() != StatusCode::kUnavailable);
    }
    const Value found = found_by(asked, outcome.fields);
    answer(question, found, outcome.revision);
  });
  machine.touch();
}

void Clients::read(Machine& machine, const Asked& question) {
  Process* const process = machine.process();
  process->lane().read_index([this, &machine, process, question](const Status& status) {
    if (machine.doomed()) return;
    if (!status.ok()) return give_up(question, /*never=*/true);
    const std::shared_ptr<const mvcc::View> view = process->store().view();
    std::vector<mvcc::Item> items;
    view->items(key_text(question->key), "", 0, 0, items);
    mvcc::KeyValue pair;
    const bool there =
        !items.empty() && mvcc::parse_key_value(view->record(items[0].modified), pair);
    answer(question, there ? value_of(pair.value) : kAbsent, view->revision());
  });
  machine.touch();
}

void Clients::answer(const Asked& question, Value found, int64_t revision) {
  if (!std::exchange(question->open, false)) return;
  Operation& done = operation(*question);
  done.told = ++moment_;
  done.found = found;
  done.revision = revision;
  question->answered = true;
  ++answered_;
  world_.trace.note(world_.timeline.now_us(), "is told", question->client, found,
                    static_cast<uint64_t>(revision));
  newest_[question->key] = done.changes() ? done.value : found;
  if (done.changes()) {
    world_.checks.acknowledged(revision, key_text(question->key),
                               done.value == kAbsent ? "" : text_of(done.value));
  }
  if (!question->last) think(question->client);
}

void Clients::give_up(const Asked& question, bool never) {
  if (!std::exchange(question->open, false)) return;
  // A read that is never answered says nothing, and neither does what never happened.
  if (never) operation(*question).kind = Operation::Kind::kRead;
  think(question->client);
}

}  // namespace gatehouse::sim

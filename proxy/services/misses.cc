#include "proxy/services/misses.h"

#include <utility>

#include "common/base/check.h"
#include "common/codec/varint.h"

namespace gatehouse::services {

struct Flight {
  std::string key;
  std::string request;
  rpc::Metadata metadata;
  std::unique_ptr<rpc::ClientCall> call;
  std::list<Misses::Waiter*> now;   // of the call under way
  std::list<Misses::Waiter*> next;  // of the one after it
};

namespace {

void append_part(std::string& key, std::string_view part) {
  codec::append_varint(key, part.size());
  key.append(part);
}

}  // namespace

Misses::Misses(upstream::Upstream& upstream, std::string_view path, UpstreamLimits limits)
    : upstream_(upstream), path_(path), limits_(limits) {}

Misses::~Misses() { CHECK(flights_.empty()); }

bool Misses::ask(const rpc::ServerCall& call, std::string_view request, bool may_join,
                 Waiter& waiter) {
  std::string key;
  append_part(key, request);
  for (const auto& [name, value] : call.metadata()) {
    append_part(key, name);
    append_part(key, value);
  }
  std::unique_ptr<Flight>& slot = flights_[key];
  const bool found = slot != nullptr;
  if (!found) {
    slot = std::make_unique<Flight>();
    slot->key = std::move(key);
    slot->request.assign(request);
    slot->metadata = call.metadata();
  }
  Flight& flight = *slot;
  waiter.flight_ = &flight;
  waiter.list_ = found && !may_join ? &flight.next : &flight.now;
  const bool shared = !waiter.list_->empty();
  waiter.place_ = waiter.list_->insert(waiter.list_->end(), &waiter);
  if (!flight.call) start(flight);
  return shared;
}

void Misses::start(Flight& flight) {
  if (flight.now.empty()) {
    for (Waiter* waiter : flight.next) waiter->list_ = &flight.now;
    flight.now.splice(flight.now.end(), flight.next);
  }
  rpc::CallOptions options;
  options.metadata = flight.metadata;
  options.max_receive_bytes = limits_.max_receive_bytes;
  upstream::Target target(upstream_, {.repeat = upstream::Repeat::kUntilAnswered});
  flight.call =
      rpc::call_unary(target, path_, options, flight.request,
                      [this, &flight](const rpc::CallResult& result, std::string_view response) {
                        on_answer(flight, result, response);
                      });
}

void Misses::cancel(Waiter& waiter) {
  if (waiter.list_ == nullptr) return;
  waiter.list_->erase(waiter.place_);
  waiter.list_ = nullptr;
  if (waiter.flight_ == nullptr) return;  // answered, and not told yet
  Flight& flight = *waiter.flight_;
  if (!flight.now.empty()) return;
  if (flight.next.empty()) {
    flights_.erase(flights_.find(flight.key));
  } else if (flight.call) {
    flight.call.reset();
    start(flight);
  }
}

void Misses::on_answer(Flight& flight, const rpc::CallResult& result, std::string_view response) {
  // Kept to the end of this function: the result and the bytes may be the call's.
  const std::unique_ptr<rpc::ClientCall> call = std::move(flight.call);
  std::list<Waiter*> told;
  for (Waiter* waiter : flight.now) {
    waiter->list_ = &told;
    waiter->flight_ = nullptr;
  }
  told.splice(told.end(), flight.now);
  if (!flight.next.empty()) {
    start(flight);
  } else {
    flights_.erase(flights_.find(flight.key));
  }
  while (!told.empty()) {
    Waiter& waiter = *told.front();
    told.pop_front();
    waiter.list_ = nullptr;
    waiter.on_answer(result, response);
  }
}

}  // namespace gatehouse::services

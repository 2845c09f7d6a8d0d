#include "tests/bench/gatehouse_bench/client.h"

#include <utility>

namespace gatehouse::bench {

using State = httpio::ClientConnection::State;

Client::Client(env::Executor& executor, net::Dialer& dialer, std::string address,
               httpio::ClientConnectionOptions options, Recorder& recorder)
    : executor_(executor),
      dialer_(dialer),
      address_(std::move(address)),
      options_(std::move(options)),
      recorder_(recorder),
      redial_(executor, [this] { connect(); }) {}

void Client::add(std::unique_ptr<Lane> lane) {
  free_.push_back(lane.get());
  lanes_.push_back(std::move(lane));
}

void Client::connect() {
  httpio::ClientConnection::Listener& listener = *this;
  connection_ =
      std::make_unique<httpio::ClientConnection>(executor_, dialer_, address_, options_, listener);
}

void Client::done(Lane& lane) {
  free_.push_back(&lane);
  executor_.at_turn_end(*this);
}

void Client::nudge() { executor_.at_turn_end(*this); }

bool Client::prepared() const {
  if (!was_ready_) return false;
  for (const auto& lane : lanes_) {
    if (!lane->prepared()) return false;
  }
  return true;
}

void Client::close() {
  closing_ = true;
  redial_.cancel();
  if (connection_) connection_->close(Status(StatusCode::kCanceled, "the round is over"));
}

void Client::on_connection_state(httpio::ClientConnection&, State state) {
  if (state == State::kReady) {
    was_ready_ = true;
    nudge();
  }
  if (state != State::kClosed) return;
  const Status& why = connection_->why_closed();
  if (!closing_) {
    recorder_.failure("connection lost", why.message());
    if (was_ready_) {
      redial_.arm(kRedialMs);
    } else if (first_failure_.ok()) {
      first_failure_ = why.ok() ? unavailable(address_ + " closed the connection") : why;
    }
  }
  executor_.destroy_later(std::move(connection_));
}

void Client::on_can_open(httpio::ClientConnection&) { nudge(); }

void Client::on_turn_end() {
  if (!connection_ || closing_) return;
  asked_.swap(free_);
  for (Lane* lane : asked_) {
    if (!connection_->can_open() || !lane->start(*connection_)) free_.push_back(lane);
  }
  asked_.clear();
}

}  // namespace gatehouse::bench

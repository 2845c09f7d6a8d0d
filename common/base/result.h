// Result<T>: a value or the Status that says why there is none.
#pragma once

#include <utility>
#include <variant>

#include "common/base/check.h"
#include "common/base/status.h"

namespace gatehouse {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {  // NOLINT
    CHECK_MSG(!std::get<1>(state_).ok(), "a Result without a value needs an error");
  }

  bool ok() const { return state_.index() == 0; }

  // OK when there is a value.
  Status status() const { return ok() ? Status() : std::get<1>(state_); }

  // Calling these without a value is a bug of the caller.
  T& value() & {
    CHECK_MSG(ok(), std::get<1>(state_).message());
    return std::get<0>(state_);
  }
  const T& value() const& {
    CHECK_MSG(ok(), std::get<1>(state_).message());
    return std::get<0>(state_);
  }
  T&& value() && {
    CHECK_MSG(ok(), std::get<1>(state_).message());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace gatehouse

// What became of a request: an error, or what its response says.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "common/base/status.h"

namespace gatehouse::apply {

struct Outcome {
  Outcome() = default;
  Outcome(Status error) : status(std::move(error)) {}  // NOLINT: implicit by design

  Status status;
  // For the response's header: that of the store when the request had been carried out.
  int64_t revision = 0;
  // The response's fields after the header, encoded: the header is field 1 of every response, so
  // what is sent is the header's bytes and these.
  std::string fields;
  // The answer comes later, by Parts::complete_later: nobody is to be told yet.
  bool deferred = false;
};

}  // namespace gatehouse::apply

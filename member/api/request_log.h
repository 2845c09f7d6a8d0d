// RequestLog: the line "request stats" for unary calls that took longer than
// --warning-unary-request-duration, as etcd writes it.
//
// The observer of a server knows how long a call took, the call's handler what was in it. A handler
// says that it is about to finish; when the observer, within that finish, finds the call slow, the
// handler is asked. A quick call costs two stores.
//
// One for each loop; that loop's thread.
#pragma once

#include <cstdint>
#include <string>

#include "common/log/log.h"
#include "common/rpc/server.h"

namespace gatehouse::api {

// -1 and "": not told for this kind of request, as in etcd.
struct RequestStats {
  int64_t request_count = -1;
  int64_t request_bytes = -1;
  int64_t response_count = -1;
  int64_t response_bytes = -1;
  std::string content;  // without values
};

class RequestLog {
 public:
  RequestLog(log::Logger logger, uint64_t warn_ms)
      : logger_(std::move(logger)), warn_us_(warn_ms * 1000) {}

  class Finishing {
   public:
    virtual RequestStats stats() const = 0;
    virtual const std::string& remote() const = 0;

   protected:
    ~Finishing() = default;
  };
  // Around ServerCall::finish().
  void begin_finish(const Finishing& call) { finishing_ = &call; }
  void end_finish() { finishing_ = nullptr; }

  // From the observer.
  void finished(const rpc::Method& method, uint64_t duration_us) {
    if (duration_us > warn_us_ && method.kind == rpc::MethodKind::kUnary) write(method, duration_us);
  }

 private:
  void write(const rpc::Method& method, uint64_t duration_us) const;

  const log::Logger logger_;
  const uint64_t warn_us_;
  const Finishing* finishing_ = nullptr;
};

}  // namespace gatehouse::api

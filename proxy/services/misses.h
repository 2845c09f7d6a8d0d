// Misses: reads that a member must answer. Identical ones that wait at the same time share one
// upstream call: "identical" is the request's bytes and all metadata, the caller's token included.
//
// A serializable read joins a call that is under way. A linearizable one may not - that call may
// have read before a write that the newcomer knows of - so it joins the next, which starts when the
// one under way has ended.
//
// Thread: the upstream's loop.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/rpc/client.h"
#include "common/rpc/server.h"
#include "proxy/services/passthrough.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::services {

class Misses {
 public:
  class Waiter {
   public:
    // From a later turn, once.
    virtual void on_answer(const rpc::CallResult& result, std::string_view response) = 0;

   protected:
    virtual ~Waiter() = default;

   private:
    friend class Misses;
    struct Flight* flight_ = nullptr;
    std::list<Waiter*>* list_ = nullptr;
    std::list<Waiter*>::iterator place_;
  };

  // Both outlive it. Nobody waits when it is destroyed.
  Misses(upstream::Upstream& upstream, std::string_view path, UpstreamLimits limits);
  ~Misses();

  // Whether an upstream call was shared.
  bool ask(const rpc::ServerCall& call, std::string_view request, bool may_join, Waiter& waiter);
  void cancel(Waiter& waiter);

 private:
  friend class Waiter;
  void start(Flight& flight);
  void on_answer(Flight& flight, const rpc::CallResult& result, std::string_view response);

  upstream::Upstream& upstream_;
  const std::string path_;
  const UpstreamLimits limits_;
  std::unordered_map<std::string, std::unique_ptr<Flight>> flights_;
};

}  // namespace gatehouse::services

// Reader: one loop's way to read the mirrors: views for the turn, waiting for a mirror to get far
// enough, and what each client must not read behind.
//
// A linearizable read waits for a probe - one read of a member's revision, begun after the read
// arrived and shared by all that wait by then - and then for its mirror to have that revision. While
// a probe is under way those who come wait for the next.
//
// Thread: the upstream's loop.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/status.h"
#include "common/env/executor.h"
#include "common/rpc/client.h"
#include "proxy/mirror/metrics.h"
#include "proxy/mirror/mirror.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::mirror {

class Reader final : private env::TurnEndHook {
 public:
  // For a probe, and again for the mirror to get to what it found.
  static constexpr uint64_t kPatienceMs = 3000;

  class Waiter {
   public:
    // From a later turn, once. OK: the mirror has what was waited for. Otherwise a member is to be
    // asked. The waiter may be destroyed here, and may wait again.
    virtual void on_reached(const Status& status) = 0;
    bool waiting() const { return list_ != nullptr; }

   protected:
    virtual ~Waiter() = default;

   private:
    friend class Reader;
    Mirror* mirror_ = nullptr;
    int64_t revision_ = 0;  // 0: not known before the probe
    uint64_t since_ms_ = 0;
    std::list<Waiter*>* list_ = nullptr;
    std::list<Waiter*>::iterator place_;
  };

  // Told on this loop after each change of a mirror, before anything that waits.
  class Listener {
   public:
    virtual void on_mirrors_changed() = 0;

   protected:
    virtual ~Listener() = default;
  };

  // All outlive it.
  Reader(Mirrors& mirrors, upstream::Upstream& upstream, const Metrics& metrics);
  ~Reader() override;  // nobody waits

  Mirrors& mirrors() { return mirrors_; }
  env::Executor& executor() { return executor_; }
  const Metrics& metrics() const { return metrics_; }
  void set_listener(Listener* listener) { listener_ = listener; }

  // The newest there is. Valid until the end of the turn or the next call for this mirror.
  const View& view(const Mirror& mirror);
  // For how long the mirror may have missed something.
  uint64_t age_ms(const Mirror& mirror) const;

  // Waits until the mirror has all that was committed when this was called.
  void wait_current(Mirror& mirror, Waiter& waiter);
  // Waits until the mirror has this revision, which exists.
  void wait_for(Mirror& mirror, int64_t revision, Waiter& waiter);
  void cancel(Waiter& waiter);

  // Read your writes: after a client has seen a revision it reads nothing older. A client is its
  // connection, by the address of its peer.
  void raise_floor(const std::string& peer, int64_t revision);
  int64_t floor_of(const std::string& peer) const;

 private:
  void on_turn_end() override;
  void put(Waiter& waiter, std::list<Waiter*>& list);
  void probe();
  void on_probed(const rpc::CallResult& result, std::string_view response);
  void reach(Waiter& waiter);
  void on_changed();
  void finish(std::list<Waiter*>& waiters, const Status& status);
  void look_at_times();
  void drop_old_floors();

  Mirrors& mirrors_;
  upstream::Upstream& upstream_;
  env::Executor& executor_;
  const Metrics& metrics_;
  Listener* listener_ = nullptr;
  const std::shared_ptr<Wake> wake_;

  struct Cached {
    const Mirror* mirror;
    std::shared_ptr<const View> view;
  };
  std::vector<Cached> views_;

  std::list<Waiter*> next_probe_;
  std::list<Waiter*> in_probe_;
  std::list<Waiter*> reaching_;
  std::list<Waiter*> ready_;
  std::unique_ptr<rpc::ClientCall> probe_call_;
  uint64_t probe_asked_ms_ = 0;
  env::Timer patience_;

  std::unordered_map<std::string, int64_t> floors_;
  int64_t highest_floor_ = 0;
};

// Of a response whose first field is a ResponseHeader; 0 where there is none.
int64_t header_revision(std::string_view response);

}  // namespace gatehouse::mirror

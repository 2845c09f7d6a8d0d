// WatchGroup: the watchers of one loop on one mirror, and what brings them their events: the steps in
// the store's window.
//
// The group knows a revision L: all steps up to L are delivered. A watcher is
//   synced   in the index: it had all up to L. So is one that begins in the future.
//   behind   it has a place of its own below L, and is given a bounded part of the window each turn
//   parked   behind, and its client takes nothing now: it holds its place and no event
// So nobody waits for a slow client, and what is queued for one is its send window and one pass.
// Whose place the window has left is told so (WatchOwner::on_out_of_window).
//
// An event is encoded once for all watchers of a range that want it in the same shape; a response is
// a few bytes in front of such events.
//
// Thread: the executor's.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/env/executor.h"
#include "proxy/mirror/metrics.h"
#include "proxy/mirror/mirror.h"
#include "proxy/mirror/watch_index.h"

namespace gatehouse::mirror {

class WatchGroup;
struct Watcher;

// The client's stream.
class WatchOwner {
 public:
  // False: events are kept back until WatchGroup::on_can_send().
  virtual bool can_send() const = 0;
  // One encoded etcdserverpb.WatchResponse. Must not call back into a group.
  virtual void send(std::string_view response) = 0;
  // The window has left its place: revisions above `oldest` are told. The watcher is in no group any
  // more; it is the owner's to destroy.
  virtual void on_out_of_window(Watcher& watcher, int64_t oldest) = 0;

 protected:
  virtual ~WatchOwner() = default;
};

struct Watcher : Indexed {
  WatchOwner* owner = nullptr;
  int64_t id = 0;
  int64_t start = 0;  // 0: from now on
  bool fragment = false;
  bool progress_notify = false;
  bool told = false;  // since the last tick

  // Of the group.
  WatchGroup* group = nullptr;
  int64_t next = 0;  // the least revision that it has not had; of a synced one L counts, if higher
  bool parked = false;
  std::list<Watcher*>::iterator place;  // among those behind
};

class WatchGroup {
 public:
  static constexpr size_t kPassBytes = 256 * 1024;  // of events, in one response
  static constexpr size_t kPassSteps = 1000;
  static constexpr size_t kBehindPerTurn = 256;  // watchers that are given a part
  static constexpr size_t kFragmentBytes = 2 * 1024 * 1024;

  // All outlive it.
  WatchGroup(env::Executor& executor, Mirror& mirror, const Metrics& metrics);
  ~WatchGroup();  // no watcher is left
  WatchGroup(const WatchGroup&) = delete;
  WatchGroup& operator=(const WatchGroup&) = delete;

  Mirror& mirror() { return mirror_; }
  // L. While there is no watcher, the store's revision.
  int64_t known() const { return watchers_ == 0 ? mirror_.store.revision() : known_; }
  bool synced(const Watcher& watcher) const { return watcher.interest != nullptr; }

  // Whether a watcher may begin at this revision; 0: at the next. Not where the cluster was compacted:
  // releases differ in which deletions of that very revision they still tell.
  bool reaches(int64_t start) const;
  // reaches() holds of its start. Returns the revision for its created frame; sends nothing.
  int64_t add(Watcher& watcher);
  void remove(Watcher& watcher);
  // Its client takes events again.
  void unpark(Watcher& watcher);

  // After a change of the mirror: delivers what is new.
  void on_changed();

 private:
  void deliver_live();
  // All synced watchers get a place of their own: `next`, or where they begin if that is later.
  void all_fall_behind(int64_t next);
  void flush();
  void fall_behind(Watcher& watcher, int64_t next);
  void step_behind();
  // Whether it got to the end of what there is.
  bool catch_up(Watcher& watcher);
  void tell(Watcher& watcher, int64_t header_revision);

  env::Executor& executor_;
  Mirror& mirror_;
  const Metrics& metrics_;
  size_t watchers_ = 0;
  int64_t known_ = 0;
  WatchIndex index_;
  std::list<Watcher*> behind_;
  env::Timer step_timer_;

  // A pass.
  struct Mark {
    size_t end;
    int64_t revision;
  };
  void clear_frames();
  void append_event(const Change& change, int64_t revision, bool with_previous);
  struct Pending {
    const Change* change;
    int64_t revision;
  };
  std::vector<std::shared_ptr<const Step>> steps_;
  std::vector<Pending> pending_;
  std::vector<Interest*> touched_;
  std::vector<Watcher*> stalled_;
  std::string frames_;
  std::vector<Mark> marks_;
  int64_t compacted_ = 0;  // the store's, as the pass began
};

// A frame without events: created, cancelled, progress.
struct ControlFrame {
  int64_t watch_id = -1;
  int64_t revision = 0;
  bool created = false;
  bool canceled = false;
  int64_t compact_revision = 0;
  std::string_view reason;
};
std::string encode_control(const Mirror& mirror, const ControlFrame& frame);

}  // namespace gatehouse::mirror

// WatchStream: one client's stream of watchers: their ids, and every frame but those with events.
// Behaviour is etcd 3.7's; what is said here is what is not obvious.
//
// Thread: the group's. Frames go to the sink in the order in which they must arrive; no frame of a
// watcher comes before its created frame or after its cancelled one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/env/executor.h"
#include "member/mvcc/watch_group.h"

namespace gatehouse::mvcc {

// Towards the client.
class WatchSink {
 public:
  // False: events are kept back until WatchStream::on_can_send().
  virtual bool can_send() const = 0;
  // One encoded etcdserverpb.WatchResponse. Must not call back into the stream or its group.
  virtual void send(std::string_view response) = 0;

 protected:
  ~WatchSink() = default;
};

struct WatchRequest {
  std::string key;  // not empty: the least key is one zero byte
  std::string end;  // as in KeyRange
  int64_t start = 0;
  int64_t watch_id = 0;  // 0: the stream's next
  WatchShape shape;
  bool fragment = false;
  bool progress_notify = false;
};

class WatchStream {
 public:
  // Both outlive the stream.
  WatchStream(WatchGroup& group, WatchSink& sink);
  ~WatchStream();
  WatchStream(const WatchStream&) = delete;
  WatchStream& operator=(const WatchStream&) = delete;

  // Sends the created frame, or refuses: end <= key, id in use, negative start.
  void create(WatchRequest request);
  // Sends a frame that is both created and cancelled, for no watcher.
  void refuse(std::string_view reason);
  // Unknown ids: nothing.
  void cancel(int64_t watch_id);
  // One progress frame with watch_id -1 when all watchers have had all that the store had at the
  // request and none begins in the future; else, or without any watcher, nothing. Where batches are
  // still on their way to this loop the answer comes right after them, one for all requests till
  // then.
  void request_progress();
  // The sink's can_send() holds again.
  void on_can_send();

  size_t watchers() const { return watchers_.size(); }
  size_t parked_watchers() const { return parked_.size(); }

  // --- For WatchGroup and WatchPass.
  WatchSink& sink() { return sink_; }
  bool can_send() const { return sink_.can_send(); }
  // The watcher was taken out of its index.
  void park(Watcher& watcher);
  // Gives up to `limit` parked watchers back to the group; whether more are left.
  bool resume(size_t limit);
  // Destroys the watcher.
  void cancel_compacted(Watcher& watcher, int64_t compacted);
  void on_progress_due();

 private:
  void send_control(const ControlFrame& frame);
  void drop(Watcher& watcher);
  void arm_progress();
  void progress_tick();

  WatchGroup& group_;
  WatchSink& sink_;
  std::map<int64_t, std::unique_ptr<Watcher>> watchers_;
  int64_t next_id_ = 0;
  std::list<Watcher*> parked_;  // those longest there first
  bool progress_awaited_ = false;
  std::optional<env::Timer> progress_timer_;  // from the first watcher on that wants it
};

}  // namespace gatehouse::mvcc

// WatchPass: some events in the order of revisions, matched with the watchers of an index, and sent.
// Both the live way and catching up deliver by it.
//
// An event is encoded once for each (range, shape) that wants it. A watcher whose client takes
// nothing now is left out of the index with its place noted, and handed to its stream.
//
// Thread: the group's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "member/mvcc/store.h"
#include "member/mvcc/watch_frame.h"
#include "member/mvcc/watch_index.h"

namespace gatehouse::mvcc {

struct WatchGroupOptions;

class WatchPass {
 public:
  explicit WatchPass(const WatchGroupOptions& options);

  // The record must live until deliver(). Of a put, created is its create_revision.
  void add(WatchIndex& index, const Change& change);
  // The row may go after the call.
  void add(WatchIndex& index, const View::Row& row);

  size_t bytes() const { return bytes_; }  // of records that someone wants
  uint64_t sent_events() const { return sent_events_; }  // by this pass, ever, per watcher

  // Sends what was added to the watchers of that index and forgets it. `view` gives previous pairs
  // and is asked for only when one is needed. `header_revision` 0: of the response's last event.
  using ViewSource = UniqueFunction<std::shared_ptr<const View>()>;
  void deliver(WatchIndex& index, int64_t header_revision, ViewSource view);

 private:
  // Notes the event with all ranges that have the key; false when there is none.
  bool match(WatchIndex& index, std::string_view key);
  void encode(const Interest& interest, const WatchShape& shape);
  void look_up_previous(WatchEvent& event);
  void send(Watcher& watcher);

  const WatchGroupOptions& options_;
  std::vector<WatchEvent> events_;
  std::deque<std::string> records_;  // of rows
  std::vector<Interest*> touched_;
  size_t bytes_ = 0;

  // While deliver() runs.
  EventFrames frames_;
  std::vector<Watcher*> stalled_;
  std::vector<Item> items_;
  ViewSource view_source_;
  std::shared_ptr<const View> view_;
  uint64_t sent_events_ = 0;
};

}  // namespace gatehouse::mvcc

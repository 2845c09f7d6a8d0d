// What goes over the wire, written without protobuf's objects: an event is encoded once for all
// watchers that want it in the same shape, and a response is a few bytes in front of such events.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::mvcc {

// What response headers say beside the revision.
struct WatchIdentity {
  uint64_t cluster_id = 0;
  uint64_t member_id = 0;
};

// On frames that speak for no watcher: refusals, manual progress.
inline constexpr int64_t kNoWatchId = -1;

// A frame without events: created, cancelled, progress.
struct ControlFrame {
  int64_t revision = 0;
  uint64_t term = 0;
  int64_t watch_id = kNoWatchId;
  bool created = false;
  bool canceled = false;
  int64_t compact_revision = 0;
  std::string_view reason;
};
// An encoded etcdserverpb.WatchResponse.
std::string encode_control(const WatchIdentity& identity, const ControlFrame& frame);

// An event as a pass hands it on. The views must outlive the pass.
struct WatchEvent {
  int64_t revision = 0;
  bool deleted = false;
  bool creation = false;  // has no previous pair
  std::string_view key;
  std::string_view record;  // encoded mvccpb.KeyValue, as watchers are told

  // The encoded pair before it, looked up when the first watcher wants it; empty: none.
  bool previous_known = false;
  std::string_view previous;
};

// Of a stored record.
struct RecordParts {
  std::string_view key;
  int64_t created = 0;
};
RecordParts parse_record(std::string_view record);

// What a watcher is told of a deletion, from the stored row.
std::string tombstone_record(std::string_view key, int64_t revision);

// Events of one range in one shape, and responses made of them for one watcher after the other.
class EventFrames {
 public:
  // Starts anew.
  void clear();
  void append(const WatchEvent& event, bool with_previous);

  bool empty() const { return marks_.empty(); }
  size_t count() const { return marks_.size(); }
  size_t count_from(int64_t revision) const { return marks_.size() - index_from(revision); }
  int64_t first_revision() const { return marks_.front().revision; }
  int64_t last_revision() const { return marks_.back().revision; }

  // After the last append().
  void set_header(const WatchIdentity& identity, int64_t revision, uint64_t term);

  // The response with the events from a revision on, which must not be above the last. Valid until
  // the next call.
  std::string_view response(int64_t watch_id, int64_t from);

  // The same, in pieces of less than `limit` bytes, or of one event; all but the last are marked.
  std::vector<std::string> fragments(int64_t watch_id, int64_t from, size_t limit) const;

 private:
  // Room for the header, the watch id and the mark of a fragment in front of the events.
  static constexpr size_t kRoom = 64;
  static constexpr size_t kKeptBytes = 4 * 1024 * 1024;

  struct Mark {
    size_t end;  // of the event, in bytes_
    int64_t revision;
  };
  size_t index_from(int64_t revision) const;
  size_t begin_of(size_t index) const { return index == 0 ? kRoom : marks_[index - 1].end; }

  std::string bytes_ = std::string(kRoom, '\0');
  std::vector<Mark> marks_;
  std::string header_;
  std::string partial_;
};

}  // namespace gatehouse::mvcc

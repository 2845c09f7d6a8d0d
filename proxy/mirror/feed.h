// Feed: keeps one mirror true. A list of the range, page by page at one revision, then a watch from
// the revision after it.
//
//   kListing ── whole list ──> kWatching ── stream ends ──> kPausing ── a moment ──> kWatching
//      ^                          │                             (from the revision it had got to)
//      └──────────────────────────┴─ compacted, or another cluster answers: list anew
//
// While it lists anew or pauses the mirror keeps what it had, and serves it. Once a second a member
// is asked for its revision, without credentials: the answer says how fresh the mirror is, and a
// refusal that the cluster has authentication.
//
// Thread: the upstream's loop. Destroy before the upstream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/env/executor.h"
#include "common/rpc/client.h"
#include "proxy/mirror/metrics.h"
#include "proxy/mirror/mirror.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::mirror {

class Feed final : private rpc::ClientHandler {
 public:
  static constexpr uint64_t kFirstPauseMs = 50;
  static constexpr uint64_t kLongestPauseMs = 2000;
  static constexpr uint64_t kCheckMs = 1000;
  static constexpr uint64_t kTooLargePauseMs = 300'000;
  static constexpr int64_t kFirstPage = 500;  // keys; then so many as make some kPageBytes
  static constexpr size_t kPageBytes = 2 * 1024 * 1024;
  // A progress request goes out at once, and again this long after the one before as long as there
  // are readers who wait.
  static constexpr uint64_t kProgressMs = 20;

  // All outlive it. `mirrors` has the mirror, and the limit on all of them.
  Feed(Mirror& mirror, const Mirrors& mirrors, upstream::Upstream& upstream,
       const Metrics& metrics);
  ~Feed();

 private:
  enum class Phase : uint8_t { kListing, kWatching, kPausing };

  struct Event {
    int64_t revision;
    bool deleted;
    EntryRef entry;
  };

  void list();
  void ask_page();
  void on_page(const rpc::CallResult& result, std::string_view response);
  void watch();
  void pause(Phase then, std::string_view why);
  void go_on();

  // rpc::ClientHandler, of the watch
  void on_message(std::string_view response) override;
  void on_finish(const rpc::CallResult& result) override;
  bool take_response(std::string_view response);
  bool take_event(std::string_view bytes);
  void apply(int64_t progress);

  void learn(std::string_view header, int64_t& revision);
  void ask_version();
  void check();
  void on_checked(const rpc::CallResult& result, std::string_view response);
  void ask_progress();
  bool too_large();
  // Serving or denied, as the last answers say.
  void open_or_deny();

  Mirror& mirror_;
  const Mirrors& mirrors_;
  upstream::Upstream& upstream_;
  env::Executor& executor_;
  const Metrics& metrics_;
  const std::shared_ptr<Wake> wake_;

  Phase phase_ = Phase::kListing;
  Phase next_phase_ = Phase::kListing;
  uint64_t pause_ms_ = 0;
  env::Timer pause_timer_;

  // The list.
  std::unique_ptr<rpc::ClientCall> list_call_;
  Tree listed_;
  int64_t list_revision_ = 0;
  size_t listed_bytes_ = 0;
  std::string next_key_;
  bool whole_ = false;  // the store has a whole list, of this cluster
  int64_t page_ = kFirstPage;

  // The watch.
  std::unique_ptr<rpc::ClientCall> watch_call_;
  bool watch_created_ = false;
  std::vector<Event> events_;  // until the last fragment of a response came
  env::Timer progress_timer_;

  // The check.
  std::unique_ptr<rpc::ClientCall> version_call_;
  std::unique_ptr<rpc::ClientCall> check_call_;
  env::Timer check_timer_;
  uint64_t asked_ms_ = 0;
  uint64_t asked_suspicions_ = 0;
  // Of the last question without credentials that was answered, when it was asked.
  uint64_t cleared_suspicions_ = UINT64_MAX;
  // Told by the last check; fresh once the mirror has got there.
  int64_t confirmed_revision_ = 0;
  uint64_t confirmed_ms_ = 0;
};

}  // namespace gatehouse::mirror

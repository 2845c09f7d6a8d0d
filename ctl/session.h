// Session: a lease that is kept for as long as it lives, and keys under it. Locks and elections are
// the key with the smallest creation revision under a name.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "ctl/rpc.h"
#include "proto/rpc.pb.h"

namespace gatehouse::ctl {

class Session {
 public:
  // Grants the lease.
  static Result<std::unique_ptr<Session>> open(Client& client, int64_t ttl_s);
  ~Session();  // revokes it
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Makes "<name>/<lease>" with that value, or finds it made. Its creation revision is its place.
  Status stand_in_line(const std::string& name, const std::string& value);
  // Until no key of the name is older than ours. Canceled: give_up() was called; NotFound: the
  // session's key is gone.
  Status wait_for_turn();
  void give_up();  // any thread, at any time: ends wait_for_turn()
  Status leave();  // deletes the key

  const std::string& key() const { return key_; }
  int64_t revision() const { return revision_; }
  // The lease was lost: someone else may have its place.
  bool lost() const { return lost_; }
  // Called once when the lease is lost, on the session's thread. Set before that can be.
  std::function<void()> on_lost;

 private:
  Session(Client& client, int64_t lease, int64_t ttl_s);
  void keep();
  Status wait_for_deletion(const std::string& key, int64_t revision);

  Client& client_;
  const int64_t lease_;
  const int64_t ttl_s_;
  std::string prefix_;
  std::string key_;
  int64_t revision_ = 0;
  std::atomic<bool> lost_{false};
  std::atomic<bool> gave_up_{false};
  std::mutex mutex_;
  std::condition_variable end_;
  bool ended_ = false;
  std::shared_ptr<Stream> watch_;  // that wait_for_turn() reads
  std::unique_ptr<Stream> keeping_;
  std::thread keeper_;
};

}  // namespace gatehouse::ctl

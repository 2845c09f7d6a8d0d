// Watcher: watches over one stream, which is opened anew, from where it was, when it breaks.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ctl/rpc.h"
#include "proto/rpc.pb.h"

namespace gatehouse::ctl {

class Watcher {
 public:
  explicit Watcher(Client& client) : client_(client) {}

  // Any thread. `tag` comes back with the events.
  void add(const etcdserverpb::WatchCreateRequest& request, size_t tag);
  void request_progress();
  void stop();  // ends run()

  // Hands over every response but those that tell of a watch's making, until `take` returns false,
  // stop(), or an error that is not of the connection. One thread.
  using Take = std::function<bool(size_t tag, const etcdserverpb::WatchResponse& response)>;
  Status run(const Take& take);

 private:
  struct Watch {
    etcdserverpb::WatchCreateRequest request;  // with the next revision
    size_t tag = 0;
  };
  std::shared_ptr<Stream> open();
  bool on_response(const etcdserverpb::WatchResponse& response, const Take& take);

  Client& client_;
  std::mutex mutex_;
  std::shared_ptr<Stream> stream_;
  std::deque<Watch> making_;  // asked for, in order
  std::map<int64_t, Watch> made_;
  bool stopped_ = false;
};

}  // namespace gatehouse::ctl

#include "ctl/watcher.h"

#include <chrono>
#include <thread>

#include "ctl/methods.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;

constexpr std::chrono::milliseconds kReopenPause{100};

pb::WatchRequest create(const pb::WatchCreateRequest& request) {
  pb::WatchRequest message;
  *message.mutable_create_request() = request;
  return message;
}

}  // namespace

// Under the lock. The stream that there is, or a new one with the watches of the last.
std::shared_ptr<Stream> Watcher::open() {
  if (stream_) return stream_;
  stream_ = client_.open(rpc::kWatch, true);
  for (auto& [id, watch] : made_) making_.push_back(std::move(watch));
  made_.clear();
  for (const Watch& watch : making_) stream_->write(create(watch.request));
  return stream_;
}

void Watcher::add(const pb::WatchCreateRequest& request, size_t tag) {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<Stream> stream = open();
  making_.push_back({request, tag});
  stream->write(create(request));
}

void Watcher::request_progress() {
  const std::lock_guard lock(mutex_);
  pb::WatchRequest message;
  message.mutable_progress_request();
  open()->write(message);
}

void Watcher::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  if (stream_) stream_->cancel();
}

bool Watcher::on_response(const pb::WatchResponse& response, const Take& take) {
  size_t tag = 0;
  {
    const std::lock_guard lock(mutex_);
    if (response.created()) {
      if (making_.empty()) return true;
      Watch watch = std::move(making_.front());
      making_.pop_front();
      tag = watch.tag;
      if (!response.canceled()) {
        made_[response.watch_id()] = std::move(watch);
        return true;
      }
    } else if (const auto found = made_.find(response.watch_id()); found != made_.end()) {
      Watch& watch = found->second;
      tag = watch.tag;
      const int64_t next = response.events().empty()
                               ? response.header().revision() + 1
                               : response.events().rbegin()->kv().mod_revision() + 1;
      if (!response.canceled() && next > watch.request.start_revision()) {
        watch.request.set_start_revision(next);
      }
      if (response.canceled()) made_.erase(found);
    } else if (made_.empty()) {
      return true;  // progress of no watch
    } else {
      tag = made_.begin()->second.tag;  // progress of all
    }
  }
  return take(tag, response);
}

Status Watcher::run(const Take& take) {
  while (true) {
    std::shared_ptr<Stream> stream;
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) return {};
      stream = open();
    }
    pb::WatchResponse response;
    while (stream->read(&response)) {
      if (!on_response(response, take)) return {};
    }
    const Status status = stream->finish();
    const std::lock_guard lock(mutex_);
    stream_.reset();
    if (stopped_) return {};
    if (!status.ok() && status.code() != StatusCode::kUnavailable) return status;
    std::this_thread::sleep_for(kReopenPause);
  }
}

}  // namespace gatehouse::ctl

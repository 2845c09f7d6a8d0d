#include "member/transport/link.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "member/transport/shared.h"

namespace gatehouse::transport {

Link::Link(Shared& shared, raft::NodeId id, std::vector<std::string> urls)
    : shared_(shared), id_(id), name_(to_hex(id)), metrics_(shared.metrics.of(id)) {
  set_urls(std::move(urls));
}

void Link::set_urls(std::vector<std::string> urls) {
  CHECK_MSG(!urls.empty(), "a peer without a URL");
  urls_ = std::move(urls);
  picked_ = 0;
}

void Link::url_failed(const std::string& url) {
  if (urls_[picked_] == url) picked_ = (picked_ + 1) % urls_.size();
}

void Link::refused() {
  if (closed_ || active_since_ || ++refusals_ != urls_.size()) return;
  shared_.reports.gone(id_);
}

void Link::reached(std::string_view what) {
  refusals_ = 0;
  if (closed_ || active_since_) return;
  active_since_ = shared_.executor.now_ms();
  metrics_.active.add();
  LOG_INFO_LIMITED(shared_.logger, "peer became active", {"peer-id", name_}, {"by", what});
}

void Link::failed(std::string_view what, const Status& why) {
  if (closed_) return;
  if (!active_since_) {
    LOG_DEBUG(shared_.logger, "peer stays inactive", {"peer-id", name_}, {"by", what},
              {"error", why});
    return;
  }
  active_since_.reset();
  metrics_.active.sub();
  metrics_.disconnected.add();
  LOG_WARN_LIMITED(shared_.logger, "peer became inactive", {"peer-id", name_}, {"by", what},
                   {"error", why});
}

void Link::report_lost_messages() {
  if (!closed_) shared_.reports.unreachable(id_);
}

void Link::report_snapshot(bool arrived) {
  if (!closed_) shared_.reports.snapshot(id_, arrived);
}

void Link::report_removed_self() {
  if (closed_) return;
  shared_.reports.removed_self("the member has been permanently removed from the cluster");
}

http::RequestHead Link::request(std::string_view method, std::string path) const {
  http::RequestHead head;
  head.method = method;
  head.path = std::move(path);
  head.headers = shared_.request_headers;
  return head;
}

void Link::close() {
  if (std::exchange(closed_, true)) return;
  if (active_since_) metrics_.active.sub();
  active_since_.reset();
}

}  // namespace gatehouse::transport

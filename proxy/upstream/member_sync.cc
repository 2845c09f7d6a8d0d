#include "proxy/upstream/member_sync.h"

#include <algorithm>

#include "proto/rpc.pb.h"

namespace gatehouse::upstream {

namespace {
constexpr std::string_view kPath = "/etcdserverpb.Cluster/MemberList";
}  // namespace

MemberSync::MemberSync(Upstream& upstream, uint64_t interval_ms)
    : upstream_(upstream),
      interval_ms_(interval_ms),
      timer_(upstream.executor(), [this] { ask(); }) {
  timer_.arm(interval_ms_);
}

void MemberSync::ask() {
  rpc::CallOptions options;
  options.deadline_ms = upstream_.executor().now_ms() + upstream_.options().probe_timeout_ms;
  Target target(upstream_, {.repeat = Repeat::kUntilAnswered});
  call_ = rpc::call_unary(target, kPath, options, /*request=*/"",
                          [this](const rpc::CallResult& result, std::string_view response) {
                            on_answer(result, response);
                          });
}

void MemberSync::on_answer(const rpc::CallResult& result, std::string_view response) {
  timer_.arm(interval_ms_);
  if (!result.status.ok()) {
    LOG_WARN_LIMITED(upstream_.logger(), "cannot refresh the endpoints from the member list",
                     {"error", result.status});
    return;
  }
  const std::vector<std::string> urls = client_urls_of(response);
  // Nothing to go by, say because no member has published its URLs yet: what we have is better.
  if (urls.empty() || urls == upstream_.endpoints()) return;
  LOG_INFO(upstream_.logger(), "endpoints refreshed from the member list", {"endpoints", urls});
  upstream_.set_endpoints(urls);
}

std::vector<std::string> client_urls_of(std::string_view member_list_response) {
  std::vector<std::string> urls;
  etcdserverpb::MemberListResponse list;
  if (!list.ParseFromArray(member_list_response.data(),
                           static_cast<int>(member_list_response.size()))) {
    return urls;
  }
  for (const etcdserverpb::Member& member : list.members()) {
    if (member.islearner()) continue;
    urls.insert(urls.end(), member.clienturls().begin(), member.clienturls().end());
  }
  std::sort(urls.begin(), urls.end());
  urls.erase(std::unique(urls.begin(), urls.end()), urls.end());
  return urls;
}

}  // namespace gatehouse::upstream

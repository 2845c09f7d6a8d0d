#include "member/join.h"

#include <algorithm>
#include <utility>

#include "common/loop/event_loop.h"
#include "common/net/tcp_dialer.h"
#include "member/membership/peer_urls.h"
#include "member/membership/release.h"
#include "member/peer_versions.h"
#include "member/transport/fetch.h"
#include "member/version.h"

namespace gatehouse::member {

namespace {

constexpr membership::Release kOldestCluster{3, 5, 0};

// The peer URLs of the others.
std::vector<std::string> other_urls(const membership::InitialCluster& initial,
                                    const std::string& name) {
  std::vector<std::string> urls;
  for (const auto& [member, theirs] : initial) {
    if (member != name) urls.insert(urls.end(), theirs.begin(), theirs.end());
  }
  std::sort(urls.begin(), urls.end());
  return urls;
}

Result<transport::Fetched> ask(const Options& options, const std::vector<std::string>& urls,
                               const std::string& path, const tls::ReloadingContext* dialing,
                               bool needs_cluster_id) {
  loop::EventLoop loop;
  net::TcpDialerOptions dialer_options;
  dialer_options.timeout_ms = 1000 + static_cast<uint64_t>(options.election_timeout.count());
  dialer_options.reloading_tls = dialing;
  net::TcpDialer dialer(loop, dialer_options);
  Result<transport::Fetched> answer = internal_error("nothing was asked");
  std::unique_ptr<transport::Fetch> fetch = transport::fetch(
      loop, dialer, urls, path, {.needs_cluster_id = needs_cluster_id},
      [&](Result<transport::Fetched> fetched) {
        answer = std::move(fetched);
        fetch.reset();
        loop.stop();
      });
  loop.run();
  return answer;
}

Status check_versions(const Options& options, const std::vector<std::string>& urls,
                      const tls::ReloadingContext* dialing) {
  const Result<transport::Fetched> answer = ask(options, urls, "/version", dialing, false);
  const Status incompatible(StatusCode::kFailedPrecondition,
                            "incompatible with current running cluster");
  if (!answer.ok()) return incompatible;
  const Result<std::string> version = parse_cluster_version(answer->body);
  if (!version.ok()) return incompatible;
  // Not decided yet: by the members that there are, and this one will be among them.
  const std::optional<membership::Release> cluster = membership::parse_release(*version);
  if (!cluster) return Status();
  const membership::Release own = membership::parse_release(kEtcdVersion)->without_patch();
  // Members of 3.4 would not survive the first request by which this one tells its name.
  if (*cluster < kOldestCluster) {
    return Status(StatusCode::kFailedPrecondition,
                  "incompatible with current running cluster: its version is " + *version +
                      ", the oldest to join is " + kOldestCluster.text());
  }
  return cluster->without_patch() <= own ? Status() : incompatible;
}

}  // namespace

Result<std::vector<membership::Member>> match_members(const membership::InitialCluster& initial,
                                                      std::vector<membership::Member> running) {
  if (running.size() != initial.size()) return invalid_argument("member count is unequal");
  for (membership::Member& member : running) {
    std::sort(member.peer_urls.begin(), member.peer_urls.end());
    const auto same = std::find_if(initial.begin(), initial.end(), [&](const auto& given) {
      return given.second == member.peer_urls;
    });
    if (same == initial.end()) {
      std::string urls;
      for (const std::string& url : member.peer_urls) urls += (urls.empty() ? "" : " ") + url;
      return invalid_argument("PeerURLs: no match found for existing member (" +
                              schema::id_text(member.id) + ", [" + urls + "])");
    }
    member.name = same->first;
  }
  return running;
}

Result<RunningCluster> find_running_cluster(const Options& options,
                                            const membership::InitialCluster& initial,
                                            const tls::ReloadingContext* dialing) {
  const std::vector<std::string> urls = other_urls(initial, options.name);
  const Result<transport::Fetched> answer = ask(options, urls, "/members", dialing, true);
  if (!answer.ok()) {
    return unavailable("cannot fetch cluster info from peer urls: could not retrieve cluster "
                       "information from the given URLs (" +
                       answer.status().message() + ")");
  }
  Result<std::vector<membership::Member>> running = schema::parse_members(answer->body);
  if (!running.ok()) return running.status().with_context(answer->url + "/members");
  Result<std::vector<membership::Member>> members = match_members(initial, std::move(*running));
  if (!members.ok()) {
    return members.status().with_context("error validating peerURLs of the cluster " +
                                         schema::id_text(answer->cluster_id));
  }
  GATEHOUSE_RETURN_IF_ERROR(check_versions(options, urls, dialing));
  return RunningCluster{answer->cluster_id, std::move(*members)};
}

Status check_not_bootstrapped(const Options& options, const membership::InitialCluster& initial,
                              uint64_t id, const tls::ReloadingContext* dialing) {
  const std::vector<std::string> urls = other_urls(initial, options.name);
  if (urls.empty()) return Status();
  const Result<transport::Fetched> answer = ask(options, urls, "/members", dialing, true);
  if (!answer.ok()) return Status();
  const Result<std::vector<membership::Member>> running = schema::parse_members(answer->body);
  if (!running.ok()) return Status();
  const bool served = std::any_of(running->begin(), running->end(), [&](const auto& member) {
    return member.id == id && !member.client_urls.empty();
  });
  if (!served) return Status();
  return Status(StatusCode::kFailedPrecondition,
                "member " + schema::id_text(id) + " has already been bootstrapped");
}

}  // namespace gatehouse::member

// Link: what the parts of one peer share: where it is, whether it can be reached, and where its
// news goes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/http/exchange.h"
#include "member/raft/types.h"
#include "member/transport/metrics.h"

namespace gatehouse::transport {

struct Shared;

class Link {
 public:
  Link(Shared& shared, raft::NodeId id, std::vector<std::string> urls);

  Shared& shared() const { return shared_; }
  raft::NodeId id() const { return id_; }
  const std::string& name() const { return name_; }  // the id in hex
  const PeerMetrics& metrics() const { return metrics_; }

  // The address to use now: the first, until one fails; then the next, round and round.
  const std::string& url() const { return urls_[picked_]; }
  void url_failed(const std::string& url);
  void set_urls(std::vector<std::string> urls);

  // Something got through, or failed. Logged where it changes the state.
  void reached(std::string_view what);
  void failed(std::string_view what, const Status& why);
  std::optional<uint64_t> active_since() const { return active_since_; }

  // Nobody listens at the address in use. When that is so of all of them, one after the other, the
  // peer's process does not run.
  void refused();

  // News for the owner, told at the end of the turn.
  void report_lost_messages();
  void report_snapshot(bool arrived);
  // The peer answered that this member was removed.
  void report_removed_self();

  // A head for a request of the peer protocol.
  http::RequestHead request(std::string_view method, std::string path) const;

  // No more news; metrics that describe the present go back to nothing.
  void close();
  bool closed() const { return closed_; }

 private:
  Shared& shared_;
  const raft::NodeId id_;
  const std::string name_;
  const PeerMetrics metrics_;
  std::vector<std::string> urls_;
  size_t picked_ = 0;
  std::optional<uint64_t> active_since_;
  size_t refusals_ = 0;  // in a row, since something got through
  bool closed_ = false;
};

}  // namespace gatehouse::transport

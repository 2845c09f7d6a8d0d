// ConnectionLog: what a program's connections from clients tell its log.
//
// Header only: who includes it links common_log, which this room does not.
#pragma once

#include <utility>

#include "common/httpio/server_observer.h"
#include "common/log/log.h"

namespace gatehouse::httpio {

// Thread-safe, as a logger is: one for all loops.
class ConnectionLog final : public ServerObserver {
 public:
  explicit ConnectionLog(log::Logger logger) : logger_(std::move(logger)) {}

  void on_handshake_failed(const env::PeerInfo& peer, const Status& why) override {
    LOG_WARN_LIMITED(logger_, "rejected connection on client endpoint",
                     {"remote-addr", peer.address}, {"error", why.message()});
  }
  void on_connection_failed(const env::PeerInfo& peer, const Status& why) override {
    LOG_DEBUG(logger_, "client connection failed", {"remote-addr", peer.address},
              {"error", why.message()});
  }
  void on_accept_paused(const Status& why) override {
    LOG_WARN_LIMITED(logger_, "not accepting connections for a moment", {"error", why.message()});
  }
  void on_tls_reloaded(const Status& result) override {
    if (result.ok()) {
      LOG_INFO(logger_, "certificate files changed and were loaded");
    } else {
      LOG_ERROR(logger_, "certificate files changed and cannot be loaded, the old ones stay",
                {"error", result.message()});
    }
  }

 private:
  const log::Logger logger_;
};

}  // namespace gatehouse::httpio

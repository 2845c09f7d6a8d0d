// TcpDialer: connects to TCP and Unix addresses, with TLS where asked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/loop/event_loop.h"
#include "common/net/dialer.h"
#include "common/tls/context.h"
#include "common/tls/reloading_context.h"

namespace gatehouse::net {

struct TcpDialerOptions {
  // For the whole dial: name, connection and handshake.
  uint64_t timeout_ms = 5'000;
  // A client's context, asked for at each dial; null: no TLS, and an https:// address is refused.
  // Must outlive the dialer.
  const tls::ReloadingContext* reloading_tls = nullptr;
  // The same for a context that never changes; at most one of the two.
  std::shared_ptr<const tls::Context> tls;
  // The name the server's certificate must be valid for. Empty: the host of the address.
  std::string server_name;
};

// Addresses are those of parse_address(). With a TLS context everything but http:// goes over TLS.
class TcpDialer final : public Dialer {
 public:
  // The loop must outlive the dialer, the dialer its Dials.
  TcpDialer(loop::EventLoop& loop, TcpDialerOptions options);

  std::unique_ptr<Dial> dial(const std::string& address, Done done) override;

 private:
  loop::EventLoop& loop_;
  const TcpDialerOptions options_;
};

}  // namespace gatehouse::net

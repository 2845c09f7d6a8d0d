#include "common/net/tcp_dialer.h"

#include <optional>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/loop/connect.h"
#include "common/loop/socket.h"
#include "common/net/address.h"
#include "common/net/tls_stream.h"

namespace gatehouse::net {
namespace {

using StreamResult = Result<std::unique_ptr<env::ByteStream>>;

class TcpDial final : public Dial {
 public:
  TcpDial(loop::EventLoop& loop, const TcpDialerOptions& options, const std::string& text,
          Dialer::Done done)
      : loop_(loop),
        deadline_ms_(loop.now_ms() + options.timeout_ms),
        context_("dial " + text),
        done_(std::move(done)),
        timer_(loop, [this] { on_timer(); }) {
    timer_.arm(options.timeout_ms);
    begin(options, text);
  }

  ~TcpDial() override = default;

 private:
  void begin(const TcpDialerOptions& options, const std::string& text) {
    const Result<Address> address = parse_address(text);
    if (!address.ok()) return finish(unavailable(address.status().message()));
    context_ = "dial " + address->to_string();
    if (!choose_tls(options, *address)) return;

    if (address->kind == Address::Kind::kUnix) {
      Result<loop::SocketAddress> path = loop::SocketAddress::unix_path(address->path);
      if (!path.ok()) return finish(unavailable(path.status().message()));
      return connect({*path});
    }
    const std::string host = address->host.empty() ? "localhost" : address->host;
    if (Result<loop::SocketAddress> ip = loop::SocketAddress::ip(host, address->port); ip.ok()) {
      return connect({*ip});
    }
    attempt_ = loop::resolve(loop_, host, address->port,
                             [this](Result<std::vector<loop::SocketAddress>> addresses) {
                               if (!addresses.ok()) return finish(addresses.status());
                               connect(*std::move(addresses));
                             });
  }

  bool choose_tls(const TcpDialerOptions& options, const Address& address) {
    if (address.security == Address::Security::kClear) return true;
    tls_ = options.reloading_tls != nullptr ? options.reloading_tls->current() : options.tls;
    if (tls_ == nullptr) {
      if (!address.tls()) return true;
      finish(unavailable("the address asks for TLS, which is not configured"));
      return false;
    }
    server_name_ = options.server_name.empty() ? address.host : options.server_name;
    return true;
  }

  uint64_t left_ms() const {
    const uint64_t now = loop_.now_ms();
    return deadline_ms_ > now ? deadline_ms_ - now : 0;
  }

  void connect(std::vector<loop::SocketAddress> addresses) {
    attempt_ =
        loop::connect(loop_, std::move(addresses), left_ms(), [this](Result<loop::UniqueFd> fd) {
          if (!fd.ok()) return finish(fd.status());
          on_connected(*std::move(fd));
        });
  }

  void on_connected(loop::UniqueFd fd) {
    Result<std::unique_ptr<loop::Socket>> socket = loop::Socket::adopt(loop_, std::move(fd));
    if (!socket.ok()) return finish(socket.status());
    if (tls_ == nullptr) return finish(std::unique_ptr<env::ByteStream>(*std::move(socket)));
    Result<std::unique_ptr<tls::Session>> session = tls::Session::create(tls_, server_name_);
    if (!session.ok()) return finish(session.status());
    stream_ = std::make_unique<TlsStream>(loop_, *std::move(socket), *std::move(session));
    stream_->handshake(left_ms(), [this](const Status& status) {
      if (status.ok()) return finish(std::unique_ptr<env::ByteStream>(std::move(stream_)));
      loop_.destroy_later(std::move(stream_));
      finish(status);
    });
  }

  // Told by the timer: never from inside dial(), nor from a callback of the stream that is handed
  // over, which its new owner may want to destroy.
  void finish(StreamResult result) {
    result_ = std::move(result);
    timer_.arm(0);
  }

  void on_timer() {
    attempt_.reset();
    stream_.reset();
    if (!result_.has_value()) result_ = unavailable("i/o timeout");
    if (!result_->ok()) {
      result_ = unavailable(context_ + ": " + result_->status().message());
    }
    StreamResult result = *std::move(result_);
    Dialer::Done done = std::move(done_);
    done(std::move(result));
  }

  loop::EventLoop& loop_;
  const uint64_t deadline_ms_;
  std::string context_;
  Dialer::Done done_;
  std::shared_ptr<const tls::Context> tls_;
  std::string server_name_;
  std::unique_ptr<loop::Attempt> attempt_;
  std::unique_ptr<TlsStream> stream_;
  std::optional<StreamResult> result_;
  env::Timer timer_;
};

}  // namespace

TcpDialer::TcpDialer(loop::EventLoop& loop, TcpDialerOptions options)
    : loop_(loop), options_(std::move(options)) {
  CHECK_MSG(options_.tls == nullptr || options_.reloading_tls == nullptr,
            "two TLS contexts for one dialer");
}

std::unique_ptr<Dial> TcpDialer::dial(const std::string& address, Done done) {
  return std::make_unique<TcpDial>(loop_, options_, address, std::move(done));
}

}  // namespace gatehouse::net

#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/rpc/client.h"

namespace gatehouse::rpc {
namespace {

class UnaryCall final : public ClientCall, private ClientHandler {
 public:
  explicit UnaryCall(UnaryDone done) : done_(std::move(done)) {}

  void begin(CallTarget& target, std::string_view path, const CallOptions& options,
             std::string_view request) {
    call_ = target.start(path, options, *this);
    call_->send(request);
    call_->half_close();
  }

  // The request has been sent; what is left of a ClientCall is that destroying it cancels.
  void send(std::string_view) override { CHECK_MSG(false, "a unary call has sent its message"); }
  bool can_send() const override { return false; }
  void half_close() override {}
  void want_message() override {}

 private:
  void on_message(std::string_view message) override {
    if (++messages_ == 1) response_ = message;
    call_->want_message();  // a second one is an error, which must be seen
  }

  void on_finish(const CallResult& result) override {
    UnaryDone done = std::move(done_);
    if (!result.status.ok() || messages_ == 1) {
      const std::string response = std::move(response_);
      done(result, result.status.ok() ? std::string_view(response) : std::string_view());
      return;  // this may be gone
    }
    CallResult wrong = result;
    wrong.status = internal_error(
        messages_ == 0
            ? "cardinality violation: received no response message from non-server-streaming RPC"
            : "cardinality violation: expected <EOF> for non server-streaming RPCs, but received "
              "another message");
    done(wrong, {});
  }

  UnaryDone done_;
  size_t messages_ = 0;
  std::string response_;
  std::unique_ptr<ClientCall> call_;
};

}  // namespace

std::unique_ptr<ClientCall> call_unary(CallTarget& target, std::string_view path,
                                       const CallOptions& options, std::string_view request,
                                       UnaryDone done) {
  auto call = std::make_unique<UnaryCall>(std::move(done));
  call->begin(target, path, options, request);
  return call;
}

Status check_send_size(size_t bytes, size_t max_send_bytes) {
  if (bytes <= max_send_bytes) return Status();
  return resource_exhausted("trying to send message larger than max (" + std::to_string(bytes) +
                            " vs. " + std::to_string(max_send_bytes) + ")");
}

}  // namespace gatehouse::rpc

#include "common/rpc/health.h"

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "common/rpc/typed.h"
#include "proto/health.pb.h"

namespace gatehouse::rpc {
namespace {

namespace pb = grpc::health::v1;

constexpr char kService[] = "grpc.health.v1.Health";

class WatchHandler;

// The way from any thread to a watcher: the task that is posted holds it, and finds nobody once the
// watcher has gone.
struct Watcher {
  env::Executor* executor;
  WatchHandler* handler;  // only on the executor's thread
};

}  // namespace

struct HealthService::Board {
  // An unknown service has no status.
  std::optional<ServingStatus> status_of(const std::string& service) {
    const std::lock_guard lock(mutex);
    const auto found = services.find(service);
    if (found == services.end()) return std::nullopt;
    return found->second;
  }

  // Under the mutex: a watcher that is on the list has an executor that lives.
  void tell_watchers();

  std::mutex mutex;
  std::map<std::string, ServingStatus> services;
  bool shut = false;
  std::set<std::shared_ptr<Watcher>> watchers;
};

namespace {

using Board = HealthService::Board;

class WatchHandler final : public ServerHandler {
 public:
  WatchHandler(ServerCall& call, std::shared_ptr<Board> board)
      : call_(call), board_(std::move(board)) {}

  ~WatchHandler() override {
    if (watcher_ == nullptr) return;
    watcher_->handler = nullptr;
    const std::lock_guard lock(board_->mutex);
    board_->watchers.erase(watcher_);
  }

  void on_message(std::string_view message) override { parsed_ = parse_message(message, request_); }

  void on_half_close() override {
    if (!parsed_.ok()) {
      call_.finish(parsed_);
      return;
    }
    watcher_ = std::make_shared<Watcher>(Watcher{&call_.executor(), this});
    {
      const std::lock_guard lock(board_->mutex);
      board_->watchers.insert(watcher_);
    }
    look();
  }

  void on_can_send() override { look(); }
  void on_cancel(const Status&) override { ended_ = true; }

  // Sends the status if it is not what was sent last.
  void look() {
    if (ended_ || !call_.can_send()) return;
    const std::optional<ServingStatus> status = board_->status_of(request_.service());
    const auto wire = status ? static_cast<pb::HealthCheckResponse::ServingStatus>(*status)
                             : pb::HealthCheckResponse::SERVICE_UNKNOWN;
    if (std::exchange(sent_, wire) == wire) return;
    pb::HealthCheckResponse response;
    response.set_status(wire);
    send_message(call_, response);
  }

 private:
  ServerCall& call_;
  const std::shared_ptr<Board> board_;
  pb::HealthCheckRequest request_;
  Status parsed_;
  bool ended_ = false;
  std::shared_ptr<Watcher> watcher_;
  std::optional<pb::HealthCheckResponse::ServingStatus> sent_;
};

}  // namespace

void HealthService::Board::tell_watchers() {
  for (const std::shared_ptr<Watcher>& watcher : watchers) {
    watcher->executor->post([watcher] {
      if (watcher->handler != nullptr) watcher->handler->look();
    });
  }
}

HealthService::HealthService() : board_(std::make_shared<Board>()) {
  board_->services[""] = ServingStatus::kServing;
}
HealthService::~HealthService() = default;

void HealthService::add_to(Server& server) {
  add_unary<pb::HealthCheckRequest, pb::HealthCheckResponse>(
      server, kService, "Check",
      [board = board_](ServerCall&, const pb::HealthCheckRequest& request,
                       pb::HealthCheckResponse& response) -> Status {
        const std::optional<ServingStatus> status = board->status_of(request.service());
        if (!status) return not_found("unknown service");
        response.set_status(static_cast<pb::HealthCheckResponse::ServingStatus>(*status));
        return Status();
      });
  server.add({kService, "Watch", MethodKind::kServerStream},
             [board = board_](ServerCall& call) -> std::unique_ptr<ServerHandler> {
               return std::make_unique<WatchHandler>(call, board);
             });
}

void HealthService::set(const std::string& service, ServingStatus status) {
  const std::lock_guard lock(board_->mutex);
  board_->services[service] = board_->shut ? ServingStatus::kNotServing : status;
  board_->tell_watchers();
}

void HealthService::clear(const std::string& service) {
  const std::lock_guard lock(board_->mutex);
  board_->services.erase(service);
  board_->tell_watchers();
}

void HealthService::shut_down() {
  const std::lock_guard lock(board_->mutex);
  board_->shut = true;
  for (auto& [service, status] : board_->services) status = ServingStatus::kNotServing;
  board_->tell_watchers();
}

}  // namespace gatehouse::rpc

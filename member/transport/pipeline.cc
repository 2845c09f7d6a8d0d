#include "member/transport/pipeline.h"

#include <utility>

#include "member/transport/message_codec.h"
#include "member/transport/shared.h"

namespace gatehouse::transport {
namespace {

// Less than the 5 s after which etcd closes a connection that waits.
constexpr uint64_t kIdleMs = 4'000;

// Of an answer; the rest is dropped.
constexpr size_t kMaxAnswerBytes = 1024;

constexpr int kNoContent = 204;
constexpr int kForbidden = 403;

}  // namespace

Status judge_answer(Link& link, int status, std::string_view body) {
  if (status == kNoContent) return Status();
  if (status == kForbidden) link.report_removed_self();
  while (!body.empty() && body.back() == '\n') body.remove_suffix(1);
  Status refused = unavailable("refused with " + std::to_string(status) + " " + std::string(body));
  LOG_WARN_LIMITED(link.shared().logger, "a peer refused a request", {"peer-id", link.name()},
                   {"status", status}, {"reason", body});
  return refused;
}

class Pipeline::Post final : private Exchange::User {
 public:
  explicit Post(Pipeline& pipeline)
      : pipeline_(pipeline),
        exchange_(pipeline.link_.shared().executor, pipeline.link_.shared().dialer,
                  {.dial_ms = pipeline.link_.shared().options.dial_timeout_ms,
                   .quiet_ms = pipeline.link_.shared().options.io_timeout_ms,
                   .idle_ms = kIdleMs},
                  *this) {}

  bool busy() const { return exchange_.busy(); }
  void stop() { exchange_.stop(); }

  void send(const raft::Message& message) {
    Link& link = pipeline_.link_;
    status_ = 0;
    answer_.clear();
    std::string body;
    append_message(body, message);
    bytes_ = body.size();
    http::RequestHead head = link.request("POST", "/raft");
    head.headers.add("content-type", "application/protobuf");
    url_ = link.url();
    exchange_.start(url_, std::move(head), std::move(body));
  }

 private:
  void on_head(int status, const http::Headers&) override { status_ = status; }
  void on_body(std::string_view bytes) override {
    if (answer_.size() < kMaxAnswerBytes) answer_.append(bytes.substr(0, kMaxAnswerBytes));
  }
  void on_done() override {
    const Status verdict = judge_answer(pipeline_.link_, status_, answer_);
    if (verdict.ok()) {
      pipeline_.link_.metrics().sent_bytes.add(bytes_);
      pipeline_.link_.reached("pipeline");
    } else {
      pipeline_.lost(url_, verdict);
    }
    pipeline_.next(*this);
  }
  void on_failed(const Status& why) override {
    pipeline_.lost(url_, why);
    pipeline_.next(*this);
  }

  Pipeline& pipeline_;
  Exchange exchange_;
  std::string url_;
  std::string answer_;
  int status_ = 0;
  size_t bytes_ = 0;
};

Pipeline::Pipeline(Link& link) : link_(link) {}

Pipeline::~Pipeline() = default;

void Pipeline::send(raft::Message message) {
  // A peer whose streams work never needs these.
  for (std::unique_ptr<Post>& post : posts_) {
    if (post == nullptr) post = std::make_unique<Post>(*this);
    if (post->busy()) continue;
    post->send(message);
    return;
  }
  if (queue_.size() < kMaxQueuedPosts) {
    queue_.push_back(std::move(message));
    return;
  }
  link_.metrics().sent_failures.add();
  link_.report_lost_messages();
  LOG_WARN_LIMITED(link_.shared().logger, "dropped a message: too many wait for this peer",
                   {"peer-id", link_.name()}, {"message-type", raft::message_name(message.type)});
}

void Pipeline::next(Post& post) {
  if (queue_.empty() || post.busy()) return;
  const raft::Message message = std::move(queue_.front());
  queue_.pop_front();
  post.send(message);
}

void Pipeline::lost(const std::string& url, const Status& why) {
  link_.url_failed(url);
  link_.metrics().sent_failures.add();
  link_.failed("pipeline", why);
  link_.report_lost_messages();
}

void Pipeline::stop() {
  queue_.clear();
  for (const std::unique_ptr<Post>& post : posts_) {
    if (post != nullptr) post->stop();
  }
}

}  // namespace gatehouse::transport

#include "member/transport/fetch.h"

#include <algorithm>
#include <utility>

#include "member/transport/exchange.h"
#include "member/transport/identity.h"

namespace gatehouse::transport {
namespace {

// Lives until its exchange has nothing more to say, which may be later than its Fetch.
class Asking final : private Exchange::User {
 public:
  Asking(env::Executor& executor, net::Dialer& dialer, std::vector<std::string> urls,
         Question question, const FetchOptions& options, UniqueFunction<void(Result<Fetched>)> done)
      : urls_(std::move(urls)),
        question_(std::move(question)),
        options_(options),
        done_(std::move(done)),
        exchange_(executor, dialer,
                  {.dial_ms = options.timeout_ms, .quiet_ms = options.timeout_ms}, *this),
        timer_(executor, [this] { timed_out(); }) {
    timer_.arm(0);  // begins in a later turn
  }

  void stop() {
    done_ = nullptr;
    timer_.cancel();
    exchange_.stop();
  }

 private:
  void timed_out() {
    if (!exchange_.busy()) return ask_next();
    exchange_.stop();
    failed(unavailable(asked(urls_[next_ - 1]) + ": no answer in time"));
  }

  void ask_next() {
    if (next_ == urls_.size()) return finish(why_);
    status_ = 0;
    fetched_ = Fetched{.url = urls_[next_++]};
    timer_.arm(options_.timeout_ms);
    http::RequestHead head;
    head.method = question_.method;
    head.path = question_.path;
    if (!question_.content_type.empty()) head.headers.add("content-type", question_.content_type);
    exchange_.start(fetched_.url, std::move(head), question_.body);
  }

  void on_head(int status, const http::Headers& headers) override {
    status_ = status;
    fetched_.cluster_id = parse_hex(headers.get("x-etcd-cluster-id").value_or("")).value_or(0);
  }

  void on_body(std::string_view bytes) override {
    if (fetched_.body.size() + bytes.size() > options_.max_body_bytes) {
      exchange_.stop();
      failed(unavailable(asked(fetched_.url) + ": too long an answer"));
      return;
    }
    fetched_.body.append(bytes);
  }

  void on_done() override {
    fetched_.status = status_;
    const bool answers = status_ == 200 || std::count(question_.answers.begin(),
                                                      question_.answers.end(), status_) > 0;
    if (!answers) {
      failed(unavailable(asked(fetched_.url) + ": status " + std::to_string(status_)));
    } else if (options_.needs_cluster_id && fetched_.cluster_id == 0) {
      failed(unavailable(asked(fetched_.url) + ": an answer without a cluster id"));
    } else {
      finish(std::move(fetched_));
    }
  }

  void on_failed(const Status& why) override { failed(why); }

  std::string asked(const std::string& url) const {
    return question_.method + " " + url + question_.path;
  }

  void failed(const Status& why) {
    why_ = why;
    timer_.arm(0);  // the next one, from a clean stack
  }

  void finish(Result<Fetched> result) {
    timer_.cancel();
    if (done_) std::exchange(done_, nullptr)(std::move(result));
  }

  const std::vector<std::string> urls_;
  const Question question_;
  const FetchOptions options_;
  UniqueFunction<void(Result<Fetched>)> done_;
  Exchange exchange_;
  env::Timer timer_;  // begins the next attempt, or ends the one under way
  size_t next_ = 0;
  int status_ = 0;
  Fetched fetched_;
  Status why_ = unavailable("no URL to ask");
};

class FetchOfAsking final : public Fetch {
 public:
  FetchOfAsking(env::Executor& executor, std::unique_ptr<Asking> asking)
      : executor_(executor), asking_(std::move(asking)) {}
  ~FetchOfAsking() override {
    asking_->stop();
    executor_.destroy_later(std::move(asking_));
  }

 private:
  env::Executor& executor_;
  std::unique_ptr<Asking> asking_;
};

}  // namespace

std::unique_ptr<Fetch> fetch(env::Executor& executor, net::Dialer& dialer,
                             std::vector<std::string> urls, Question question,
                             const FetchOptions& options,
                             UniqueFunction<void(Result<Fetched>)> done) {
  return std::make_unique<FetchOfAsking>(
      executor, std::make_unique<Asking>(executor, dialer, std::move(urls), std::move(question),
                                         options, std::move(done)));
}

}  // namespace gatehouse::transport

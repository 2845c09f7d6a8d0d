#include "tests/bench/gatehouse_bench/fake_etcd.h"

#include <utility>

#include "common/rpc/framing.h"
#include "proto/rpc.pb.h"

namespace gatehouse::bench {

namespace pb = ::etcdserverpb;

class FakeEtcd::Connection final : private http::SessionHost,
                                   private env::ByteStream::Sink,
                                   private env::TurnEndHook {
 public:
  Connection(FakeEtcd& owner, std::unique_ptr<env::ByteStream> stream)
      : owner_(owner), stream_(std::move(stream)) {
    http::SessionHost& host = *this;
    session_ = http::make_http2_server(host, owner_, stream_->peer());
    env::ByteStream::Sink& sink = *this;
    stream_->start(sink);
    wake();
  }

 private:
  void wake() override { owner_.executor_.at_turn_end(*this); }
  uint64_t now_ms() const override { return owner_.executor_.now_ms(); }

  void on_bytes(std::string_view bytes) override {
    session_->feed(bytes);
    wake();
  }
  void on_end() override { on_broken(Status(StatusCode::kUnavailable, "EOF")); }
  void on_drained() override { wake(); }
  void on_broken(const Status& why) override {
    session_->connection_lost(why);
    owner_.executor_.destroy_later(std::move(stream_));
  }

  void on_turn_end() override {
    if (!stream_) return;
    std::string output;
    session_->take_output(output, SIZE_MAX);
    if (!output.empty()) stream_->write(output);
  }

  FakeEtcd& owner_;
  std::unique_ptr<env::ByteStream> stream_;
  std::unique_ptr<http::Http2Server> session_;
};

class FakeEtcd::Call final : public http::StreamHandler {
 public:
  Call(FakeEtcd& owner, http::ServerStream& stream)
      : owner_(owner), stream_(stream), path_(stream.request().path) {
    owner_.calls_.insert(this);
  }
  ~Call() override { owner_.calls_.erase(this); }

  size_t watchers = 0;

  void answer(const google::protobuf::MessageLite& message) { answer(message.SerializeAsString()); }

  void answer(const std::string& message) {
    if (!std::exchange(head_sent_, true)) {
      stream_.send_head(owner_.http_status, {{"content-type", "application/grpc"}});
    }
    std::string framed;
    rpc::append_message(framed, message);
    stream_.send_body(framed);
  }

 private:
  void on_body(std::string_view bytes) override {
    stream_.consumed(bytes.size());
    rpc::MessageDecoder::Message message;
    while (decoder_.next(bytes, message) == rpc::MessageDecoder::Next::kMessage) {
      on_message(message.bytes);
    }
  }

  void on_message(std::string_view bytes) {
    const int size = static_cast<int>(bytes.size());
    if (path_ == "/etcdserverpb.Watch/Watch") {
      ++watchers;
      pb::WatchResponse created;
      created.set_created(true);
      answer(created);
    } else if (path_ == "/etcdserverpb.Lease/LeaseKeepAlive") {
      ++owner_.keepalives;
      pb::LeaseKeepAliveRequest request;
      request.ParseFromArray(bytes.data(), size);
      pb::LeaseKeepAliveResponse alive;
      alive.set_id(request.id());
      alive.set_ttl(owner_.leases_expire ? 0 : 60);
      answer(alive);
    } else if (path_ == "/etcdserverpb.KV/Put") {
      owner_.put(bytes);
    } else if (path_ == "/etcdserverpb.KV/Txn") {
      pb::TxnRequest txn;
      txn.ParseFromArray(bytes.data(), size);
      for (const auto& op : txn.success()) owner_.put(op.request_put().SerializeAsString());
    }
  }

  void on_end(const http::Headers&) override {
    ++owner_.unary_calls;
    if (owner_.http_status != 200) {
      stream_.send_head(owner_.http_status, {{"content-type", "text/plain"}});
      stream_.send_body("no");
      return stream_.send_end();
    }
    const http::Headers status{{"grpc-status", std::to_string(owner_.grpc_status)},
                               {"grpc-message", owner_.grpc_message}};
    if (owner_.grpc_status != 0) {
      http::Headers head{{"content-type", "application/grpc"}};
      for (const auto& field : status) head.add(field.name, field.value);
      stream_.send_head(200, head);
      return stream_.send_end();
    }
    if (path_ == "/etcdserverpb.Lease/LeaseGrant") {
      pb::LeaseGrantResponse granted;
      granted.set_id(4711);
      granted.set_ttl(60);
      answer(granted);
    } else {
      answer(std::string(owner_.answer_bytes, 'a'));
    }
    stream_.send_end(status);
  }

  void on_abort(const http::Abort&) override {}

  FakeEtcd& owner_;
  http::ServerStream& stream_;
  const std::string path_;
  rpc::MessageDecoder decoder_{64 << 20};
  bool head_sent_ = false;
};

FakeEtcd::FakeEtcd(env::Executor& executor, net::MemoryNetwork& network, const std::string& address)
    : executor_(executor) {
  network.listen(address, executor, [this](std::unique_ptr<env::ByteStream> stream) {
    connections_.push_back(std::make_unique<Connection>(*this, std::move(stream)));
  });
}

FakeEtcd::~FakeEtcd() = default;

std::unique_ptr<http::StreamHandler> FakeEtcd::on_request(http::ServerStream& stream) {
  return std::make_unique<Call>(*this, stream);
}

size_t FakeEtcd::watchers() const {
  size_t sum = 0;
  for (const Call* call : calls_) sum += call->watchers;
  return sum;
}

void FakeEtcd::cancel_watches(const std::string& reason) {
  for (Call* call : calls_) {
    for (; call->watchers > 0; --call->watchers) {
      pb::WatchResponse canceled;
      canceled.set_canceled(true);
      canceled.set_cancel_reason(reason);
      call->answer(canceled);
    }
  }
}

void FakeEtcd::put(std::string_view put_request) {
  pb::PutRequest request;
  request.ParseFromArray(put_request.data(), static_cast<int>(put_request.size()));
  ++puts[request.key()];
  pb::WatchResponse event;
  auto* key_value = event.add_events()->mutable_kv();
  key_value->set_key(request.key());
  key_value->set_value(request.value());
  for (Call* call : calls_) {
    for (size_t i = 0; i < call->watchers; ++i) call->answer(event);
  }
}

}  // namespace gatehouse::bench

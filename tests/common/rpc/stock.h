// gRPC C++ as an independent peer, on bytes instead of messages: a client whose calls block, and a
// server with the methods of echo_service.h.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::rpc::testing {

inline grpc::ByteBuffer to_buffer(std::string_view bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size());
  return grpc::ByteBuffer(&slice, 1);
}

inline std::string to_string(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string out;
  if (!buffer.Dump(&slices).ok()) return "(no dump)";
  for (const grpc::Slice& slice : slices) {
    out.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return out;
}

// A call of any kind; each step blocks until it is done.
class StockCall {
 public:
  StockCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& path)
      : stub_(channel), path_(path) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  }
  ~StockCall() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  // Once the context is as it should be.
  void start() {
    call_ = stub_.PrepareCall(&context, path_, &queue_);
    call_->StartCall(this);
    wait();
  }
  bool write(std::string_view message) {
    call_->Write(to_buffer(message), this);
    return wait();
  }
  bool writes_done() {
    call_->WritesDone(this);
    return wait();
  }
  std::optional<std::string> read() {
    grpc::ByteBuffer buffer;
    call_->Read(&buffer, this);
    if (!wait()) return std::nullopt;
    return to_string(buffer);
  }
  grpc::Status finish() {
    grpc::Status status;
    call_->Finish(&status, this);
    wait();
    return status;
  }
  // One message there, all there are back.
  grpc::Status unary(std::string_view request, std::vector<std::string>* responses = nullptr) {
    start();
    write(request);
    writes_done();
    while (const std::optional<std::string> response = read()) {
      if (responses != nullptr) responses->push_back(*response);
    }
    return finish();
  }

  grpc::ClientContext context;

 private:
  bool wait() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::GenericStub stub_;
  const std::string path_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

class StockEcho final : public grpc::CallbackGenericService {
 public:
  std::atomic<int> cancelled{0};
  std::atomic<int> started{0};

 private:
  class Reactor final : public grpc::ServerGenericBidiReactor {
   public:
    Reactor(StockEcho& service, grpc::GenericCallbackServerContext& context)
        : service_(service), context_(context), method_(context.method()) {
      ++service_.started;
      if (method_.find("/test.Echo/") != 0) {
        Finish(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "stock knows no " + method_));
        return;
      }
      method_ = method_.substr(11);
      for (const auto& [key, value] : context.client_metadata()) {
        const std::string name(key.data(), key.size());
        const std::string text(value.data(), value.size());
        if (name.rfind("echo-", 0) == 0) {
          context.AddInitialMetadata(name, text);
          context.AddTrailingMetadata(name, text);
        }
        if (name == "status") status_ = std::atoi(text.c_str());
        if (name == "gzip") context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
      }
      StartRead(&in_);
    }

    void OnReadDone(bool ok) override {
      if (!ok) {
        on_half_close();
        return;
      }
      last_ = to_string(in_);
      ++count_;
      bytes_ += last_.size();
      if (method_ == "Chat") {
        reply(last_);
      } else {
        StartRead(&in_);
      }
    }
    void OnWriteDone(bool ok) override {
      if (!ok) {
        finish(grpc::Status::CANCELLED);
      } else if (method_ == "Chat") {
        StartRead(&in_);
      } else if (method_ == "List") {
        list();
      } else {
        finish(grpc::Status::OK);
      }
    }
    void OnCancel() override {
      ++service_.cancelled;
      if (method_ == "Hang") finish(grpc::Status::CANCELLED);
    }
    void OnDone() override { delete this; }

   private:
    void on_half_close() {
      if (method_ == "Unary" && status_ != 0) {
        finish(grpc::Status(static_cast<grpc::StatusCode>(status_), last_));
      } else if (method_ == "Unary") {
        reply(last_);
      } else if (method_ == "Collect") {
        reply(std::to_string(count_) + " " + std::to_string(bytes_));
      } else if (method_ == "List") {
        char* end = nullptr;
        left_ = std::strtoull(last_.c_str(), &end, 10);
        size_ = std::strtoull(end, nullptr, 10);
        list();
      } else if (method_ != "Hang") {
        finish(grpc::Status::OK);
      } else if (context_.IsCancelled()) {
        finish(grpc::Status::CANCELLED);
      }
    }
    void list() {
      if (left_ == 0) {
        finish(grpc::Status::OK);
        return;
      }
      --left_;
      reply(std::string(size_, 'l'));
    }
    void reply(const std::string& message) {
      out_ = to_buffer(message);
      StartWrite(&out_);
    }
    void finish(const grpc::Status& status) {
      if (!finished_.exchange(true)) Finish(status);
    }

    StockEcho& service_;
    grpc::GenericCallbackServerContext& context_;
    std::string method_;
    grpc::ByteBuffer in_;
    grpc::ByteBuffer out_;
    std::string last_;
    size_t count_ = 0;
    size_t bytes_ = 0;
    size_t left_ = 0;
    size_t size_ = 0;
    int status_ = 0;
    std::atomic<bool> finished_{false};
  };

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Reactor(*this, *context);
  }
};

class StockServer {
 public:
  StockServer() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(&echo);
    builder.SetMaxReceiveMessageSize(20 * 1024 * 1024);
    server = builder.BuildAndStart();
    address = "127.0.0.1:" + std::to_string(port);
  }
  ~StockServer() { stop(); }
  void stop() { server->Shutdown(std::chrono::system_clock::now()); }

  StockEcho echo;
  std::unique_ptr<grpc::Server> server;
  std::string address;
};

}  // namespace gatehouse::rpc::testing

// The upper mark of the echo comparison: the least that serves a gRPC-shaped unary echo on libuv
// and nghttp2.
//
//   echo_bare PORT [THREADS]
//
// Serves /bench.Echo/Echo in clear HTTP/2 on loopback: HEADERS, the request body as it came,
// trailers with grpc-status 0; any other path is answered with grpc-status 12. One event loop per
// thread, connections dealt round robin, one write per connection and loop turn. No deadline,
// metadata, limit or compression: what a real server adds to this is what it costs.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::string_view kPath = "/bench.Echo/Echo";
constexpr size_t kReadBytes = 256 * 1024;
constexpr int32_t kWindowBytes = 1 << 20;
constexpr size_t kMaxBodyBytes = 4 << 20;  // what gRPC servers take by default

[[noreturn]] void fail(const char* what, int code) {
  std::fprintf(stderr, "echo_bare: %s: %s\n", what, std::strerror(code));
  std::exit(1);
}

// Those of a connection that breaks are not reclaimed: the program lives for one measurement.
struct Stream {
  std::string body;
  size_t sent = 0;
  bool known_path = false;
};

struct Connection;

struct Loop {
  uv_loop_t loop;
  uv_async_t wake;
  uv_check_t after_poll;
  std::mutex mutex;
  std::vector<int> arrived;        // sockets, under mutex
  std::vector<Connection*> dirty;  // read something this turn
  std::vector<Stream*> spare;      // streams to reuse
  std::vector<char> read_buffer = std::vector<char>(kReadBytes);
  std::string output;

  Stream* take_stream() {
    if (spare.empty()) return new Stream;
    Stream* stream = spare.back();
    spare.pop_back();
    stream->body.clear();
    stream->sent = 0;
    stream->known_path = false;
    return stream;
  }
};

struct Connection {
  Loop* owner;
  uv_tcp_t tcp;
  nghttp2_session* session = nullptr;
  std::string unsent;  // what the socket would not take; the next write waits for it
  uv_write_t write;
  bool writing = false;
  bool dirty = false;
  bool closing = false;
};

void close_connection(Connection* connection) {
  if (connection->closing) return;
  connection->closing = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&connection->tcp), [](uv_handle_t* handle) {
    auto* self = static_cast<Connection*>(handle->data);
    nghttp2_session_del(self->session);
    delete self;
  });
}

void mark_dirty(Connection* connection) {
  if (connection->dirty) return;
  connection->dirty = true;
  connection->owner->dirty.push_back(connection);
}

// ---- nghttp2

nghttp2_nv field(std::string_view name, std::string_view value) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

ssize_t read_body(nghttp2_session* session, int32_t id, uint8_t* to, size_t room, uint32_t* flags,
                  nghttp2_data_source* source, void*) {
  auto* stream = static_cast<Stream*>(source->ptr);
  const size_t bytes = std::min(room, stream->body.size() - stream->sent);
  std::memcpy(to, stream->body.data() + stream->sent, bytes);
  stream->sent += bytes;
  if (stream->sent == stream->body.size()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const nghttp2_nv trailers[] = {field("grpc-status", "0")};
    nghttp2_submit_trailer(session, id, trailers, 1);
  }
  return static_cast<ssize_t>(bytes);
}

void respond(nghttp2_session* session, int32_t id, Stream* stream) {
  if (!stream->known_path) {
    const nghttp2_nv head[] = {field(":status", "200"), field("content-type", "application/grpc"),
                               field("grpc-status", "12")};
    nghttp2_submit_response(session, id, head, 3, nullptr);
    return;
  }
  const nghttp2_nv head[] = {field(":status", "200"), field("content-type", "application/grpc")};
  nghttp2_data_provider provider;
  provider.source.ptr = stream;
  provider.read_callback = read_body;
  nghttp2_submit_response(session, id, head, 2, &provider);
}

int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  nghttp2_session_set_stream_user_data(session, frame->hd.stream_id,
                                       static_cast<Connection*>(user)->owner->take_stream());
  return 0;
}

int on_header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
              size_t name_bytes, const uint8_t* value, size_t value_bytes, uint8_t, void*) {
  if (name_bytes != 5 || std::memcmp(name, ":path", 5) != 0) return 0;
  auto* stream =
      static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
  if (stream != nullptr) {
    stream->known_path =
        std::string_view(reinterpret_cast<const char*>(value), value_bytes) == kPath;
  }
  return 0;
}

int on_data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data, size_t bytes,
            void*) {
  auto* stream = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
  if (stream == nullptr) return 0;
  if (stream->body.size() + bytes > kMaxBodyBytes) return NGHTTP2_ERR_CALLBACK_FAILURE;
  stream->body.append(reinterpret_cast<const char*>(data), bytes);
  return 0;
}

int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void*) {
  if ((frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) ||
      (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
    return 0;
  }
  auto* stream =
      static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
  if (stream != nullptr) respond(session, frame->hd.stream_id, stream);
  return 0;
}

int on_stream_close(nghttp2_session* session, int32_t id, uint32_t, void* user) {
  auto* stream = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
  if (stream != nullptr) static_cast<Connection*>(user)->owner->spare.push_back(stream);
  return 0;
}

nghttp2_session* new_session(Connection* connection) {
  nghttp2_session_callbacks* callbacks;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  nghttp2_session* session;
  nghttp2_session_server_new(&session, callbacks, connection);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindowBytes}};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 2);
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kWindowBytes);
  return session;
}

// ---- libuv

void flush(Connection* connection) {
  connection->dirty = false;
  if (connection->closing || connection->writing) return;
  std::string& output = connection->owner->output;
  output.clear();
  const uint8_t* data;
  ssize_t bytes;
  while ((bytes = nghttp2_session_mem_send(connection->session, &data)) > 0) {
    output.append(reinterpret_cast<const char*>(data), static_cast<size_t>(bytes));
  }
  if (bytes < 0) return close_connection(connection);
  auto* socket = reinterpret_cast<uv_stream_t*>(&connection->tcp);
  if (!output.empty()) {
    uv_buf_t buffer = uv_buf_init(output.data(), static_cast<unsigned>(output.size()));
    int taken = uv_try_write(socket, &buffer, 1);
    if (taken == UV_EAGAIN) taken = 0;
    if (taken < 0) return close_connection(connection);
    if (static_cast<size_t>(taken) < output.size()) {
      connection->unsent.assign(output, static_cast<size_t>(taken));
      buffer =
          uv_buf_init(connection->unsent.data(), static_cast<unsigned>(connection->unsent.size()));
      connection->writing = true;
      connection->write.data = connection;
      uv_write(&connection->write, socket, &buffer, 1, [](uv_write_t* request, int status) {
        auto* self = static_cast<Connection*>(request->data);
        self->writing = false;
        if (status == 0) mark_dirty(self);
      });
    }
  }
  if (!nghttp2_session_want_read(connection->session) &&
      !nghttp2_session_want_write(connection->session)) {
    close_connection(connection);
  }
}

void on_read(uv_stream_t* socket, ssize_t bytes, const uv_buf_t* buffer) {
  auto* connection = static_cast<Connection*>(socket->data);
  if (bytes == 0) return;
  if (bytes < 0) return close_connection(connection);
  const auto* data = reinterpret_cast<const uint8_t*>(buffer->base);
  if (nghttp2_session_mem_recv(connection->session, data, static_cast<size_t>(bytes)) < 0) {
    return close_connection(connection);
  }
  mark_dirty(connection);
}

void adopt(Loop* loop, int socket) {
  auto* connection = new Connection{};
  connection->owner = loop;
  uv_tcp_init(&loop->loop, &connection->tcp);
  connection->tcp.data = connection;
  connection->session = new_session(connection);
  if (const int error = uv_tcp_open(&connection->tcp, socket)) {
    std::fprintf(stderr, "echo_bare: open: %s\n", uv_strerror(error));
    close(socket);
    return close_connection(connection);
  }
  uv_tcp_nodelay(&connection->tcp, 1);
  uv_read_start(
      reinterpret_cast<uv_stream_t*>(&connection->tcp),
      [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
        std::vector<char>& shared = static_cast<Connection*>(handle->data)->owner->read_buffer;
        *buffer = uv_buf_init(shared.data(), static_cast<unsigned>(shared.size()));
      },
      on_read);
  mark_dirty(connection);  // our SETTINGS
}

void run(Loop* loop) {
  uv_loop_init(&loop->loop);
  loop->wake.data = loop;
  uv_check_init(&loop->loop, &loop->after_poll);
  loop->after_poll.data = loop;
  uv_check_start(&loop->after_poll, [](uv_check_t* check) {
    auto* self = static_cast<Loop*>(check->data);
    // Only close callbacks end a connection, and they come after this.
    for (Connection* connection : self->dirty) flush(connection);
    self->dirty.clear();
  });
}

}  // namespace

int main(int argc, char** argv) {
  const int port = argc > 1 ? std::atoi(argv[1]) : 0;
  const int threads = argc > 2 ? std::atoi(argv[2]) : 2;
  if (port <= 0 || port > 65535 || threads < 1 || threads > 64) {
    std::fprintf(stderr, "usage: echo_bare PORT [THREADS]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);

  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket", errno);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    fail("bind", errno);
  if (listen(listener, 1024) != 0) fail("listen", errno);

  std::vector<std::unique_ptr<Loop>> loops;
  for (int i = 0; i < threads; ++i) {
    Loop* loop = loops.emplace_back(std::make_unique<Loop>()).get();
    run(loop);
    uv_async_init(&loop->loop, &loop->wake, [](uv_async_t* wake) {
      auto* self = static_cast<Loop*>(wake->data);
      std::vector<int> arrived;
      {
        const std::lock_guard<std::mutex> lock(self->mutex);
        arrived.swap(self->arrived);
      }
      for (const int socket : arrived) adopt(self, socket);
    });
    std::thread([loop] { uv_run(&loop->loop, UV_RUN_DEFAULT); }).detach();
  }

  std::printf("echo_bare serves on 127.0.0.1:%d with %d threads\n", port, threads);
  std::fflush(stdout);
  for (size_t next = 0;; ++next) {
    const int accepted = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      fail("accept", errno);
    }
    Loop& loop = *loops[next % loops.size()];
    {
      const std::lock_guard<std::mutex> lock(loop.mutex);
      loop.arrived.push_back(accepted);
    }
    uv_async_send(&loop.wake);
  }
}

#include "common/loop/signals.h"

#include <memory>
#include <utility>

#include "common/loop/internals.h"

namespace gatehouse::loop {

struct SignalWatcher::Shared {
  UniqueFunction<void(int)> callback;
};

struct SignalWatcher::Handle {
  uv_signal_t signal;
  std::shared_ptr<Shared> shared;  // also keeps the callback through its own call
};

SignalWatcher::SignalWatcher(EventLoop& loop, const std::vector<int>& signals,
                             UniqueFunction<void(int)> callback) {
  const auto shared = std::make_shared<Shared>();
  shared->callback = std::move(callback);
  for (const int number : signals) {
    auto* handle = new Handle;
    handle->shared = shared;
    handle->signal.data = handle;
    check_uv(uv_signal_init(uv_loop_of(loop), &handle->signal), "uv_signal_init");
    check_uv(uv_signal_start(
                 &handle->signal,
                 [](uv_signal_t* signal, int signal_number) {
                   auto* self = static_cast<Handle*>(signal->data);
                   const std::shared_ptr<Shared> alive = self->shared;
                   alive->callback(signal_number);
                 },
                 number),
             "uv_signal_start");
    handles_.push_back(handle);
  }
}

SignalWatcher::~SignalWatcher() {
  for (Handle* handle : handles_) {
    uv_signal_stop(&handle->signal);
    handle->shared = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle->signal),
             [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
  }
}

}  // namespace gatehouse::loop

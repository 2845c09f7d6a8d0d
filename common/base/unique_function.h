// UniqueFunction<R(Args...)>: std::function that owns move-only captures. (std::move_only_function
// is C++23.)
//
// Callables of up to four words that move without throwing live inside the object; larger ones on
// the heap.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "common/base/check.h"

namespace gatehouse {

template <typename Signature>
class UniqueFunction;

template <typename R, typename... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() = default;
  UniqueFunction(std::nullptr_t) {}  // NOLINT: as std::function

  template <typename F>
  requires(!std::is_same_v<std::decay_t<F>, UniqueFunction> &&
           std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
      UniqueFunction(F&& callable) {  // NOLINT: as std::function
    using T = std::decay_t<F>;
    if constexpr (kFitsInside<T>) {
      ::new (static_cast<void*>(storage_)) T(std::forward<F>(callable));
      operations_ = &kInside<T>;
    } else {
      ::new (static_cast<void*>(storage_)) T*(new T(std::forward<F>(callable)));
      operations_ = &kOutside<T>;
    }
  }

  UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  UniqueFunction(const UniqueFunction&) = delete;
  UniqueFunction& operator=(const UniqueFunction&) = delete;
  ~UniqueFunction() { reset(); }

  explicit operator bool() const { return operations_ != nullptr; }

  R operator()(Args... args) {
    CHECK_MSG(operations_ != nullptr, "call of an empty UniqueFunction");
    return operations_->call(storage_, std::forward<Args>(args)...);
  }

 private:
  struct Operations {
    R (*call)(void*, Args&&...);
    void (*move)(void* to, void* from) noexcept;  // leaves `from` destroyed
    void (*destroy)(void*) noexcept;
  };

  static constexpr size_t kInsideBytes = 4 * sizeof(void*);

  template <typename T>
  static constexpr bool kFitsInside =
      sizeof(T) <= kInsideBytes &&
      alignof(T) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<T>;

  template <typename T>
  static constexpr Operations kInside = {
      [](void* self, Args&&... args) -> R {
        return static_cast<R>((*static_cast<T*>(self))(std::forward<Args>(args)...));
      },
      [](void* to, void* from) noexcept {
        ::new (to) T(std::move(*static_cast<T*>(from)));
        static_cast<T*>(from)->~T();
      },
      [](void* self) noexcept { static_cast<T*>(self)->~T(); },
  };

  template <typename T>
  static constexpr Operations kOutside = {
      [](void* self, Args&&... args) -> R {
        return static_cast<R>((**static_cast<T**>(self))(std::forward<Args>(args)...));
      },
      [](void* to, void* from) noexcept { ::new (to) T*(*static_cast<T**>(from)); },
      [](void* self) noexcept { delete *static_cast<T**>(self); },
  };

  void take(UniqueFunction& other) noexcept {
    operations_ = other.operations_;
    if (operations_ != nullptr) operations_->move(storage_, other.storage_);
    other.operations_ = nullptr;
  }

  void reset() noexcept {
    if (operations_ != nullptr) std::exchange(operations_, nullptr)->destroy(storage_);
  }

  alignas(std::max_align_t) std::byte storage_[kInsideBytes];
  const Operations* operations_ = nullptr;
};

}  // namespace gatehouse

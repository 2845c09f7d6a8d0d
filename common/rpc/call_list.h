// A doubly linked list through HttpCall::previous and next: calls leave it from anywhere, at no
// cost of memory.
#pragma once

#include <cstddef>

#include "common/rpc/http_call.h"

namespace gatehouse::rpc {

class CallList {
 public:
  void push_back(HttpCall& call) {
    call.previous = last_;
    call.next = nullptr;
    call.list = this;
    (last_ != nullptr ? last_->next : first_) = &call;
    last_ = &call;
    ++size_;
  }

  void remove(HttpCall& call) {
    (call.previous != nullptr ? call.previous->next : first_) = call.next;
    (call.next != nullptr ? call.next->previous : last_) = call.previous;
    call.previous = call.next = nullptr;
    call.list = nullptr;
    --size_;
  }

  HttpCall* first() const { return first_; }
  bool empty() const { return first_ == nullptr; }
  size_t size() const { return size_; }

 private:
  HttpCall* first_ = nullptr;
  HttpCall* last_ = nullptr;
  size_t size_ = 0;
};

}  // namespace gatehouse::rpc

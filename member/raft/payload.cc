#include "member/raft/payload.h"

#include <cstring>
#include <new>

namespace gatehouse::raft {

Payload::Payload(std::string_view bytes) {
  void* memory = ::operator new(sizeof(Block) + bytes.size());
  block_ = ::new (memory) Block{1, bytes.size()};
  if (!bytes.empty()) std::memcpy(static_cast<void*>(block_ + 1), bytes.data(), bytes.size());
}

void Payload::release() {
  if (block_ == nullptr) return;
  if (block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    block_->~Block();
    ::operator delete(block_);
  }
}

}  // namespace gatehouse::raft

// View: the tree of a commit and the buffers above it; what a reader sees.
#pragma once

#include <atomic>
#include <memory>
#include <string_view>

#include "member/backend/cursor.h"
#include "member/backend/image.h"
#include "member/backend/store.h"
#include "member/backend/write_buffer.h"

namespace gatehouse::backend {

// Replaced as a whole when a buffer is sealed and when a commit is done; never changes itself.
// The upper wins.
struct View {
  std::shared_ptr<const WriteBuffer> active;
  std::shared_ptr<const WriteBuffer> sealed;  // null: none is being committed
  std::shared_ptr<const TreeState> tree;
};

// Reads of a view at one moment of its active buffer. Immutable; any thread.
class ViewReader {
 public:
  ViewReader(std::shared_ptr<const View> view, Moment moment);

  bool get(Bucket bucket, std::string_view key, std::string_view& value) const;
  void scan(Bucket bucket, std::string_view begin, std::string_view end,
            const Reader::Visit& visit) const;

 private:
  std::shared_ptr<const View> view_;
  Moment active_;
  Moment sealed_;
};

class CountedReader final : public Reader {
 public:
  CountedReader(std::shared_ptr<const View> view, std::shared_ptr<std::atomic<size_t>> count);
  ~CountedReader() override { count_->fetch_sub(1, std::memory_order_relaxed); }

  bool get(Bucket bucket, std::string_view key, std::string_view& value) const override {
    return reader_.get(bucket, key, value);
  }
  void scan(Bucket bucket, std::string_view begin, std::string_view end,
            const Visit& visit) const override {
    reader_.scan(bucket, begin, end, visit);
  }

 private:
  const ViewReader reader_;
  const std::shared_ptr<std::atomic<size_t>> count_;
};

// All that a buffer says, as one commit's changes. Views into the buffer.
Batch batch_of(const WriteBuffer& buffer);

}  // namespace gatehouse::backend

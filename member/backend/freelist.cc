#include "member/backend/freelist.h"

#include <algorithm>

#include "common/base/check.h"

namespace gatehouse::backend {
namespace {

constexpr uint64_t kManyIds = 0xFFFF;  // from here on the number does not fit the header

}  // namespace

void Freelist::insert(PageId first, uint64_t length) {
  std::vector<PageId>& starts = by_length_[length];
  const bool added = by_start_.try_emplace(first, Run{length, starts.size()}).second;
  CHECK_MSG(added, "a page freed twice");
  by_end_[first + length - 1] = length;
  starts.push_back(first);
  free_pages_ += length;
}

void Freelist::erase(Runs::iterator run) {
  const PageId first = run->first;
  const auto [length, position] = run->second;
  const auto group = by_length_.find(length);
  std::vector<PageId>& starts = group->second;
  if (position + 1 != starts.size()) {
    starts[position] = starts.back();
    by_start_.find(starts[position])->second.position = position;
  }
  starts.pop_back();
  if (starts.empty()) by_length_.erase(group);
  by_end_.erase(first + length - 1);
  by_start_.erase(run);
  free_pages_ -= length;
}

PageId Freelist::allocate(uint64_t count) {
  const auto group = by_length_.lower_bound(count);
  if (group == by_length_.end()) return 0;
  const uint64_t length = group->first;
  const PageId first = group->second.back();
  erase(by_start_.find(first));
  if (length > count) insert(first + count, length - count);
  return first;
}

void Freelist::add(PageId first, uint64_t count) {
  CHECK(first >= 2 && count > 0);
  if (const auto before = by_end_.find(first - 1); before != by_end_.end()) {
    const uint64_t length = before->second;
    erase(by_start_.find(first - length));
    first -= length;
    count += length;
  }
  if (const auto after = by_start_.find(first + count); after != by_start_.end()) {
    count += after->second.length;
    erase(after);
  }
  insert(first, count);
}

void Freelist::add_pending(TxId txid, PageId first, uint64_t count) {
  pending_[txid].emplace_back(first, count);
  pending_pages_ += count;
}

void Freelist::release(TxId oldest) {
  while (!pending_.empty() && pending_.begin()->first <= oldest) {
    for (const auto& [first, count] : pending_.begin()->second) {
      add(first, count);
      pending_pages_ -= count;
    }
    pending_.erase(pending_.begin());
  }
}

std::vector<PageId> Freelist::all() const {
  std::vector<PageId> pages;
  pages.reserve(free_pages_ + pending_pages_);
  const auto append = [&pages](PageId first, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) pages.push_back(first + i);
  };
  for (const auto& [first, run] : by_start_) append(first, run.length);
  for (const auto& [txid, runs] : pending_) {
    for (const auto& [first, count] : runs) append(first, count);
  }
  std::sort(pages.begin(), pages.end());
  return pages;
}

uint64_t freelist_run_pages(uint64_t ids, size_t page_bytes) {
  const uint64_t words = ids >= kManyIds ? ids + 1 : ids;
  return (kHeaderBytes + 8 * words) / page_bytes + 1;
}

std::string encode_freelist(PageId id, const std::vector<PageId>& pages, size_t page_bytes,
                            uint64_t run_pages) {
  std::string bytes(run_pages * page_bytes, '\0');
  const bool many = pages.size() >= kManyIds;
  write_header(bytes.data(), id, kFreelistPage,
               static_cast<uint32_t>(many ? kManyIds : pages.size()),
               static_cast<uint32_t>(run_pages - 1));
  char* to = bytes.data() + kHeaderBytes;
  if (many) {
    store<uint64_t>(to, pages.size());
    to += 8;
  }
  for (PageId page : pages) {
    store<uint64_t>(to, page);
    to += 8;
  }
  CHECK(to <= bytes.data() + bytes.size());
  return bytes;
}

}  // namespace gatehouse::backend

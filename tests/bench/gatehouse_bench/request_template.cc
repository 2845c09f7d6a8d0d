#include "tests/bench/gatehouse_bench/request_template.h"

#include "common/base/check.h"
#include "common/codec/base64.h"

namespace gatehouse::bench {
namespace {

// Keys and values are made of ASCII, lengths and tags of single bytes: a run of these is a mark.
constexpr unsigned char kFirstMark = 0x80;
constexpr unsigned char kStampMark = 0xFF;

}  // namespace

std::string Marks::key(size_t which) const {
  CHECK(which <= kMaxOffset);
  return keys_.prefix + std::string(keys_.digits(), static_cast<char>(kFirstMark + which));
}

std::string Marks::stamp() { return std::string(kStampBytes, static_cast<char>(kStampMark)); }

RequestTemplate::RequestTemplate(std::string text, const Marks& marks,
                                 const std::vector<KeyHole>& holes, bool base64)
    : keys_(marks.keys()), base64_(base64), text_(std::move(text)) {
  for (const KeyHole& hole : holes) {
    const std::string mark =
        base64 ? codec::base64_encode(marks.key(hole.mark)) : marks.key(hole.mark);
    size_t found = 0;
    for (size_t at = text_.find(mark); at != std::string::npos; at = text_.find(mark, at + 1)) {
      key_holes_.push_back({at, hole.offset});
      ++found;
    }
    CHECK_MSG(found > 0, "a request template lacks a key");
  }
  const std::string stamp = Marks::stamp();
  for (size_t at = text_.find(stamp); at != std::string::npos; at = text_.find(stamp, at + 1)) {
    stamp_holes_.push_back(at);
  }
}

std::string_view RequestTemplate::fill(uint64_t key_number, uint64_t stamp) {
  for (const Hole& hole : key_holes_) {
    const uint64_t number = key_number + hole.offset;
    if (base64_) {
      const std::string key = codec::base64_encode(keys_.key(number));
      text_.replace(hole.position, key.size(), key);
    } else {
      write_digits(number, text_.data() + hole.position + keys_.prefix.size(), keys_.digits());
    }
  }
  for (const size_t position : stamp_holes_) {
    write_digits(stamp, text_.data() + position, Marks::kStampBytes);
  }
  return text_;
}

}  // namespace gatehouse::bench

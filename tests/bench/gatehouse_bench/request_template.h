// A request encoded once, with holes for what differs between requests: key digits and a time
// stamp. All holes have a fixed width, so that no length in the encoding ever changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/gatehouse_bench/key_space.h"

namespace gatehouse::bench {

// Texts of a key's or a stamp's width that appear in no other place of a request. The encoder puts
// them where the hole is to be; the template finds them.
class Marks {
 public:
  explicit Marks(const KeySpace& keys) : keys_(keys) {}

  static constexpr size_t kMaxOffset = 100;
  static constexpr size_t kStampBytes = 20;  // the largest uint64_t

  std::string key(size_t which) const;  // the which-th distinct key of the request
  static std::string stamp();

  const KeySpace& keys() const { return keys_; }

 private:
  KeySpace keys_;
};

class RequestTemplate {
 public:
  struct KeyHole {
    size_t mark;      // of Marks::key()
    uint64_t offset;  // added to the number the request is filled with
  };

  RequestTemplate() = default;
  // `text` holds every mark of `holes` at least once, as it is or, with `base64`, encoded; a stamp
  // is optional.
  RequestTemplate(std::string text, const Marks& marks, const std::vector<KeyHole>& holes,
                  bool base64);

  // The request for this key number. Valid until the next call.
  std::string_view fill(uint64_t key_number, uint64_t stamp = 0);

  size_t size() const { return text_.size(); }

 private:
  struct Hole {
    size_t position;
    uint64_t offset;
  };

  KeySpace keys_;
  bool base64_ = false;
  std::string text_;
  std::vector<Hole> key_holes_;
  std::vector<size_t> stamp_holes_;
};

}  // namespace gatehouse::bench

// Headers: an ordered list of fields, and the head of a request.
//
// All text of one list lives in one string: two allocations for a whole request, none once a list
// is reused. Names are lower case (HTTP/1 names are folded when they are read). Views returned are
// valid until the list changes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::http {

class Headers {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  Headers() = default;
  Headers(std::initializer_list<Field> fields) {
    for (const Field& field : fields) add(field.name, field.value);
  }

  void add(std::string_view name, std::string_view value);
  void clear() {
    text_.clear();
    spans_.clear();
  }

  // The first field of that name (lower case), or nothing.
  std::optional<std::string_view> get(std::string_view name) const;

  size_t size() const { return spans_.size(); }
  bool empty() const { return spans_.empty(); }
  Field operator[](size_t index) const {
    const Span& span = spans_[index];
    const char* text = text_.data() + span.offset;
    return {{text, span.name_bytes}, {text + span.name_bytes, span.value_bytes}};
  }

  class Iterator {
   public:
    Iterator(const Headers& headers, size_t index) : headers_(headers), index_(index) {}
    Field operator*() const { return headers_[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return index_ != other.index_; }

   private:
    const Headers& headers_;
    size_t index_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

 private:
  struct Span {
    uint32_t offset;
    uint32_t name_bytes;
    uint32_t value_bytes;
  };
  std::string text_;
  std::vector<Span> spans_;
};

struct RequestHead {
  std::string method;     // "GET", "POST", …
  std::string path;       // the request target with its query, as sent: "/v3/kv/range?x=1"
  std::string scheme;     // "http" or "https"
  std::string authority;  // HTTP/2 :authority or HTTP/1 Host
  Headers headers;        // without pseudo-headers
};

}  // namespace gatehouse::http

#include "common/transcode/strict_json.h"

#include <cstdint>
#include <vector>

#include "common/base/check.h"
#include "common/base/utf8.h"
#include "common/transcode/base64_text.h"
#include "common/transcode/integer_text.h"
#include "common/transcode/json_cursor.h"

namespace gatehouse::transcode {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// The contract's largest message has 13 fields: what was seen of an object fits one word.
constexpr int kMaxFields = 64;

const FieldDescriptor* find_field(const Descriptor& type, std::string_view name) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (name == field->name() || name == field->json_name()) return field;
  }
  return nullptr;
}

class StrictReader {
 public:
  explicit StrictReader(std::string_view text) : text_(text), cursor_(text) {}

  Result<std::string_view> read(const Descriptor& type, std::string& scratch) {
    if (cursor_.peek() != '{') {
      cursor_.fail("expected an object");
      return cursor_.status();
    }
    const size_t begin = cursor_.offset();
    if (!read_object(type, 0)) return cursor_.status();
    const size_t end = cursor_.offset();
    if (edits_.empty()) return text_.substr(begin, end - begin);

    scratch.clear();
    size_t copied = begin;
    for (const Edit& edit : edits_) {
      scratch.append(text_, copied, edit.begin - copied).append(edit.replacement);
      copied = edit.end;
    }
    scratch.append(text_, copied, end - copied);
    return std::string_view(scratch);
  }

 private:
  // Text to be replaced, in the order of the text.
  struct Edit {
    size_t begin;
    size_t end;
    std::string replacement;
  };

  bool read_object(const Descriptor& type, int depth) {
    CHECK_MSG(type.field_count() <= kMaxFields, type.full_name());
    if (!cursor_.check_depth(depth) || !cursor_.take('{')) return false;
    uint64_t fields_seen = 0;
    uint64_t oneofs_seen = 0;
    bool first = true;
    JsonString name;
    while (cursor_.next_member(first, name)) {
      const FieldDescriptor* field = find_field(type, name.text(name_scratch_));
      if (field == nullptr) {
        if (!skip_unknown(name, depth + 1)) return false;
        continue;
      }
      if (!mark(fields_seen, field->index())) return fail(*field, "given twice");
      if (cursor_.peek() == 'n') {  // null is absent
        if (!cursor_.read_literal("null")) return false;
        continue;
      }
      const auto* oneof = field->containing_oneof();
      if (oneof != nullptr && !mark(oneofs_seen, oneof->index())) {
        return fail(*field, "given beside another of " + oneof->name());
      }
      const bool fits =
          field->is_repeated() ? read_list(*field, depth + 1) : read_value(*field, depth + 1);
      if (!fits) return false;
    }
    return !cursor_.failed();
  }

  // An unknown field is ignored, but protobuf's parser minds an empty name and counts nesting
  // within it.
  bool skip_unknown(const JsonString& name, int depth) {
    if (name.raw.empty()) {
      const size_t begin = static_cast<size_t>(name.raw.data() - text_.data());
      edits_.push_back({begin, begin, "-"});  // no field is named so
    }
    const int next = cursor_.peek();
    const size_t begin = cursor_.offset();
    if (!cursor_.skip_value(depth)) return false;
    if (next != '{' && next != '[') return true;
    std::string_view rest = text_.substr(begin, cursor_.offset() - begin);
    while (!rest.empty()) {
      const size_t length = utf8_character_length(rest);
      if (length == 0) return cursor_.fail("text that is not UTF-8 before");
      rest.remove_prefix(length);
    }
    edits_.push_back({begin, cursor_.offset(), "null"});
    return true;
  }

  bool read_list(const FieldDescriptor& field, int depth) {
    if (cursor_.peek() != '[') return fail(field, "is a list");
    if (!cursor_.check_depth(depth) || !cursor_.take('[')) return false;
    bool first = true;
    while (cursor_.next_element(first)) {
      if (!read_value(field, depth + 1)) return false;
    }
    return !cursor_.failed();
  }

  bool read_value(const FieldDescriptor& field, int depth) {
    const int next = cursor_.peek();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (next != '{') return fail(field, "is an object");
        return read_object(*field.message_type(), depth);
      case FieldDescriptor::CPPTYPE_STRING: {
        if (next != '"') return fail(field, "is a string");
        if (field.type() == FieldDescriptor::TYPE_BYTES) return read_base64(field);
        JsonString ignored;
        return cursor_.read_string(ignored);
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        if (next != 't' && next != 'f') return fail(field, "is true or false");
        return cursor_.read_literal(next == 't' ? "true" : "false");
      case FieldDescriptor::CPPTYPE_ENUM:
        return next == '"' ? read_enum_name(field) : read_integer(field);
      case FieldDescriptor::CPPTYPE_INT32:
      case FieldDescriptor::CPPTYPE_INT64:
      case FieldDescriptor::CPPTYPE_UINT32:
      case FieldDescriptor::CPPTYPE_UINT64:
        return read_integer(field);
      case FieldDescriptor::CPPTYPE_FLOAT:
      case FieldDescriptor::CPPTYPE_DOUBLE:
        break;
    }
    check_failed("the contract has no such field", __FILE__, __LINE__, field.full_name());
  }

  bool read_base64(const FieldDescriptor& field) {
    const size_t begin = cursor_.offset();
    JsonString quoted;
    if (!cursor_.read_string(quoted)) return false;
    std::string scratch;
    std::string tidy;
    const Base64Text found = tidy_base64(quoted.text(scratch), tidy);
    if (found == Base64Text::kNoBase64) return fail(field, "is no base64");
    if (found == Base64Text::kRewritten) {
      edits_.push_back({begin, cursor_.offset(), '"' + tidy + '"'});
    }
    return true;
  }

  bool read_enum_name(const FieldDescriptor& field) {
    const size_t begin = cursor_.offset();
    JsonString name;
    if (!cursor_.read_string(name)) return false;
    std::string scratch;
    if (field.enum_type()->FindValueByName(std::string(name.text(scratch))) == nullptr) {
      // As if it were not there: protobuf's parser understands null so, in a list too.
      edits_.push_back({begin, cursor_.offset(), "null"});
    }
    return true;
  }

  bool read_integer(const FieldDescriptor& field) {
    const size_t begin = cursor_.offset();
    const int next = cursor_.peek();
    std::string_view number;
    std::string scratch;
    bool rewrite = false;
    if (next == '"') {
      JsonString quoted;
      if (!cursor_.read_string(quoted)) return false;
      number = quoted.text(scratch);
      rewrite = quoted.escaped;
    } else if (next == '-' || (next >= '0' && next <= '9')) {
      if (!cursor_.read_number(number)) return false;
    } else {
      return fail(field, "is a number");
    }
    const IntegerText integer = parse_integer(number);
    if (integer.kind == IntegerText::Kind::kNoInteger) return fail(field, "is no integer");
    if (integer.kind == IntegerText::Kind::kTooLarge || !in_range(integer, field.cpp_type())) {
      return fail(field, "is out of range");
    }
    if (rewrite || !integer.plain) {
      edits_.push_back({begin, cursor_.offset(),
                        (integer.negative ? "-" : "") + std::to_string(integer.magnitude)});
    }
    return true;
  }

  static bool in_range(const IntegerText& integer, FieldDescriptor::CppType type) {
    constexpr uint64_t kInt32Max = INT32_MAX;
    constexpr uint64_t kInt64Max = INT64_MAX;
    const uint64_t below_zero = integer.negative ? 1 : 0;
    switch (type) {
      case FieldDescriptor::CPPTYPE_INT32:
      case FieldDescriptor::CPPTYPE_ENUM:
        return integer.magnitude <= kInt32Max + below_zero;
      case FieldDescriptor::CPPTYPE_INT64:
        return integer.magnitude <= kInt64Max + below_zero;
      case FieldDescriptor::CPPTYPE_UINT32:
        return !integer.negative && integer.magnitude <= UINT32_MAX;
      default:
        return !integer.negative;
    }
  }

  // False when the bit was set already.
  static bool mark(uint64_t& seen, int index) {
    const uint64_t bit = uint64_t{1} << index;
    if ((seen & bit) != 0) return false;
    seen |= bit;
    return true;
  }

  bool fail(const FieldDescriptor& field, std::string_view what) {
    return cursor_.fail("field " + field.name() + " " + std::string(what));
  }

  std::string_view text_;
  JsonCursor cursor_;
  std::string name_scratch_;
  std::vector<Edit> edits_;
};

}  // namespace

Result<std::string_view> strict_json(const Descriptor& type, std::string_view text,
                                     std::string& scratch) {
  return StrictReader(text).read(type, scratch);
}

}  // namespace gatehouse::transcode

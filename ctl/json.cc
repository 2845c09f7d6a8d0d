#include "ctl/json.h"

#include "common/codec/base64.h"
#include "ctl/go_text.h"

namespace gatehouse::ctl {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

bool is_id(const FieldDescriptor& field) {
  return field.name() == "cluster_id" || field.name() == "member_id" || field.name() == "ID";
}

std::string bytes_or_text(const FieldDescriptor& field, const std::string& value) {
  if (field.type() == FieldDescriptor::TYPE_STRING) return json_quote(value);
  return '"' + codec::base64_encode(value) + '"';
}

// The i-th of a repeated field, or the field itself.
std::string value_of(const Message& message, const FieldDescriptor& field, int i, bool hex_ids) {
  const Reflection& reflection = *message.GetReflection();
  const bool many = field.is_repeated();
  std::string scratch;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return to_json(many ? reflection.GetRepeatedMessage(message, &field, i)
                          : reflection.GetMessage(message, &field),
                     hex_ids);
    case FieldDescriptor::CPPTYPE_STRING:
      return bytes_or_text(
          field, many ? reflection.GetRepeatedStringReference(message, &field, i, &scratch)
                      : reflection.GetStringReference(message, &field, &scratch));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return std::to_string(reflection.GetEnumValue(message, &field));
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(reflection.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return std::to_string(reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64: {
      const uint64_t number = reflection.GetUInt64(message, &field);
      return hex_ids && is_id(field) ? '"' + hex(number) + '"' : std::to_string(number);
    }
    default:  // the contract has no floating point
      return "null";
  }
}

}  // namespace

std::string to_json(const Message& message, bool hex_ids) {
  const Reflection& reflection = *message.GetReflection();
  JsonObject object;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    if (field.is_repeated()) {
      const int count = reflection.FieldSize(message, &field);
      std::string list;
      for (int j = 0; j < count; ++j) {
        if (j > 0) list += ',';
        list += value_of(message, field, j, hex_ids);
      }
      if (count > 0) object.raw(field.name(), '[' + list + ']');
    } else if (reflection.HasField(message, &field)) {
      const std::string value = value_of(message, field, 0, hex_ids);
      // Go has an interface for the oneof, which becomes an object around its one member.
      if (const OneofDescriptor* oneof = field.real_containing_oneof()) {
        std::string wrapper = oneof->name();
        wrapper[0] = static_cast<char>(wrapper[0] - 'a' + 'A');
        object.raw(wrapper, JsonObject().raw(field.name(), value).finish());
      } else {
        object.raw(field.name(), value);
      }
    }
  }
  return object.finish();
}

void JsonObject::name(std::string_view name) {
  if (text_.size() > 1) text_ += ',';
  text_ += json_quote(name) + ':';
}
JsonObject& JsonObject::raw(std::string_view key, std::string_view json) {
  name(key);
  text_ += json;
  return *this;
}
JsonObject& JsonObject::text(std::string_view key, std::string_view value) {
  return raw(key, json_quote(value));
}
JsonObject& JsonObject::number(std::string_view key, int64_t value) {
  return raw(key, std::to_string(value));
}
JsonObject& JsonObject::unsigned_number(std::string_view key, uint64_t value) {
  return raw(key, std::to_string(value));
}
JsonObject& JsonObject::boolean(std::string_view key, bool value) {
  return raw(key, value ? "true" : "false");
}
JsonObject& JsonObject::members_of(std::string_view object) {
  const std::string_view members = object.substr(1, object.size() - 2);
  if (members.empty()) return *this;
  if (text_.size() > 1) text_ += ',';
  text_ += members;
  return *this;
}

}  // namespace gatehouse::ctl

#include "common/transcode/transcoder.h"

#include <google/protobuf/arena.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/json_util.h>

#include <climits>

#include "common/transcode/strict_json.h"
#include "common/transcode/type_cache.h"

namespace gatehouse::transcode {
namespace {

using google::protobuf::Arena;
using google::protobuf::Message;
namespace util = google::protobuf::util;

constexpr size_t kArenaBytes = 4096;  // a small answer needs no allocation

util::JsonParseOptions parse_options() {
  util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return options;
}

util::JsonPrintOptions print_options() {
  util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  return options;
}

std::string message_of(const util::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

// Decodes and encodes again. What comes out is well formed, has each single field once and no
// unknown ones; protobuf's JSON writer takes a torn message for a whole one and prints a repeated
// field twice.
Result<std::string> canonical(const Message& type, std::string_view bytes) {
  alignas(std::max_align_t) char block[kArenaBytes];
  google::protobuf::ArenaOptions options;
  options.initial_block = block;
  options.initial_block_size = sizeof(block);
  Arena arena(options);
  Message* message = type.New(&arena);
  // protobuf writes a line to standard error for a string that is not UTF-8; we return one.
  const google::protobuf::LogSilencer silence;
  if (bytes.size() > INT_MAX ||
      !message->ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return internal_error("no valid " + type.GetDescriptor()->full_name() +
                          ": malformed, or a string in it is not UTF-8");
  }
  message->DiscardUnknownFields();
  return message->SerializePartialAsString();
}

}  // namespace

Transcoder::Transcoder(size_t max_json_bytes)
    : max_json_bytes_(max_json_bytes), types_(std::make_unique<TypeCache>()) {}

Transcoder::~Transcoder() = default;

Result<std::string> Transcoder::json_to_proto(const Message& type, std::string_view json) const {
  static const util::JsonParseOptions options = parse_options();
  if (json.size() > max_json_bytes_) {
    return resource_exhausted("JSON of " + std::to_string(json.size()) + " bytes, more than " +
                              std::to_string(max_json_bytes_));
  }
  if (json.find_first_not_of(" \t\r\n") == std::string_view::npos) return std::string();

  std::string scratch;
  const auto value = strict_json(*type.GetDescriptor(), json, scratch);
  if (!value.ok()) return value.status();
  std::string bytes;
  const util::Status status =
      util::JsonToBinaryString(types_.get(), type_url(*type.GetDescriptor()),
                               {value->data(), value->size()}, &bytes, options);
  if (!status.ok()) return invalid_argument("JSON: " + message_of(status));
  return bytes;
}

Status Transcoder::proto_to_json(const Message& type, std::string_view bytes,
                                 std::string& out) const {
  static const util::JsonPrintOptions options = print_options();
  const auto message = canonical(type, bytes);
  if (!message.ok()) return message.status();
  google::protobuf::io::ArrayInputStream input(message->data(), static_cast<int>(message->size()));
  const size_t before = out.size();
  util::Status status;
  {
    google::protobuf::io::StringOutputStream output(&out);
    status = util::BinaryToJsonStream(types_.get(), type_url(*type.GetDescriptor()), &input,
                                      &output, options);
  }
  if (status.ok()) return Status();
  out.resize(before);
  return internal_error(type.GetDescriptor()->full_name() + " to JSON: " + message_of(status));
}

}  // namespace gatehouse::transcode

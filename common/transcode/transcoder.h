// JSON text to protobuf bytes and back, as etcd 3.7's gateway maps them (protobuf's JSON mapping
// with proto names, defaults left out, unknown fields and unknown enum names ignored, no white
// space).
//
//   Result<const Route*> route = RouteTable::instance().find("POST", path);
//   Result<std::string> request = transcoder.json_to_proto(**route, body);
//   … unary call of (*route)->grpc_path with *request, answer in `bytes` …
//   std::string json;
//   Status status = transcoder.proto_to_json(**route, bytes, json);
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/status.h"
#include "common/transcode/limits.h"
#include "common/transcode/route_table.h"

namespace gatehouse::transcode {

class TypeCache;

// Immutable after construction: one instance serves any number of threads.
class Transcoder {
 public:
  explicit Transcoder(size_t max_json_bytes = kDefaultMaxJsonBytes);
  ~Transcoder();
  Transcoder(const Transcoder&) = delete;
  Transcoder& operator=(const Transcoder&) = delete;

  // The first JSON value of `json` as a message of the route's request type; bytes after it are
  // ignored; nothing but white space is the empty message. InvalidArgument, with the place, when it
  // is no JSON object or does not fit the message; ResourceExhausted beyond the bounds of limits.h.
  Result<std::string> json_to_proto(const Route& route, std::string_view json) const {
    return json_to_proto(*route.request, json);
  }
  Result<std::string> json_to_proto(const google::protobuf::Message& type,
                                    std::string_view json) const;

  // Appends the route's response message in `bytes` to `out` as one line of JSON without a line
  // feed. Internal when the bytes are no such message or a string in them is not UTF-8; `out` is
  // then as it was.
  Status proto_to_json(const Route& route, std::string_view bytes, std::string& out) const {
    return proto_to_json(*route.response, bytes, out);
  }
  Status proto_to_json(const google::protobuf::Message& type, std::string_view bytes,
                       std::string& out) const;

 private:
  const size_t max_json_bytes_;
  const std::unique_ptr<TypeCache> types_;
};

}  // namespace gatehouse::transcode

// Short forms for the transcoding tests.
#pragma once

#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "common/transcode/transcoder.h"

namespace gatehouse::transcode {

inline const Transcoder& transcoder() {
  static const Transcoder instance;
  return instance;
}

// What the JSON means as a message M, in protobuf's one-line text form; or the error.
template <typename M>
std::string read(std::string_view json) {
  const auto bytes = transcoder().json_to_proto(M::default_instance(), json);
  if (!bytes.ok()) return bytes.status().to_string();
  M message;
  EXPECT_TRUE(message.ParseFromString(*bytes)) << json;
  return message.ShortDebugString();
}

template <typename M>
StatusCode read_code(std::string_view json) {
  return transcoder().json_to_proto(M::default_instance(), json).status().code();
}

inline std::string print(const google::protobuf::Message& message) {
  std::string json;
  const Status status = transcoder().proto_to_json(message, message.SerializeAsString(), json);
  return status.ok() ? json : status.to_string();
}

inline const Route& route(std::string_view path) {
  return *RouteTable::instance().find("POST", path).value();
}

}  // namespace gatehouse::transcode

// Descriptions of the route table's messages in the form protobuf's JSON code asks for.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/type.pb.h>
#include <google/protobuf/util/type_resolver.h>

#include <memory>
#include <string>
#include <unordered_map>

namespace gatehouse::transcode {

// "type.googleapis.com/<full name>", by which protobuf's JSON code names a type.
std::string type_url(const google::protobuf::Descriptor& type);

// protobuf builds a type's description anew for each conversion, a third of the time of a small
// one. This holds them ready for every message that routes reach; others are built when asked for.
// Immutable after construction; any thread.
class TypeCache : public google::protobuf::util::TypeResolver {
 public:
  TypeCache();

  google::protobuf::util::Status ResolveMessageType(const std::string& url,
                                                    google::protobuf::Type* type) override;
  google::protobuf::util::Status ResolveEnumType(const std::string& url,
                                                 google::protobuf::Enum* type) override;

 private:
  void add(const google::protobuf::Descriptor& type);

  std::unique_ptr<google::protobuf::util::TypeResolver> builder_;
  std::unordered_map<std::string, google::protobuf::Type> messages_;
  std::unordered_map<std::string, google::protobuf::Enum> enums_;
};

}  // namespace gatehouse::transcode

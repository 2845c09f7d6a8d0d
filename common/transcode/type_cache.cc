#include "common/transcode/type_cache.h"

#include <google/protobuf/util/type_resolver_util.h>

#include "common/base/check.h"
#include "common/transcode/route_table.h"

namespace gatehouse::transcode {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;

namespace {
constexpr char kUrlPrefix[] = "type.googleapis.com";
}  // namespace

std::string type_url(const Descriptor& type) {
  return std::string(kUrlPrefix) + "/" + type.full_name();
}

TypeCache::TypeCache()
    : builder_(google::protobuf::util::NewTypeResolverForDescriptorPool(
          kUrlPrefix, DescriptorPool::generated_pool())) {
  for (const Route& route : RouteTable::instance().routes()) {
    add(*route.request->GetDescriptor());
    add(*route.response->GetDescriptor());
  }
}

void TypeCache::add(const Descriptor& type) {
  const auto [entry, fresh] = messages_.try_emplace(type_url(type));
  if (!fresh) return;
  CHECK(builder_->ResolveMessageType(entry->first, &entry->second).ok());
  entry->second.clear_source_context();  // not read by the JSON code, but copied at each use
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.message_type() != nullptr) add(*field.message_type());
    if (field.enum_type() != nullptr) {
      const std::string url = std::string(kUrlPrefix) + "/" + field.enum_type()->full_name();
      const auto [enum_entry, enum_fresh] = enums_.try_emplace(url);
      if (enum_fresh) CHECK(builder_->ResolveEnumType(url, &enum_entry->second).ok());
    }
  }
}

google::protobuf::util::Status TypeCache::ResolveMessageType(const std::string& url,
                                                             google::protobuf::Type* type) {
  const auto found = messages_.find(url);
  if (found == messages_.end()) return builder_->ResolveMessageType(url, type);
  *type = found->second;
  return {};
}

google::protobuf::util::Status TypeCache::ResolveEnumType(const std::string& url,
                                                          google::protobuf::Enum* type) {
  const auto found = enums_.find(url);
  if (found == enums_.end()) return builder_->ResolveEnumType(url, type);
  *type = found->second;
  return {};
}

}  // namespace gatehouse::transcode

// No text ends the process, and a message survives the way to JSON and back.
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <random>

#include "common/transcode/json_splitter.h"
#include "tests/common/transcode/transcode_testing.h"

namespace gatehouse::transcode {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

class Random {
 public:
  Random() : seed_(std::random_device{}()), engine_(seed_) {}
  std::string note() const { return "seed " + std::to_string(seed_); }
  uint64_t below(uint64_t bound) { return engine_() % bound; }
  uint64_t number() { return engine_() >> below(64); }
  std::string bytes(size_t most) {
    std::string out(below(most + 1), '\0');
    for (char& c : out) c = static_cast<char>(engine_());
    return out;
  }

 private:
  unsigned seed_;
  std::mt19937_64 engine_;
};

void fill(Message& message, Random& random, int depth);

void fill_field(Message& message, const FieldDescriptor* field, Random& random, int depth) {
  const auto* r = message.GetReflection();
  const bool many = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64: {
      const auto value = static_cast<int64_t>(random.number());
      return many ? r->AddInt64(&message, field, value) : r->SetInt64(&message, field, value);
    }
    case FieldDescriptor::CPPTYPE_UINT64:
      return many ? r->AddUInt64(&message, field, random.number())
                  : r->SetUInt64(&message, field, random.number());
    case FieldDescriptor::CPPTYPE_UINT32: {
      const auto value = static_cast<uint32_t>(random.number());
      return many ? r->AddUInt32(&message, field, value) : r->SetUInt32(&message, field, value);
    }
    case FieldDescriptor::CPPTYPE_INT32: {
      const auto value = static_cast<int32_t>(random.number());
      return many ? r->AddInt32(&message, field, value) : r->SetInt32(&message, field, value);
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return many ? r->AddBool(&message, field, true) : r->SetBool(&message, field, true);
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int value = static_cast<int>(random.below(6));
      return many ? r->AddEnumValue(&message, field, value)
                  : r->SetEnumValue(&message, field, value);
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string value = random.bytes(12);
      if (field->type() == FieldDescriptor::TYPE_STRING) {
        for (char& c : value) c &= 0x7F;
        if (random.below(2) == 0) value += "\xe2\x82\xac\xf0\x9f\x98\x80";
      }
      return many ? r->AddString(&message, field, value) : r->SetString(&message, field, value);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (depth > 5) return;
      return fill(*(many ? r->AddMessage(&message, field) : r->MutableMessage(&message, field)),
                  random, depth + 1);
    default:
      FAIL() << field->full_name();
  }
}

void fill(Message& message, Random& random, int depth) {
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    for (uint64_t n = random.below(field->is_repeated() ? 4 : 2); n > 0; --n)
      fill_field(message, field, random, depth);
  }
}

TEST(RandomJson, MessagesOfEveryRouteSurviveTheRoundTrip) {
  Random random;
  SCOPED_TRACE(random.note());
  for (int round = 0; round < 20; ++round) {
    for (const Route& r : RouteTable::instance().routes()) {
      for (const Message* type : {r.request, r.response}) {
        const std::unique_ptr<Message> message(type->New());
        fill(*message, random, 0);
        const std::string json = print(*message);
        const auto bytes = transcoder().json_to_proto(*type, json);
        ASSERT_TRUE(bytes.ok()) << bytes.status().to_string() << " " << json;
        const std::unique_ptr<Message> back(type->New());
        ASSERT_TRUE(back->ParseFromString(*bytes)) << json;
        ASSERT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*message, *back)) << json;
      }
    }
  }
}

TEST(RandomJson, TextMutatedInAnyByteIsReadOrRefused) {
  Random random;
  SCOPED_TRACE(random.note());
  constexpr std::string_view kLikely = "{}[]\",:\\0123456789.eE+-tfnu /\n\xff\xc3";
  int read = 0;
  int refused = 0;
  for (int round = 0; round < 30; ++round) {
    for (const Route& r : RouteTable::instance().routes()) {
      const std::unique_ptr<Message> message(r.request->New());
      fill(*message, random, 2);
      std::string json = print(*message);
      for (uint64_t n = 1 + random.below(3); n > 0; --n) {
        const size_t at = random.below(json.size());
        const char c = kLikely[random.below(kLikely.size())];
        switch (random.below(3)) {
          case 0:
            json[at] = c;
            break;
          case 1:
            json.insert(at, 1, c);
            break;
          default:
            json.erase(at, 1 + random.below(4));
            if (json.empty()) json = "{";
        }
      }
      const auto bytes = transcoder().json_to_proto(r, json);
      if (!bytes.ok()) {
        ++refused;
        ASSERT_EQ(bytes.status().code(), StatusCode::kInvalidArgument) << json;
        continue;
      }
      ++read;
      ASSERT_TRUE(message->ParseFromString(*bytes)) << json;
    }
  }
  EXPECT_GT(read, 0);
  EXPECT_GT(refused, 0);
}

TEST(RandomJson, BytesAreReadOrRefused) {
  Random random;
  SCOPED_TRACE(random.note());
  for (int round = 0; round < 3000; ++round) {
    const auto& routes = RouteTable::instance().routes();
    const Route& r = routes[random.below(routes.size())];
    const std::string bytes = (random.below(2) == 0 ? "{" : "") + random.bytes(40);
    static_cast<void>(transcoder().json_to_proto(r, bytes));
    std::string json;
    if (transcoder().proto_to_json(r, bytes, json).ok()) {
      ASSERT_TRUE(transcoder().json_to_proto(*r.response, json).ok()) << json;
    }
    JsonSplitter splitter(30);
    std::string_view input = bytes;
    std::string value;
    for (;;) {
      const auto more = splitter.next(input, value);
      if (!more.ok() || !*more) break;
    }
  }
}

}  // namespace
}  // namespace gatehouse::transcode

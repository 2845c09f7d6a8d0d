// Where a command's result goes, and in which format.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/exit.h"
#include "ctl/go_text.h"
#include "proto/rpc.pb.h"

namespace gatehouse::ctl {

enum class Format : uint8_t { kSimple, kFields, kJson, kProtobuf, kTable };

// "unsupported output format", bad feature.
Exit parse_format(std::string_view name, Format& format);

class Output {
 public:
  Format format = Format::kSimple;
  bool hex = false;  // --hex

  // Standard output, buffered until the end or flush().
  void write(std::string_view bytes);
  void line(std::string_view text = {});
  void flush();

  // A key or a value: as it is, or as hex escapes.
  std::string shown(std::string_view bytes) const {
    return hex ? hex_escapes(bytes) : std::string(bytes);
  }

  // The format `fields`: `"Name" : value`.
  void field(std::string_view name, std::string_view value);
  void field(std::string_view name, int64_t value) { field(name, std::to_string(value)); }
  void field(std::string_view name, uint64_t value) { field(name, std::to_string(value)); }
  void flag_field(std::string_view name, bool value) { field(name, value ? "true" : "false"); }
  void text_field(std::string_view name, std::string_view value) { field(name, go_quote(value)); }
  void id_field(std::string_view name, uint64_t id);
  void lease_field(std::string_view name, int64_t id);
  void header_fields(const etcdserverpb::ResponseHeader& header);
};

// How a response looks. `json` and `protobuf` are the message itself unless said otherwise; formats
// without a function are refused, kExitBadFeature.
struct Look {
  std::function<void(Output&)> simple;
  std::function<void(Output&)> fields = {};
  std::function<void(Output&)> table = {};
  std::function<std::string()> json = {};
  bool hex_ids = false;  // in json, too, --hex prints ids so
  bool protobuf = true;
};
Exit emit(Output& output, const google::protobuf::Message& message, const Look& look);

// "fields not supported as output format".
Exit unsupported(Format format);

// A table of box-drawing lines: headers in capitals, centred; cells to the right.
std::string draw_table(const std::vector<std::string>& header,
                       const std::vector<std::vector<std::string>>& rows);

}  // namespace gatehouse::ctl

#include "ctl/output.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "ctl/json.h"

namespace gatehouse::ctl {
namespace {

constexpr std::array<std::string_view, 5> kFormats = {"simple", "fields", "json", "protobuf",
                                                      "table"};

// Columns on a terminal: one for each character, which is near enough for names and addresses.
size_t width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string border(const std::vector<size_t>& widths, std::string_view left,
                   std::string_view middle, std::string_view right) {
  std::string line(left);
  for (size_t i = 0; i < widths.size(); ++i) {
    if (i > 0) line += middle;
    for (size_t j = 0; j < widths[i] + 2; ++j) line += "─";
  }
  return line + std::string(right) + "\n";
}

std::string capitals(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

}  // namespace

Exit parse_format(std::string_view name, Format& format) {
  const auto* found = std::find(kFormats.begin(), kFormats.end(), name);
  if (found == kFormats.end()) return bad_feature("unsupported output format");
  format = static_cast<Format>(found - kFormats.begin());
  return {};
}

Exit unsupported(Format format) {
  return bad_feature(std::string(kFormats[static_cast<size_t>(format)]) +
                     " not supported as output format");
}

void Output::write(std::string_view bytes) { std::fwrite(bytes.data(), 1, bytes.size(), stdout); }
void Output::line(std::string_view text) {
  write(text);
  write("\n");
}
void Output::flush() { std::fflush(stdout); }

void Output::field(std::string_view name, std::string_view value) {
  line("\"" + std::string(name) + "\" : " + std::string(value));
}
void Output::id_field(std::string_view name, uint64_t id) {
  field(name, hex ? ctl::hex(id) : std::to_string(id));
}
void Output::lease_field(std::string_view name, int64_t id) {
  field(name, hex ? hex16(static_cast<uint64_t>(id)) : std::to_string(id));
}
void Output::header_fields(const etcdserverpb::ResponseHeader& header) {
  id_field("ClusterID", header.cluster_id());
  id_field("MemberID", header.member_id());
  if (header.revision() > 0) field("Revision", header.revision());
  field("RaftTerm", header.raft_term());
}

Exit emit(Output& output, const google::protobuf::Message& message, const Look& look) {
  switch (output.format) {
    case Format::kSimple:
      look.simple(output);
      return {};
    case Format::kFields:
      if (!look.fields) return unsupported(output.format);
      look.fields(output);
      return {};
    case Format::kTable:
      if (!look.table) return unsupported(output.format);
      look.table(output);
      return {};
    case Format::kJson:
      output.line(look.json ? look.json() : to_json(message, look.hex_ids && output.hex));
      return {};
    case Format::kProtobuf:
      if (!look.protobuf) return unsupported(output.format);
      output.write(message.SerializeAsString());
      return {};
  }
  return {};
}

std::string draw_table(const std::vector<std::string>& header,
                       const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const std::string& name : header) widths.push_back(width(name));
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text = border(widths, "┌", "┬", "┐");
  for (size_t i = 0; i < header.size(); ++i) {
    const size_t spare = widths[i] - width(header[i]);
    text += "│ " + std::string(spare / 2, ' ') + capitals(header[i]) +
            std::string(spare - spare / 2, ' ') + ' ';
  }
  text += "│\n" + border(widths, "├", "┼", "┤");
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += "│ " + std::string(widths[i] - width(row[i]), ' ') + row[i] + ' ';
    }
    text += "│\n";
  }
  return text + border(widths, "└", "┴", "┘");
}

}  // namespace gatehouse::ctl

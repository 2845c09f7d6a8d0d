#include "member/wal/segment.h"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>

namespace gatehouse::wal {
namespace {

constexpr size_t kDigits = 16;

std::optional<uint64_t> parse_hex(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The run of segments at the end of `names` from position `first` on.
Result<std::vector<SegmentName>> without_gap(const std::string& directory,
                                             std::vector<SegmentName> names, size_t first) {
  names.erase(names.begin(), names.begin() + static_cast<ptrdiff_t>(first));
  for (size_t i = 1; i < names.size(); ++i) {
    if (names[i].sequence == names[i - 1].sequence + 1) continue;
    return Status(StatusCode::kDataLoss, env::join_path(directory, to_string(names[i])) +
                                             ": does not follow " + to_string(names[i - 1]));
  }
  return names;
}

}  // namespace

std::string to_string(const SegmentName& name) {
  char text[2 * kDigits + 8];
  std::snprintf(text, sizeof text, "%016" PRIx64 "-%016" PRIx64 ".wal", name.sequence,
                name.first_index);
  return text;
}

std::optional<SegmentName> parse_segment_name(std::string_view name) {
  if (name.size() != 2 * kDigits + 1 + kSegmentSuffix.size() || name[kDigits] != '-' ||
      !name.ends_with(kSegmentSuffix)) {
    return std::nullopt;
  }
  const auto sequence = parse_hex(name.substr(0, kDigits));
  const auto first_index = parse_hex(name.substr(kDigits + 1, kDigits));
  if (!sequence || !first_index) return std::nullopt;
  const SegmentName parsed{*sequence, *first_index};
  if (to_string(parsed) != name) return std::nullopt;  // capital letters
  return parsed;
}

Result<std::vector<SegmentName>> list_segments(env::FileSystem& files,
                                               const std::string& directory) {
  Result<std::vector<env::DirectoryEntry>> entries = files.list(directory);
  GATEHOUSE_RETURN_IF_ERROR(entries.status());
  std::vector<SegmentName> names;
  for (const env::DirectoryEntry& entry : *entries) {
    if (const auto name = parse_segment_name(entry.name)) names.push_back(*name);
  }
  std::sort(names.begin(), names.end(), [](const SegmentName& a, const SegmentName& b) {
    return a.sequence != b.sequence ? a.sequence < b.sequence : a.first_index < b.first_index;
  });
  return names;
}

Result<std::vector<SegmentName>> segments_from(env::FileSystem& files, const std::string& directory,
                                               std::optional<uint64_t> index) {
  Result<std::vector<SegmentName>> names = list_segments(files, directory);
  GATEHOUSE_RETURN_IF_ERROR(names.status());
  if (names->empty()) return not_found(directory + ": no segment of a log");
  size_t first = index ? names->size() : 0;
  for (size_t i = 0; index && i < names->size(); ++i) {
    if ((*names)[i].first_index <= *index) first = i;
  }
  if (first == names->size()) {
    return not_found(directory + ": no segment that begins at index " + std::to_string(*index) +
                     " or before");
  }
  return without_gap(directory, *std::move(names), first);
}

}  // namespace gatehouse::wal

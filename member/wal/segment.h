// The files of a log: their names, and which of them a start needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/env/file_system.h"

namespace gatehouse::wal {

struct SegmentName {
  uint64_t sequence = 0;
  uint64_t first_index = 0;  // of the first entry that may be in it

  friend bool operator==(const SegmentName&, const SegmentName&) = default;
};

inline constexpr std::string_view kSegmentSuffix = ".wal";

std::string to_string(const SegmentName& name);  // "0000000000000000-0000000000000000.wal"
std::optional<SegmentName> parse_segment_name(std::string_view name);

// In the order of their sequence numbers. Other files are not looked at. NotFound: no directory.
Result<std::vector<SegmentName>> list_segments(env::FileSystem& files,
                                               const std::string& directory);

// Those that a start at `index` reads, all when there is none. NotFound: no segment is there, or
// none is old enough. DataLoss: one is missing between.
Result<std::vector<SegmentName>> segments_from(env::FileSystem& files, const std::string& directory,
                                               std::optional<uint64_t> index);

}  // namespace gatehouse::wal

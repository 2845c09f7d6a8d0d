// Reading and writing the few small files this room deals with. Private to this room.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace gatehouse::tls {

// The largest certificate, key or revocation file that is read: a path that names something else by
// mistake (a device, a database) is refused before it fills the memory. A list of half a million
// revoked certificates is 20 MiB.
inline constexpr size_t kMaxFileBytes = 64u << 20;

// The whole file. Errors: "tls: <option> <path>: no such file or directory".
Result<std::string> read_file(std::string_view option, const std::string& path);

// Overwrites a string that held a private key.
void wipe(std::string& secret);

// Writes `<path>.tmp` with `mode`, syncs it and renames it to `path`: readers see the old file or
// the new one.
Status write_file(const std::string& path, std::string_view bytes, unsigned mode);

}  // namespace gatehouse::tls

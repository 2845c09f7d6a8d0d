#include "ctl/database_file.h"

#include <array>
#include <string_view>

#include "common/codec/sha256.h"
#include "ctl/progress.h"

namespace gatehouse::ctl {
namespace {

constexpr uint64_t kHashBytes = 32;
constexpr uint64_t kSectorBytes = 512;  // a database is a multiple of it
constexpr size_t kPieceBytes = 1 << 20;

std::string byte_list(std::string_view bytes) {
  std::string list;
  for (const char c : bytes) {
    list += (list.empty() ? "" : " ") + std::to_string(static_cast<unsigned char>(c));
  }
  return "[" + list + "]";
}

}  // namespace

Status copy_database(env::FileSystem& files, const std::string& from, const std::string& to,
                     bool check_hash) {
  Result<std::unique_ptr<env::File>> source = files.open(from, env::OpenMode::kRead);
  if (source.status().code() == StatusCode::kNotFound) {
    return not_found("open " + from + ": no such file or directory");
  }
  GATEHOUSE_RETURN_IF_ERROR(source.status());
  const Result<uint64_t> size = (*source)->size();
  GATEHOUSE_RETURN_IF_ERROR(size.status());
  const bool hashed = *size % kSectorBytes == kHashBytes;
  if (check_hash && !hashed) {
    return Status(StatusCode::kFailedPrecondition,
                  "snapshot missing hash but --skip-hash-check=false");
  }
  const uint64_t bytes = hashed ? *size - kHashBytes : *size;
  Result<std::unique_ptr<env::File>> copy = files.open(to, env::OpenMode::kCreateExclusive);
  GATEHOUSE_RETURN_IF_ERROR(copy.status());
  ProgressBar bar("copying the database", bytes, "bytes");
  codec::Sha256 hash;
  std::string piece(kPieceBytes, '\0');
  for (uint64_t at = 0; at < bytes;) {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(kPieceBytes, bytes - at));
    const Result<size_t> read =
        (*source)->read_at(at, std::as_writable_bytes(std::span(piece.data(), wanted)));
    GATEHOUSE_RETURN_IF_ERROR(read.status());
    if (*read == 0) return Status(StatusCode::kDataLoss, from + ": became shorter");
    const std::string_view part(piece.data(), *read);
    hash.update(part);
    GATEHOUSE_RETURN_IF_ERROR((*copy)->write_at(at, part));
    at += *read;
    bar.set(at);
  }
  if (check_hash) {
    std::string wanted(kHashBytes, '\0');
    const Result<size_t> read =
        (*source)->read_at(bytes, std::as_writable_bytes(std::span(wanted)));
    GATEHOUSE_RETURN_IF_ERROR(read.status());
    const auto digest = hash.finish();
    const std::string got(digest.begin(), digest.end());
    if (got != wanted) {
      return Status(StatusCode::kDataLoss,
                    "expected sha256 " + byte_list(wanted) + ", got " + byte_list(got));
    }
  }
  return (*copy)->sync_data();
}

}  // namespace gatehouse::ctl

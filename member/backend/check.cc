#include "member/backend/store.h"
#include "member/backend/validate.h"

namespace gatehouse::backend {

Result<std::vector<std::string>> check_file(env::FileSystem& files, const std::string& path,
                                            size_t limit) {
  Result<std::unique_ptr<env::File>> file = files.open(path, env::OpenMode::kRead);
  GATEHOUSE_RETURN_IF_ERROR(file.status());
  const Result<Meta> meta = read_meta(**file);
  GATEHOUSE_RETURN_IF_ERROR(meta.status());
  const Result<uint64_t> size = (*file)->size();
  GATEHOUSE_RETURN_IF_ERROR(size.status());
  Result<std::shared_ptr<env::Mapping>> mapping = map_file(**file, *size, 0);
  GATEHOUSE_RETURN_IF_ERROR(mapping.status());
  const Image image{std::move(*file), std::move(*mapping), meta->page_bytes};
  std::vector<bool> reached;
  Problems problems(path, limit);
  validate(image, *meta, Rules::kFormat, reached, problems);
  return problems.found();
}

}  // namespace gatehouse::backend

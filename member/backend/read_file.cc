#include "member/backend/read_file.h"

#include <atomic>

#include "member/backend/store.h"
#include "member/backend/view.h"

namespace gatehouse::backend {

Result<FileContents> read_file(env::FileSystem& files, const std::string& path) {
  Result<std::unique_ptr<env::File>> file = files.open(path, env::OpenMode::kRead);
  GATEHOUSE_RETURN_IF_ERROR(file.status());
  Result<std::unique_ptr<Store>> store = Store::open(std::move(*file), {.initial_map_bytes = 0});
  GATEHOUSE_RETURN_IF_ERROR(store.status());
  const std::shared_ptr<const TreeState> tree = (*store)->state();
  // The state keeps the mapped pages; the store is for commits.
  auto view = std::make_shared<View>(View{std::make_shared<WriteBuffer>(), nullptr, tree});
  return FileContents{
      std::make_unique<CountedReader>(std::move(view), std::make_shared<std::atomic<size_t>>(0)),
      tree->meta().high_water * tree->meta().page_bytes};
}

}  // namespace gatehouse::backend

#include "member/backend/store.h"

#include <algorithm>
#include <chrono>
#include <bit>

#include "common/base/check.h"
#include "member/backend/validate.h"

namespace gatehouse::backend {
namespace {

constexpr uint64_t kGrowBytes = 16 << 20;  // beyond what is needed, so that few commits extend

}  // namespace

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<std::shared_ptr<env::Mapping>> map_file(const env::File& file, uint64_t bytes,
                                               size_t initial) {
  constexpr uint64_t kSmallest = 32 << 10;
  constexpr uint64_t kStep = uint64_t{1} << 30;
  uint64_t size = std::bit_ceil(std::max(bytes, kSmallest));
  if (size > kStep) size = (bytes + kStep - 1) / kStep * kStep;
  Result<std::unique_ptr<env::Mapping>> mapping = file.map(std::max<uint64_t>(size, initial));
  GATEHOUSE_RETURN_IF_ERROR(mapping.status());
  return std::shared_ptr<env::Mapping>(std::move(*mapping));
}

std::string new_file_bytes() {
  constexpr PageId kFreelist = 2;
  constexpr PageId kRoot = 3;
  constexpr uint64_t kPages = 4;
  std::string bytes(kPages * kDefaultPageBytes, '\0');
  for (PageId id = 0; id < 2; ++id) {
    char* page = bytes.data() + id * kDefaultPageBytes;
    write_header(page, id, kMetaPage, 0, 0);
    encode_meta({kDefaultPageBytes, kRoot, kFreelist, kPages, id}, page + kHeaderBytes);
  }
  write_header(bytes.data() + kFreelist * kDefaultPageBytes, kFreelist, kFreelistPage, 0, 0);
  write_header(bytes.data() + kRoot * kDefaultPageBytes, kRoot, kLeafPage, 0, 0);
  return bytes;
}

Status fill_new_file(env::File& file, bool no_sync) {
  GATEHOUSE_RETURN_IF_ERROR(file.truncate(0));
  GATEHOUSE_RETURN_IF_ERROR(file.write_at(0, new_file_bytes()));
  return no_sync ? Status() : file.sync_data();
}

Status create_file(env::FileSystem& files, const std::string& path, bool no_sync) {
  const std::string temporary = path + ".tmp.new";
  Result<std::unique_ptr<env::File>> file = files.open(temporary, env::OpenMode::kCreate);
  GATEHOUSE_RETURN_IF_ERROR(file.status());
  // Two processes that start at once: the second finds the file made, under either name.
  const Status locked = (*file)->try_lock(env::File::LockKind::kFlock);
  if (!locked.ok()) return locked.code() == StatusCode::kFailedPrecondition ? Status() : locked;
  const Result<bool> made = files.exists(path);
  GATEHOUSE_RETURN_IF_ERROR(made.status());
  if (*made) return Status();
  GATEHOUSE_RETURN_IF_ERROR(fill_new_file(**file, no_sync));
  GATEHOUSE_RETURN_IF_ERROR(files.rename(temporary, path));
  return no_sync ? Status() : files.sync_directory(directory_of(path));
}

Result<std::unique_ptr<Store>> Store::open(std::unique_ptr<env::File> file,
                                           const StoreOptions& options) {
  const Result<Meta> meta = read_meta(*file);
  GATEHOUSE_RETURN_IF_ERROR(meta.status());
  const Result<uint64_t> size = file->size();
  GATEHOUSE_RETURN_IF_ERROR(size.status());
  Image image;
  image.page_bytes = meta->page_bytes;
  Result<std::shared_ptr<env::Mapping>> mapping = map_file(*file, *size, options.initial_map_bytes);
  GATEHOUSE_RETURN_IF_ERROR(mapping.status());
  image.mapping = std::move(*mapping);
  image.file = std::move(file);

  std::vector<bool> reached;
  Problems problems(image.file->path());
  validate(image, *meta, Rules::kMember, reached, problems);
  GATEHOUSE_RETURN_IF_ERROR(problems.first());

  std::unique_ptr<Store> store(new Store(image, options));
  store->file_bytes_ = *size;
  // Found by the walk, whether or not the file has a list: the list of a file that was damaged or
  // written by others is not to be trusted with what may be overwritten.
  for (PageId id = 2; id < meta->high_water;) {
    if (reached[id]) {
      ++id;
      continue;
    }
    const PageId first = id;
    while (id < meta->high_water && !reached[id]) ++id;
    store->freelist_.add(first, id - first);
  }
  store->state_ = std::make_shared<TreeState>(std::move(image), *meta, store->live_);
  return store;
}

Status Store::make_buckets() {
  for (size_t i = 0; i < kBucketCount; ++i) {
    if (!state_->bucket(static_cast<Bucket>(i)).exists) return commit({});
  }
  return Status();
}

void Store::update_trees(const Batch& batch, TreeUpdate& update, Meta& meta) {
  std::vector<Change> roots;
  for (size_t i = 0; i < kBucketCount; ++i) {
    const auto bucket = static_cast<Bucket>(i);
    const BucketRoot& root = state_->bucket(bucket);
    if (batch[i].empty() && root.exists) continue;
    const double fill = bucket == Bucket::kKey ? kAppendFill : kFill;
    const std::string_view value = update.update_bucket(root, batch[i], fill);
    roots.push_back({bucket_name(bucket), value, false, kPairIsBucket});
  }
  std::sort(roots.begin(), roots.end(),
            [](const Change& a, const Change& b) { return a.key < b.key; });
  meta.root = update.update_root(meta.root, roots);
}

// The pages of the freelist run, or nothing when it is not persisted.
std::string Store::update_freelist(TreeUpdate& update, Meta& meta) {
  if (meta.freelist != kNoFreelist) {
    update.free_run(meta.freelist, uint64_t{image_.page(meta.freelist).overflow()} + 1);
  }
  for (const auto& [first, pages] : update.freed()) freelist_.add_pending(meta.txid, first, pages);
  meta.freelist = kNoFreelist;
  if (!options_.persist_freelist) return {};
  const uint64_t pages =
      freelist_run_pages(freelist_.free_pages() + freelist_.pending_pages(), image_.page_bytes);
  meta.freelist = update.allocate(pages);
  return encode_freelist(meta.freelist, freelist_.all(), image_.page_bytes, pages);
}

Status Store::commit(const Batch& batch) {
  Meta meta = state_->meta();
  // A page freed by commit T is used by states below T.
  freelist_.release(live_->oldest(meta.txid));
  ++meta.txid;
  const auto start = std::chrono::steady_clock::now();
  TreeUpdate update(image_, freelist_, meta.high_water);
  update_trees(batch, update, meta);
  std::string freelist = update_freelist(update, meta);
  const auto spilled = std::chrono::steady_clock::now();
  GATEHOUSE_RETURN_IF_ERROR(write(update, std::move(freelist), meta));
  times_.spill = spilled - start;
  times_.write = std::chrono::steady_clock::now() - spilled;

  if (meta.high_water * image_.page_bytes > image_.mapping->size()) {
    Result<std::shared_ptr<env::Mapping>> mapping =
        map_file(*image_.file, std::max(file_bytes_, 2 * image_.mapping->size()), 0);
    GATEHOUSE_RETURN_IF_ERROR(mapping.status());
    image_.mapping = std::move(*mapping);
  }
  state_ = std::make_shared<TreeState>(image_, meta, live_);
  return Status();
}

Status Store::grow(PageId high_water) {
  const uint64_t needed = (high_water + 1) * image_.page_bytes;
  if (needed <= file_bytes_) return Status();
  GATEHOUSE_RETURN_IF_ERROR(image_.file->truncate(needed + kGrowBytes));
  file_bytes_ = needed + kGrowBytes;
  return Status();
}

Status Store::write(TreeUpdate& update, std::string freelist, const Meta& meta) {
  GATEHOUSE_RETURN_IF_ERROR(grow(meta.high_water));
  std::vector<DirtyRun>& runs = update.dirty();
  if (!freelist.empty()) runs.push_back({meta.freelist, freelist});
  std::sort(runs.begin(), runs.end(),
            [](const DirtyRun& a, const DirtyRun& b) { return a.first < b.first; });
  // Neighbouring runs go down in one write.
  std::vector<std::string_view> pieces;
  for (size_t i = 0; i < runs.size();) {
    const PageId first = runs[i].first;
    PageId next = first;
    pieces.clear();
    for (; i < runs.size() && runs[i].first == next; ++i) {
      pieces.push_back(runs[i].bytes);
      next += runs[i].bytes.size() / image_.page_bytes;
    }
    GATEHOUSE_RETURN_IF_ERROR(image_.file->write_pieces_at(first * image_.page_bytes, pieces));
  }
  GATEHOUSE_RETURN_IF_ERROR(sync());

  std::string page(image_.page_bytes, '\0');
  const PageId id = meta.txid % 2;
  write_header(page.data(), id, kMetaPage, 0, 0);
  encode_meta(meta, page.data() + kHeaderBytes);
  GATEHOUSE_RETURN_IF_ERROR(image_.file->write_at(id * image_.page_bytes, page));
  return sync();
}

Status Store::sync() { return options_.no_sync ? Status() : image_.file->sync_data(); }

}  // namespace gatehouse::backend

#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/descriptor.h"

namespace hearth {

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::filesystem::path& path,
                                                           MappedUse use) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail_errno("open", path, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail_errno("examine", path, errno);
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorCode::kInvalidArgument, path.string() + " is not a regular file");
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  void* data = nullptr;
  if (size > 0) {
    data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (data == MAP_FAILED) return fail_errno("map", path, errno);
    // Where the file system can, what is read from now on comes in large pages: gigabytes that are
    // walked through again and again otherwise miss the TLB at every 4 KB. Only a wish.
    if (use == MappedUse::kWhole) ::madvise(data, size, MADV_HUGEPAGE);
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(static_cast<const char*>(data), size));
}

void MappedFile::forget(std::size_t offset, std::size_t size) const {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t first = (offset + page - 1) / page * page;
  // The last page of the file is filled, whatever its size.
  const std::size_t end = offset + size == size_ ? size_ : (offset + size) / page * page;
  if (first < end) ::madvise(const_cast<char*>(data_) + first, end - first, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (size_ > 0) ::munmap(const_cast<char*>(data_), size_);
}

}  // namespace hearth

// Open safetensors files, and their values as floats.
#include "onnx/safetensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/descriptor.h"
#include "onnx/half.h"

namespace hearth::onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "the format's numbers are little-endian");

/// Elements converted at once: the buffer stays in the cache of one core.
constexpr std::size_t kChunkElements = std::size_t{1} << 15;

float from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// "[5, 7]": where element `index` of a tensor stands.
std::string place_of(const SafeTensor& tensor, std::int64_t index) {
  std::string text;
  for (std::size_t i = tensor.shape.size(); i-- > 0;) {
    const std::string number = std::to_string(index % tensor.shape[i]);
    text = text.empty() ? number : std::string(number).append(", ").append(text);
    index /= tensor.shape[i];
  }
  return "[" + text + "]";
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  // A pipe would be waited for before it is known to be one.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return fail_errno("open", path, errno);
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return fail(ErrorCode::kInvalidArgument, path.string() + " is not a regular file");
  }
  SafetensorsFile file(fd, path, static_cast<std::uint64_t>(info.st_size));
  std::string head(std::min<std::uint64_t>(8, file.file_bytes_), '\0');
  HEARTH_TRY_VOID(file.read_at(0, std::as_writable_bytes(std::span(head))));
  HEARTH_TRY(const std::uint64_t head_bytes,
             safetensors_head_bytes(head, file.file_bytes_, path.string()));
  head.resize(head_bytes);
  HEARTH_TRY_VOID(file.read_at(0, std::as_writable_bytes(std::span(head))));
  HEARTH_TRY(file.header_, parse_safetensors_head(head, file.file_bytes_, path.string()));
  return file;
}

SafetensorsFile::SafetensorsFile(SafetensorsFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      file_bytes_(other.file_bytes_),
      header_(std::move(other.header_)) {}

SafetensorsFile::~SafetensorsFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> SafetensorsFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t n = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read", path_, errno);
    if (n == 0) {
      return fail(ErrorCode::kCorrupt, path_.string() + " has become shorter while it was read");
    }
    out = out.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> SafetensorsFile::check_readable(const SafeTensor& tensor) const {
  if (tensor.type == "F32" || tensor.type == "F16" || tensor.type == "BF16") return {};
  return fail(ErrorCode::kUnsupported,
              path_.string() + ": '" + tensor.name + "' is " + describe_shape(tensor) +
                  "; F32, F16 and BF16 can be read: convert the model, or take the release that "
                  "was not quantised");
}

Result<void> SafetensorsFile::read_floats(const SafeTensor& tensor, std::int64_t first,
                                          std::span<float> out) const {
  HEARTH_TRY_VOID(check_readable(tensor));
  HEARTH_CHECK(first >= 0 && first + std::ssize(out) <= tensor.elements());
  const auto begin = static_cast<std::uint64_t>(first);
  if (tensor.type == "F32") {
    HEARTH_TRY_VOID(
        read_at(tensor.begin + begin * sizeof(float), std::as_writable_bytes(std::span(out))));
  } else {
    const bool brain = tensor.type == "BF16";
    std::vector<std::uint16_t> chunk(std::min(kChunkElements, out.size()));
    for (std::size_t at = 0; at < out.size(); at += chunk.size()) {
      chunk.resize(std::min(chunk.size(), out.size() - at));
      HEARTH_TRY_VOID(read_at(tensor.begin + (begin + at) * sizeof(std::uint16_t),
                              std::as_writable_bytes(std::span(chunk))));
      std::transform(chunk.begin(), chunk.end(), out.begin() + static_cast<std::ptrdiff_t>(at),
                     brain ? from_bfloat16 : from_half);
    }
  }
  const auto bad =
      std::find_if(out.begin(), out.end(), [](float value) { return !std::isfinite(value); });
  if (bad != out.end()) {
    return fail(ErrorCode::kCorrupt, path_.string() + ": '" + tensor.name + "' holds " +
                                         (std::isnan(*bad) ? "a NaN" : "an infinity") + " at " +
                                         place_of(tensor, first + (bad - out.begin())));
  }
  return {};
}

}  // namespace hearth::onnx

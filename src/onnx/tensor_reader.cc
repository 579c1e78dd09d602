#include "onnx/tensor_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/check.h"
#include "onnx/external_data.h"
#include "onnx/half.h"

namespace hearth::onnx {
namespace {

using ::onnx::TensorProto;

tl::unexpected<Error> fail_errno(const std::string& what, const std::string& path) {
  return fail(ErrorCode::kIo,
              "cannot " + what + " " + path + ": " + std::generic_category().message(errno));
}

Result<void> read_at(int descriptor, const std::string& path, std::uint64_t offset,
                     std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t n = ::pread(descriptor, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read", path);
    if (n == 0) {
      return fail(ErrorCode::kCorrupt, path + " ended at byte " + std::to_string(offset) +
                                           " while it was read; was it changed?");
    }
    out = out.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

}  // namespace

Result<TensorReader> TensorReader::open(const ::onnx::ModelProto& model,
                                        const std::filesystem::path& folder) {
  TensorReader reader;
  HEARTH_TRY(const auto needs, data_file_needs(model));
  for (const auto& [name, bytes] : needs) {
    const std::string path = (folder / name).string();
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return fail_errno("open", path);
    reader.files_[name] = {descriptor, path};
  }
  return reader;
}

TensorReader::~TensorReader() {
  for (const auto& [name, file] : files_) ::close(file.descriptor);
}

Result<void> TensorReader::read_bytes(const TensorProto& tensor, std::uint64_t first,
                                      std::span<std::byte> out) const {
  if (is_external(tensor)) {
    HEARTH_TRY(const TensorLocation place, tensor_location(tensor));
    HEARTH_CHECK(first <= place.length && out.size() <= place.length - first);
    const auto file = files_.find(place.file);
    HEARTH_CHECK(file != files_.end());
    return read_at(file->second.descriptor, file->second.path, place.offset + first, out);
  }
  if (!tensor.has_raw_data()) {
    return fail(ErrorCode::kUnsupported,
                "the tensor '" + tensor.name() + "' has its data neither raw nor beside the model");
  }
  const std::string& raw = tensor.raw_data();
  HEARTH_CHECK(first <= raw.size() && out.size() <= raw.size() - first);
  std::memcpy(out.data(), raw.data() + first, out.size());
  return {};
}

Result<void> TensorReader::read_floats(const TensorProto& tensor, std::int64_t first,
                                       std::span<float> out) const {
  const auto start = static_cast<std::uint64_t>(first);
  if (tensor.data_type() == TensorProto::FLOAT) {
    return read_bytes(tensor, start * sizeof(float), std::as_writable_bytes(out));
  }
  HEARTH_CHECK(tensor.data_type() == TensorProto::FLOAT16);
  std::array<std::uint16_t, 4096> halves;
  for (std::size_t done = 0; done < out.size();) {
    const std::size_t count = std::min(halves.size(), out.size() - done);
    HEARTH_TRY_VOID(read_bytes(tensor, (start + done) * sizeof(std::uint16_t),
                               std::as_writable_bytes(std::span(halves).first(count))));
    std::transform(halves.begin(), halves.begin() + static_cast<std::ptrdiff_t>(count),
                   out.begin() + static_cast<std::ptrdiff_t>(done), from_half);
    done += count;
  }
  return {};
}

Result<void> TensorReader::read_columns(const TensorProto& tensor, std::int64_t first,
                                        std::int64_t count, std::span<float> out) const {
  HEARTH_CHECK(tensor.dims_size() == 2 && std::ssize(out) == tensor.dims(0) * count);
  const std::int64_t columns = tensor.dims(1);
  if (count == columns) return read_floats(tensor, 0, out);
  for (std::int64_t row = 0; row < tensor.dims(0); ++row) {
    HEARTH_TRY_VOID(read_floats(
        tensor, row * columns + first,
        out.subspan(static_cast<std::size_t>(row * count), static_cast<std::size_t>(count))));
  }
  return {};
}

}  // namespace hearth::onnx

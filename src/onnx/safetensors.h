// The safetensors format: what a file's header says, checked before anything believes it.
//
//   bytes 0-7      N, the length of the header, little-endian
//   bytes 8-8+N    a JSON object: {"NAME": {"dtype": "BF16", "shape": [2, 3], "data_offsets":
//                  [BEGIN, END]}, ..., "__metadata__": {"KEY": "TEXT", ...}}; spaces may follow it
//   the rest       the tensors' bytes, row-major, little-endian; offsets count from here
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::onnx {

/// The format's own limit on N.
inline constexpr std::uint64_t kSafetensorsHeaderBytesMax = 100'000'000;

/// One tensor of a file. Its bytes are [begin, end) of the file.
struct SafeTensor {
  std::string name;
  std::string type;  ///< as the file spells it: "BF16"
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  /// Product of the shape; a checked header's never overflows.
  std::int64_t elements() const;
};

/// "BF16[2, 3]".
std::string describe_shape(const SafeTensor& tensor);

/// A header that kept every rule: names are unique; types are the format's; no dimension is
/// negative; begin <= end; a tensor has exactly the bytes that its type and shape need; and the
/// tensors fill the file from the header to its end, without a hole and without sharing a byte.
struct SafetensorsHeader {
  std::vector<SafeTensor> tensors;  ///< in the order of their bytes
  std::map<std::string, std::string> metadata;
};

/// Bytes of a file's head, 8 + N, from its first 8 bytes. kCorrupt, naming `source`, when N is
/// beyond the limit or the file, or `start` is shorter than 8 bytes.
Result<std::uint64_t> safetensors_head_bytes(std::string_view start, std::uint64_t file_bytes,
                                             std::string_view source);

/// Reads a file's head: its first safetensors_head_bytes(). kCorrupt, naming `source`, the tensor
/// and the key, for whatever breaks a rule above.
Result<SafetensorsHeader> parse_safetensors_head(std::string_view head, std::uint64_t file_bytes,
                                                 std::string_view source);

/// An open file whose header was checked. Reads nothing ahead and keeps no data, so memory does not
/// grow with the file. Any thread may read.
class SafetensorsFile {
 public:
  /// kNotFound, kIo, or kCorrupt as parse_safetensors_head() says it.
  static Result<SafetensorsFile> open(const std::filesystem::path& path);

  SafetensorsFile(SafetensorsFile&& other) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) = delete;
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;
  ~SafetensorsFile();

  const std::filesystem::path& path() const { return path_; }
  const SafetensorsHeader& header() const { return header_; }
  std::uint64_t file_bytes() const { return file_bytes_; }

  /// kUnsupported, naming file and tensor, unless the type is one of F32, F16 and BF16.
  Result<void> check_readable(const SafeTensor& tensor) const;

  /// Elements [first, first + out.size()) of a tensor of this file as floats; exact, since every
  /// readable type's values are floats. kCorrupt when the file has become shorter since it was
  /// opened, and, naming the element, for a NaN or an infinity.
  Result<void> read_floats(const SafeTensor& tensor, std::int64_t first,
                           std::span<float> out) const;

 private:
  SafetensorsFile(int fd, std::filesystem::path path, std::uint64_t file_bytes)
      : fd_(fd), path_(std::move(path)), file_bytes_(file_bytes) {}

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const;

  int fd_;
  std::filesystem::path path_;
  std::uint64_t file_bytes_;
  SafetensorsHeader header_;
};

}  // namespace hearth::onnx

// A file of known size that several threads fill in at once. Internal to the builder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "base/result.h"

namespace hearth::onnx {

/// Owns the descriptor. write_at may be called from several threads for ranges that do not overlap.
class DataFile {
 public:
  /// Creates `path` with `size_bytes` zero bytes, reserved on disk where the file system can, so
  /// that a full disk shows now (kResourceExhausted) and not after minutes.
  static Result<DataFile> create(const std::filesystem::path& path, std::uint64_t size_bytes);

  DataFile(DataFile&& other) noexcept;
  DataFile& operator=(DataFile&&) = delete;
  DataFile(const DataFile&) = delete;
  DataFile& operator=(const DataFile&) = delete;
  ~DataFile();

  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) const;

  /// Waits until everything is on the disk.
  Result<void> sync() const;

 private:
  DataFile(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}

  int fd_;
  std::filesystem::path path_;
};

}  // namespace hearth::onnx

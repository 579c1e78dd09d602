// Safetensors files for tests, written by hand from the format's description.
#pragma once

#include <bit>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "onnx/test_models.h"

namespace hearth::onnx::testing {

/// A file's bytes: the length, the header as it is given, the data.
inline std::string safetensors_bytes(const std::string& header, const std::string& data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) {
    bytes += static_cast<char>(static_cast<std::uint64_t>(header.size()) >> (8 * i) & 0xff);
  }
  return bytes + header + data;
}

/// Collects tensors of one file in the order in which they are added.
class SafetensorsMaker {
 public:
  void add_f32(const std::string& name, const std::vector<std::int64_t>& shape,
               const std::vector<float>& values) {
    std::string bytes;
    for (const float value : values) append(bytes, std::bit_cast<std::uint32_t>(value), 4);
    add(name, "F32", shape, bytes);
  }

  /// F16 or BF16 from the elements' bits.
  void add_16(const std::string& name, const std::string& type,
              const std::vector<std::int64_t>& shape, const std::vector<std::uint16_t>& bits) {
    std::string bytes;
    for (const std::uint16_t value : bits) append(bytes, value, 2);
    add(name, type, shape, bytes);
  }

  void add(const std::string& name, const std::string& type, const std::vector<std::int64_t>& shape,
           const std::string& bytes) {
    header_[name] = {{"dtype", type},
                     {"shape", shape},
                     {"data_offsets", {data_.size(), data_.size() + bytes.size()}}};
    data_ += bytes;
  }

  std::string bytes() const { return safetensors_bytes(header_.dump(), data_); }
  void write(const std::filesystem::path& path) const { write_text(path, bytes()); }

 private:
  static void append(std::string& bytes, std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  }

  nlohmann::ordered_json header_ = nlohmann::ordered_json::object();
  std::string data_;
};

}  // namespace hearth::onnx::testing

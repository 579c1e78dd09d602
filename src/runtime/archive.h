// Values to bytes and back. A type is described once, by a function fields(archive, value) that
// hands all its members to the archive; the same description writes and reads. Values are not const
// for that reason only: writing changes none.
#pragma once

#include <google/protobuf/message_lite.h>

#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace hearth::runtime {

template <class T>
concept ArchivedNumber = std::is_arithmetic_v<T>;

template <class T>
concept ArchivedMessage = std::derived_from<T, google::protobuf::MessageLite>;

/// Numbers are written bit for bit as they lie in memory: for this kind of machine only.
class ArchiveWriter {
 public:
  template <class... T>
  void operator()(T&... values) {
    (put(values), ...);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  template <ArchivedNumber T>
  void put(T& value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put(std::string& value) {
    put_size(value.size());
    bytes_ += value;
  }
  template <ArchivedMessage T>
  void put(T& value) {
    std::string bytes = value.SerializeAsString();
    put(bytes);
  }
  template <class T>
  void put(std::optional<T>& value) {
    bool there = value.has_value();
    put(there);
    if (there) put(*value);
  }
  template <class T>
  void put(std::vector<T>& values) {
    put_size(values.size());
    for (T& value : values) put(value);
  }
  template <class T>
  void put(std::map<std::string, T>& values) {
    put_size(values.size());
    for (auto& [key, value] : values) {
      std::string name = key;
      put(name);
      put(value);
    }
  }
  template <class T>
  void put(T& value) {
    fields(*this, value);
  }
  void put_size(std::uint64_t size) { put(size); }

  std::string bytes_;
};

/// Reads what an ArchiveWriter wrote. Bytes that end too early, or sizes beyond them, make it fail:
/// from then on values keep what they were.
class ArchiveReader {
 public:
  explicit ArchiveReader(std::string_view bytes) : rest_(bytes) {}

  template <class... T>
  void operator()(T&... values) {
    (get(values), ...);
  }

  /// True when all values were there and nothing is left.
  bool complete() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view take(std::uint64_t size) {
    failed_ = failed_ || size > rest_.size();
    if (failed_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <ArchivedNumber T>
  void get(T& value) {
    const std::string_view bytes = take(sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
  }
  void get(bool& value) {
    std::uint8_t byte = 0;
    get(byte);
    value = byte != 0;
  }
  void get(std::string& value) { value = take(get_size()); }
  template <ArchivedMessage T>
  void get(T& value) {
    const std::string_view bytes = take(get_size());
    failed_ = failed_ || !value.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  }
  template <class T>
  void get(std::optional<T>& value) {
    bool there = false;
    get(there);
    if (there) get(value.emplace());
  }
  template <class T>
  void get(std::vector<T>& values) {
    values.clear();
    for (std::uint64_t left = get_size(); left > 0 && !failed_; --left) get(values.emplace_back());
  }
  template <class T>
  void get(std::map<std::string, T>& values) {
    values.clear();
    for (std::uint64_t left = get_size(); left > 0 && !failed_; --left) {
      std::string key;
      get(key);
      get(values[key]);
    }
  }
  template <class T>
  void get(T& value) {
    fields(*this, value);
  }
  std::uint64_t get_size() {
    std::uint64_t size = 0;
    get(size);
    return size;
  }

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace hearth::runtime

// Memory that vectors and tiles are loaded from.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

namespace ember {

// Elements aligned to a cache line, zero at first.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) : size_(size), data_(new (kAlignment) T[size]) { zero(); }

  void zero() { std::memset(data_.get(), 0, size_ * sizeof(T)); }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }

 private:
  static constexpr std::align_val_t kAlignment{4096};
  struct Free {
    void operator()(T* p) const { ::operator delete[](p, kAlignment); }
  };
  std::size_t size_ = 0;
  std::unique_ptr<T[], Free> data_;
};

}  // namespace ember

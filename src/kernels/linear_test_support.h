// Random quantised matrices as a MatMulNBits node holds them, and what they mean in double.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "kernels/linear.h"
#include "kernels/pack_linear.h"
#include "kernels/registry.h"

namespace hearth::kernels {

struct Shape {
  int n = 0;
  int k = 0;
  int bits = 4;
  int block_size = 32;
  bool zero_points = false;
  bool bias = false;
  bool farthest = false;  ///< weights as far from their zero points as they can be
};

inline std::string describe(const Shape& shape) {
  return "n=" + std::to_string(shape.n) + " k=" + std::to_string(shape.k) +
         " bits=" + std::to_string(shape.bits) + " block=" + std::to_string(shape.block_size) +
         (shape.zero_points ? " zero points" : "") + (shape.bias ? " bias" : "");
}

enum class Scales { kUsual, kAdversarial, kHuge, kTiny, kWide };

/// Owns the tensors, and the packed form of them.
class TestLinear {
 public:
  TestLinear(const Shape& shape, unsigned seed, Scales kind = Scales::kUsual) : shape_(shape) {
    std::mt19937 random(seed);
    blocks_ = (shape.k + shape.block_size - 1) / shape.block_size;
    const auto n = static_cast<std::size_t>(shape.n);
    const auto blocks = static_cast<std::size_t>(blocks_);
    const auto bits = static_cast<std::size_t>(shape.bits);
    const auto block_size = static_cast<std::size_t>(shape.block_size);
    weights_.resize(n * blocks * (block_size * bits / 8));
    for (auto& byte : weights_) byte = static_cast<std::uint8_t>(random());
    scales_.resize(n * blocks);
    for (auto& scale : scales_) scale = scale_of(kind, random);
    if (shape.zero_points) {
      zero_points_.resize(n * ((blocks * bits + 7) / 8));
      for (auto& byte : zero_points_) byte = static_cast<std::uint8_t>(random());
    }
    if (shape.farthest) set_farthest();
    if (shape.bias) {
      std::normal_distribution<float> normal;
      bias_.resize(n);
      for (auto& value : bias_) value = normal(random);
    }
    matrix_ = {weights_, scales_, zero_points_, bias_,
               shape.n,  shape.k, shape.bits,   shape.block_size};
    format_ = choose_format(matrix_).value();
    storage_.resize(packed_bytes(format_) + 2 * kAlignment);
    void* p = storage_.data();
    std::size_t space = storage_.size();
    packed_ = static_cast<std::uint8_t*>(std::align(kAlignment, packed_bytes(format_), p, space));
    pack_linear(matrix_, format_, {packed_, packed_bytes(format_)}, 1, 2);
    pack_linear(matrix_, format_, {packed_, packed_bytes(format_)}, 0, 2);
  }

  const Shape& shape() const { return shape_; }
  const LinearFormat& format() const { return format_; }
  const QuantisedMatrix& matrix() const { return matrix_; }
  PackedLinear packed() const { return view_packed(format_, packed_); }

  /// (q - zero point) * scale, from the tensors.
  double weight(int output, int k) const {
    const int block = k / shape_.block_size;
    const std::size_t at = place(output, blocks_, block);
    const int within = k % shape_.block_size;
    const std::size_t row = at * static_cast<std::size_t>(shape_.block_size * shape_.bits / 8);
    int q = 0;
    int zero = 1 << (shape_.bits - 1);
    if (shape_.bits == 8) {
      q = weights_[row + static_cast<std::size_t>(within)];
      if (shape_.zero_points) zero = zero_points_[at];
    } else {
      q = weights_[row + static_cast<std::size_t>(within / 2)] >> (within % 2 * 4) & 15;
      if (shape_.zero_points) {
        const int row_bytes = (blocks_ + 1) / 2;
        zero = zero_points_[place(output, row_bytes, block / 2)] >> (block % 2 * 4) & 15;
      }
    }
    return (q - zero) * static_cast<double>(scales_[at]);
  }
  double bias(int output) const {
    return bias_.empty() ? 0.0 : bias_[static_cast<std::size_t>(output)];
  }

 private:
  /// Above the zero points for even outputs, below them for odd ones.
  void set_farthest() {
    const std::size_t outputs = static_cast<std::size_t>(shape_.n);
    const auto fill = [&](std::vector<std::uint8_t>& bytes, bool high) {
      const std::size_t each = bytes.size() / outputs;
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = (i / each % 2 == 0) == high ? 0xff : 0x00;
      }
    };
    fill(weights_, true);
    fill(zero_points_, false);
  }

  static std::size_t place(int row, int columns, int column) {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) +
           static_cast<std::size_t>(column);
  }

  static float scale_of(Scales kind, std::mt19937& random) {
    std::uniform_real_distribution<float> usual(0.002F, 0.02F);
    const float sign = random() % 2 == 0 ? 1.0F : -1.0F;
    const float scale = sign * usual(random);
    switch (kind) {
      case Scales::kUsual:
        return scale;
      case Scales::kAdversarial:
        return random() % 5 == 0 ? 0.0F : std::ldexp(scale, -static_cast<int>(random() % 16));
      case Scales::kHuge:
        return std::ldexp(scale, 60);
      case Scales::kTiny:
        return std::ldexp(scale, -60);
      case Scales::kWide:
        return std::ldexp(scale, static_cast<int>(random() % 60) - 30);
    }
    return scale;
  }

  Shape shape_;
  int blocks_ = 0;
  std::vector<std::uint8_t> weights_;
  std::vector<float> scales_;
  std::vector<std::uint8_t> zero_points_;
  std::vector<float> bias_;
  QuantisedMatrix matrix_;
  LinearFormat format_;
  std::vector<std::uint8_t> storage_;
  std::uint8_t* packed_ = nullptr;
};

/// Rows of x, some of them with outliers.
inline std::vector<float> random_rows(int rows, int k, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<std::size_t>(rows) * static_cast<std::size_t>(k));
  for (auto& value : x) value = normal(random) * (random() % 100 == 0 ? 30.0F : 1.0F);
  return x;
}

struct RunOptions {
  int exact_rows = 0;
  int fast_rows = 0;
  int tasks = 1;
  bool share_as_they_come = false;  ///< tasks on threads, with LinearBatch::taken
  bool whole_lines = false;         ///< rows of y begin at multiples of 64 bytes meanwhile
  std::uint64_t* weight_bytes = nullptr;
  std::optional<RowNorm> norm = {};
};

/// Rows of y that begin at multiples of 64 bytes.
class AlignedRows {
 public:
  AlignedRows(int rows, std::int32_t width, float filling)
      : stride_((width + 16) / 16 * 16),
        storage_(static_cast<std::size_t>(rows) * static_cast<std::size_t>(stride_) + 16, filling) {
    void* p = storage_.data();
    std::size_t space = storage_.size() * sizeof(float);
    data_ = static_cast<float*>(std::align(64, space - 64, p, space));
  }

  float* data() const { return data_; }
  std::int64_t stride() const { return stride_; }
  /// The first columns of each row, as many as `to` has.
  void copy_to(std::vector<float>& to, std::size_t to_stride) const {
    for (std::size_t row = 0; row * to_stride < to.size(); ++row) {
      const float* from = data_ + static_cast<std::int64_t>(row) * stride_;
      std::copy_n(from, to_stride, to.begin() + static_cast<std::ptrdiff_t>(row * to_stride));
    }
  }

 private:
  std::int64_t stride_;
  std::vector<float> storage_;
  float* data_;
};

/// Runs a batch of linears over x; the outputs are [rows, n] one after the other, filled with NaN
/// beforehand and with a guard column behind each row.
inline std::vector<std::vector<float>> run_batch(Isa isa,
                                                 const std::vector<const TestLinear*>& linears,
                                                 const std::vector<float>& x,
                                                 const RunOptions& options) {
  const KernelSet& kernels = *kernels_for(isa).value();
  const int rows = options.exact_rows + options.fast_rows;
  const int k = linears.front()->shape().k;
  std::vector<std::vector<float>> outputs;
  constexpr float kUntouched = -12345.0F;
  std::vector<LinearCall> calls;
  std::vector<AlignedRows> aligned;
  for (const TestLinear* linear : linears) {
    const std::int32_t stride = linear->shape().n + 1;
    outputs.emplace_back(static_cast<std::size_t>(rows) * static_cast<std::size_t>(stride),
                         kUntouched);
    if (options.whole_lines) {
      aligned.emplace_back(rows, stride, kUntouched);
      calls.push_back({linear->packed(), aligned.back().data(), aligned.back().stride()});
    } else {
      calls.push_back({linear->packed(), outputs.back().data(), stride});
    }
  }
  std::vector<std::byte> storage(
      linear_workspace_bytes(kernels, k, options.exact_rows, options.fast_rows, options.tasks) +
      kAlignment);
  void* p = storage.data();
  std::size_t space = storage.size();
  LinearBatch batch;
  batch.kernels = &kernels;
  batch.x = x.data();
  batch.x_stride = k;
  batch.k = k;
  batch.exact_rows = options.exact_rows;
  batch.fast_rows = options.fast_rows;
  batch.calls = calls;
  batch.workspace =
      static_cast<std::byte*>(std::align(kAlignment, storage.size() - kAlignment, p, space));
  batch.weight_bytes = options.weight_bytes;
  batch.norm = options.norm;
  for (int task = options.tasks; task-- > 0;) prepare_rows(batch, task, options.tasks);
  if (options.share_as_they_come) {
    std::atomic<std::int64_t> taken = 0;
    batch.taken = &taken;
    std::vector<std::jthread> threads;
    for (int task = 0; task < options.tasks; ++task) {
      threads.emplace_back([&, task] { run_linears(batch, task, options.tasks); });
    }
  } else {
    for (int task = options.tasks; task-- > 0;) run_linears(batch, task, options.tasks);
  }
  for (std::size_t i = 0; i < aligned.size(); ++i) {
    aligned[i].copy_to(outputs[i], static_cast<std::size_t>(linears[i]->shape().n) + 1);
  }
  return outputs;
}

}  // namespace hearth::kernels

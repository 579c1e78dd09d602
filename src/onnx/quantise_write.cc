#include "onnx/quantise_write.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "base/check.h"
#include "onnx/data_file.h"
#include "onnx/gptq.h"
#include "onnx/half.h"
#include "onnx/kquant.h"
#include "onnx/model_file.h"
#include "onnx/piece_work.h"
#include "onnx/tensor_reader.h"

namespace hearth::onnx {
namespace {

using ::onnx::TensorProto;

/// Elements of one piece: 32 MB of floats. Rows of a piece are read as stretches, which should be
/// long for the disk's sake.
constexpr std::int64_t kPieceElements = std::int64_t{8} << 20;

/// Columns of the source (rows of the result) quantised together.
constexpr std::int64_t kTileColumns = 128;

/// Columns of one linear, or elements of one copy.
struct Piece {
  std::size_t job = 0;
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// What is added up over a linear's pieces.
struct Loss {
  double weight_error = 0;
  double weight_energy = 0;
  double output_error = 0;
  double output_energy = 0;

  void add(const Loss& other) {
    weight_error += other.weight_error;
    weight_energy += other.weight_energy;
    output_error += other.output_error;
    output_energy += other.output_energy;
  }
};

double relative(double error, double energy) {
  return energy > 0 ? std::sqrt(std::max(0.0, error) / energy) : 0.0;
}

std::vector<Piece> cut(std::size_t job, std::int64_t length, std::int64_t step,
                       std::vector<Piece> pieces) {
  for (std::int64_t first = 0; first < length; first += step) {
    pieces.push_back({job, first, std::min(step, length - first)});
  }
  return pieces;
}

std::int64_t columns_of_piece(const LinearJob& job) {
  return std::max<std::int64_t>(1, kPieceElements / job.k / kTileColumns) * kTileColumns;
}

template <class T>
std::span<const std::byte> as_bytes(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

std::uint64_t to_unsigned(std::int64_t value) { return static_cast<std::uint64_t>(value); }

/// [k, columns] -> [count, k], in squares that stay in the cache.
void transpose(std::span<const float> strip, std::int64_t k, std::int64_t columns,
               std::int64_t first, std::int64_t count, std::vector<float>& rows) {
  constexpr std::int64_t kSide = 16;
  rows.resize(static_cast<std::size_t>(count * k));
  for (std::int64_t i0 = 0; i0 < k; i0 += kSide) {
    for (std::int64_t c0 = 0; c0 < count; c0 += kSide) {
      for (std::int64_t c = c0; c < std::min(count, c0 + kSide); ++c) {
        const float* from = strip.data() + first + c;
        float* to = rows.data() + c * k;
        for (std::int64_t i = i0; i < std::min(k, i0 + kSide); ++i) to[i] = from[i * columns];
      }
    }
  }
}

/// Everything the workers share.
struct Run {
  const QuantisePlan& plan;
  const TensorReader& reader;
  const DataFile& file;
  std::map<std::string, InputMoments> moments;  ///< of the inputs at hand, by name
};

/// One thread's buffers and work.
class LinearWriter {
 public:
  explicit LinearWriter(const Run& run) : run_(run) {}

  Result<std::uint64_t> write(const Piece& piece, Loss& loss) {
    const LinearJob& job = run_.plan.linears()[piece.job];
    const TensorProto& source = run_.plan.source_tensor(job.source);
    strip_.resize(static_cast<std::size_t>(job.k * piece.count));
    HEARTH_TRY_VOID(run_.reader.read_columns(source, piece.first, piece.count, strip_));
    auto written = job.layout == QuantLayout::kDynamic ? write_dynamic(job, piece, loss)
                                                       : write_blocks(job, piece, loss);
    if (!written) {
      return fail_within("the weight '" + source.name() + "' of the product '" + job.node +
                             "', columns from " + std::to_string(piece.first) + " as rows",
                         written.error());
    }
    return written;
  }

 private:
  Result<std::uint64_t> write_blocks(const LinearJob& job, const Piece& piece, Loss& loss) {
    std::uint64_t bytes = 0;
    for (std::int64_t first = 0; first < piece.count; first += kTileColumns) {
      const std::int64_t count = std::min(kTileColumns, piece.count - first);
      transpose(strip_, job.k, piece.count, first, count, rows_);
      original_ = rows_;
      HEARTH_TRY_VOID(quantise(job, count));
      measure(job, piece.first + first, count, loss);
      HEARTH_TRY(const std::uint64_t tile_bytes, store(job, piece.first + first));
      bytes += tile_bytes;
    }
    return bytes;
  }

  const InputMoments* moments_of(const LinearJob& job) const {
    const auto found = run_.moments.find(job.input);
    return found == run_.moments.end() ? nullptr : &found->second;
  }

  Result<void> quantise(const LinearJob& job, std::int64_t count) {
    packed_.assign(static_cast<std::size_t>(count * job.format.row_bytes(job.k)), 0);
    scales_.assign(static_cast<std::size_t>(count * job.format.blocks(job.k)), 0.0F);
    zero_points_.assign(
        static_cast<std::size_t>(
            job.format.asymmetric ? count * job.format.zero_point_row_bytes(job.k) : 0),
        0);
    const MatrixOutput out{packed_, scales_, zero_points_};
    const InputMoments* moments = moments_of(job);
    switch (run_.plan.options().method) {
      case QuantMethod::kNearest:
        break;
      case QuantMethod::kSearched:
        return quantise_rows_searched(
            job.format, rows_, count, job.k,
            moments == nullptr ? std::span<const float>() : moments->importance(), out);
      case QuantMethod::kFeedback:
        HEARTH_CHECK(moments != nullptr);
        return quantise_rows_with_feedback(job.format, rows_, count, job.k, *moments, out);
    }
    return quantise_rows(job.format, rows_, count, job.k, packed_, scales_, zero_points_);
  }

  /// What the tile's rows lost, in weights and, with moments, in outputs.
  void measure(const LinearJob& job, std::int64_t first, std::int64_t count, Loss& loss) {
    const MatrixOutput out{packed_, scales_, zero_points_};
    dequantise_rows(job.format, count, job.k, out, rows_);
    add_weight_loss(loss);
    const InputMoments* moments = moments_of(job);
    if (moments == nullptr) return;
    const std::int64_t step = (job.n + kMeasuredRows - 1) / kMeasuredRows;
    for (std::int64_t row = (step - first % step) % step; row < count; row += step) {
      const auto at = static_cast<std::size_t>(row * job.k);
      const auto k = static_cast<std::size_t>(job.k);
      loss.output_error += moments->energy(std::span(rows_).subspan(at, k), 1);
      loss.output_energy += moments->energy(std::span(original_).subspan(at, k), 1);
    }
  }

  /// rows_ holds the values as they will be read; afterwards their errors.
  void add_weight_loss(Loss& loss) {
    double error = 0;
    double energy = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      rows_[i] = original_[i] - rows_[i];
      error += double{rows_[i]} * rows_[i];
      energy += double{original_[i]} * original_[i];
    }
    loss.weight_error += error;
    loss.weight_energy += energy;
  }

  Result<std::uint64_t> store(const LinearJob& job, std::int64_t row) const {
    const std::uint64_t scale_row = to_unsigned(job.format.blocks(job.k)) * sizeof(float);
    HEARTH_TRY_VOID(run_.file.write_at(
        job.data.offset + to_unsigned(row * job.format.row_bytes(job.k)), as_bytes(packed_)));
    HEARTH_TRY_VOID(
        run_.file.write_at(job.scales.offset + to_unsigned(row) * scale_row, as_bytes(scales_)));
    if (!zero_points_.empty()) {
      const std::int64_t row_bytes = job.format.zero_point_row_bytes(job.k);
      HEARTH_TRY_VOID(run_.file.write_at(job.zero_points.offset + to_unsigned(row * row_bytes),
                                         as_bytes(zero_points_)));
    }
    return packed_.size() + scales_.size() * sizeof(float) + zero_points_.size();
  }

  /// One scale for each column, unsigned around 128; [k, n] as it comes.
  Result<std::uint64_t> write_dynamic(const LinearJob& job, const Piece& piece, Loss& loss) {
    scales_.assign(static_cast<std::size_t>(piece.count), 0.0F);
    for (std::size_t i = 0; i < strip_.size(); ++i) {
      if (!std::isfinite(strip_[i])) {
        const auto count = to_unsigned(piece.count);
        return fail_block(static_cast<std::int64_t>(i % count),
                          static_cast<std::int64_t>(i / count));
      }
      float& scale = scales_[i % scales_.size()];
      scale = std::max(scale, std::fabs(strip_[i]));
    }
    for (float& scale : scales_) scale /= 127.0F;
    packed_.resize(strip_.size());
    for (std::size_t i = 0; i < strip_.size(); ++i) {
      const float scale = scales_[i % scales_.size()];
      const float step = scale > 0 ? std::clamp(std::round(strip_[i] / scale), -127.0F, 127.0F) : 0;
      packed_[i] = static_cast<std::uint8_t>(static_cast<int>(step) + 128);
      const double off = double{strip_[i]} - double{step} * scale;
      loss.weight_error += off * off;
      loss.weight_energy += double{strip_[i]} * strip_[i];
    }
    HEARTH_TRY_VOID(run_.file.write_at(job.scales.offset + to_unsigned(piece.first) * sizeof(float),
                                       as_bytes(scales_)));
    for (std::int64_t row = 0; row < job.k; ++row) {
      HEARTH_TRY_VOID(run_.file.write_at(
          job.data.offset + to_unsigned(row * job.n + piece.first),
          as_bytes(packed_).subspan(to_unsigned(row * piece.count), to_unsigned(piece.count))));
    }
    return packed_.size() + scales_.size() * sizeof(float);
  }

  const Run& run_;
  std::vector<float> strip_;     ///< [k, piece columns]
  std::vector<float> rows_;      ///< [tile columns, k]
  std::vector<float> original_;  ///< the same before the quantiser changed it
  std::vector<std::uint8_t> packed_;
  std::vector<float> scales_;
  std::vector<std::uint8_t> zero_points_;
};

Result<void> copy_tensors(const Run& run, int threads, WrittenBytes& written,
                          const ProgressFn& progress) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < run.plan.copies().size(); ++i) {
    const CopyJob& job = run.plan.copies()[i];
    pieces =
        cut(i, static_cast<std::int64_t>(job.data.bytes), 4 * kPieceElements, std::move(pieces));
  }
  return run_pieces(pieces.size(), threads, written, progress, [&]() -> PieceFn {
    return [&run, &pieces](std::size_t index) -> Result<std::uint64_t> {
      const Piece& piece = pieces[index];
      const CopyJob& job = run.plan.copies()[piece.job];
      const TensorProto& tensor = run.plan.source_tensor(job.source);
      std::vector<std::byte> bytes(to_unsigned(piece.count));
      if (tensor.data_type() == TensorProto::FLOAT16) {
        std::vector<float> wide(bytes.size() / sizeof(float));
        HEARTH_TRY_VOID(run.reader.read_floats(
            tensor, piece.first / static_cast<std::int64_t>(sizeof(float)), wide));
        HEARTH_TRY_VOID(
            run.file.write_at(job.data.offset + to_unsigned(piece.first), as_bytes(wide)));
      } else {
        HEARTH_TRY_VOID(run.reader.read_bytes(tensor, to_unsigned(piece.first), bytes));
        HEARTH_TRY_VOID(run.file.write_at(job.data.offset + to_unsigned(piece.first), bytes));
      }
      return bytes.size();
    };
  });
}

/// Quantises some of the plan's linears, whose moments, if any, are in `run`.
Result<void> quantise_linears(const Run& run, std::span<const std::size_t> linears, int threads,
                              WrittenBytes& written, const ProgressFn& progress,
                              std::vector<Loss>& losses) {
  std::vector<Piece> pieces;
  for (const std::size_t i : linears) {
    const LinearJob& job = run.plan.linears()[i];
    pieces = cut(i, job.n, columns_of_piece(job), std::move(pieces));
  }
  std::vector<Loss> of_pieces(pieces.size());
  HEARTH_TRY_VOID(run_pieces(pieces.size(), threads, written, progress, [&]() -> PieceFn {
    const auto writer = std::make_shared<LinearWriter>(run);
    return [writer, &pieces, &of_pieces](std::size_t index) {
      return writer->write(pieces[index], of_pieces[index]);
    };
  }));
  // Added in the order of the pieces, so that the sums do not depend on the threads.
  for (std::size_t i = 0; i < pieces.size(); ++i) losses[pieces[i].job].add(of_pieces[i]);
  return {};
}

/// The linears, in groups whose inputs' moments fit into memory together; linears with the same
/// input are in the same group.
std::vector<std::vector<std::size_t>> groups_by_input(const QuantisePlan& plan,
                                                      std::uint64_t memory_bytes) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<std::size_t>> by_input;
  for (std::size_t i = 0; i < plan.linears().size(); ++i) {
    auto& same = by_input[plan.linears()[i].input];
    if (same.empty()) order.push_back(plan.linears()[i].input);
    same.push_back(i);
  }
  std::vector<std::vector<std::size_t>> groups;
  std::uint64_t bytes = 0;
  for (const std::string& input : order) {
    const auto& same = by_input[input];
    const std::uint64_t k = to_unsigned(plan.linears()[same.front()].k);
    const std::uint64_t wanted = 2 * sizeof(float) * k * k;
    if (groups.empty() || bytes + wanted > memory_bytes) {
      groups.emplace_back();
      bytes = 0;
    }
    bytes += wanted;
    groups.back().insert(groups.back().end(), same.begin(), same.end());
  }
  return groups;
}

/// Prepares the feedback of all moments; each factor is one thread's work.
Result<void> prepare_feedback(std::map<std::string, InputMoments>& moments, int threads) {
  std::vector<std::pair<const std::string*, InputMoments*>> all;
  for (auto& [name, one] : moments) all.emplace_back(&name, &one);
  WrittenBytes none;
  return run_pieces(all.size(), threads, none, {}, [&]() -> PieceFn {
    return [&all](std::size_t index) -> Result<std::uint64_t> {
      const auto prepared = all[index].second->prepare_feedback();
      if (!prepared) return fail_within("the inputs '" + *all[index].first + "'", prepared.error());
      return 0;
    };
  });
}

Result<void> gather_moments(Run& run, std::span<const std::size_t> group, MomentsSource& source,
                            int threads) {
  run.moments.clear();
  std::vector<InputValue> inputs;
  for (const std::size_t i : group) {
    const LinearJob& job = run.plan.linears()[i];
    const bool known = std::any_of(inputs.begin(), inputs.end(), [&](const InputValue& input) {
      return input.name == job.input;
    });
    if (!known) inputs.push_back({job.input, job.k});
  }
  HEARTH_TRY(auto gathered, source.moments(inputs));
  HEARTH_CHECK(gathered.size() == inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    auto moments = InputMoments::make(std::move(gathered[i]), inputs[i].width);
    if (!moments) return fail_within("the inputs '" + inputs[i].name + "'", moments.error());
    run.moments.emplace(inputs[i].name, std::move(*moments));
  }
  if (run.plan.options().method != QuantMethod::kFeedback) return {};
  return prepare_feedback(run.moments, threads);
}

std::vector<LinearReport> reports(const QuantisePlan& plan, const std::vector<Loss>& losses,
                                  bool with_outputs) {
  std::vector<LinearReport> all;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const LinearJob& job = plan.linears()[i];
    LinearReport report{job.node,
                        job.format.bits,
                        job.k,
                        job.n,
                        relative(losses[i].weight_error, losses[i].weight_energy),
                        std::nullopt};
    if (with_outputs) {
      report.output_error = relative(losses[i].output_error, losses[i].output_energy);
    }
    all.push_back(std::move(report));
  }
  return all;
}

}  // namespace

std::size_t calibration_runs(const QuantisePlan& plan, std::uint64_t memory_bytes) {
  return groups_by_input(plan, memory_bytes).size();
}

Result<std::vector<LinearReport>> write_quantised(const QuantisePlan& plan,
                                                  const std::filesystem::path& source,
                                                  const std::filesystem::path& out, int threads,
                                                  const ProgressFn& progress,
                                                  MomentsSource* calibration) {
  HEARTH_CHECK(threads >= 1);
  HEARTH_CHECK(calibration != nullptr || plan.options().method != QuantMethod::kFeedback);
  HEARTH_TRY(const TensorReader reader, TensorReader::open(plan.source(), source));
  HEARTH_TRY(const DataFile file, DataFile::create(out / kDataFileName, plan.data_bytes()));
  Run run{.plan = plan, .reader = reader, .file = file, .moments = {}};
  WrittenBytes written{.done = 0, .total = plan.data_bytes()};
  std::vector<Loss> losses(plan.linears().size());
  HEARTH_TRY_VOID(copy_tensors(run, threads, written, progress));
  if (calibration == nullptr) {
    std::vector<std::size_t> all(plan.linears().size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    HEARTH_TRY_VOID(quantise_linears(run, all, threads, written, progress, losses));
  } else {
    for (const auto& group : groups_by_input(plan, calibration->memory_bytes())) {
      HEARTH_TRY_VOID(gather_moments(run, group, *calibration, threads));
      HEARTH_TRY_VOID(quantise_linears(run, group, threads, written, progress, losses));
    }
  }
  HEARTH_TRY_VOID(file.sync());
  HEARTH_TRY_VOID(write_model(out / "model.onnx", plan.model()));
  return reports(plan, losses, calibration != nullptr);
}

}  // namespace hearth::onnx

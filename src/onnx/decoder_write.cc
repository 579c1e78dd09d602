// Streams a plan's weights to disk: threads take pieces of tensors, make their bytes and write them
// in place.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "onnx/data_file.h"
#include "onnx/decoder_builder.h"
#include "onnx/half.h"
#include "onnx/model_file.h"
#include "onnx/piece_work.h"
#include "onnx/tensor_job.h"

namespace hearth::onnx {
namespace {

/// Elements of one piece: 16 MB of floats, so that a thread stays below 64 MB with its outputs.
constexpr std::int64_t kPieceElementsMax = std::int64_t{4} << 20;

/// From here on a float is nearer to 2^16 than to float16's largest, 65504.
constexpr float kHalfOverflow = 65520.0F;

/// Some rows of one part of one job.
struct Piece {
  const TensorJob* job;
  const WeightId* part;  ///< null for a rotary table
  std::int64_t columns;
  std::int64_t first_row;  ///< within the part
  std::int64_t count;
  std::int64_t rows_before;      ///< of the job, before the part
  std::int64_t elements_before;  ///< the same in elements
};

void cut(const TensorJob& job, const WeightId* part, std::int64_t rows, std::int64_t columns,
         Piece base, std::vector<Piece>& pieces) {
  const std::int64_t step = std::max<std::int64_t>(1, kPieceElementsMax / columns);
  for (std::int64_t row = 0; row < rows; row += step) {
    base.job = &job;
    base.part = part;
    base.columns = columns;
    base.first_row = row;
    base.count = std::min(step, rows - row);
    pieces.push_back(base);
  }
}

std::vector<Piece> cut_jobs(const std::vector<TensorJob>& jobs) {
  std::vector<Piece> pieces;
  for (const TensorJob& job : jobs) {
    Piece base{};
    if (job.kind == TensorJob::Kind::kRotaryTable) {
      cut(job, nullptr, job.rows, job.columns, base, pieces);
    }
    for (const WeightId& part : job.parts) {
      cut(job, &part, part.rows, part.columns, base, pieces);
      base.rows_before += part.rows;
      base.elements_before += part.rows * part.columns;
    }
  }
  return pieces;
}

template <class T>
std::span<const std::byte> as_bytes(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

std::uint64_t to_unsigned(std::int64_t value) { return static_cast<std::uint64_t>(value); }

/// One thread's buffers, reused from piece to piece.
class PieceWriter {
 public:
  PieceWriter(const DecoderPlan& plan, WeightSource& weights, const DataFile& file)
      : plan_(&plan), weights_(&weights), file_(&file) {}

  /// Writes one piece; returns its bytes.
  Result<std::uint64_t> write(const Piece& piece) {
    values_.resize(static_cast<std::size_t>(piece.count * piece.columns));
    if (piece.part == nullptr) {
      fill_rotary_rows(plan_->config(), piece.job->table, piece.job->sine, piece.first_row,
                       values_);
    } else {
      HEARTH_TRY_VOID(weights_->read_rows(*piece.part, piece.first_row, piece.count, values_));
      HEARTH_TRY_VOID(check_range(piece));
    }
    switch (piece.job->kind) {
      case TensorJob::Kind::kQuantised:
        return write_quantised(piece);
      case TensorJob::Kind::kTransposed:
        return write_transposed(piece);
      case TensorJob::Kind::kRows:
      case TensorJob::Kind::kRotaryTable:
        break;
    }
    const std::int64_t element = piece.elements_before + piece.first_row * piece.columns;
    return write_floats(piece.job->half, piece.job->data.offset, element, values_);
  }

 private:
  /// Refuses a value that would become an infinity. (Quantisation checks its own.)
  Result<void> check_range(const Piece& piece) const {
    if (!piece.job->half || piece.job->kind == TensorJob::Kind::kQuantised) return {};
    const auto large = std::find_if(values_.begin(), values_.end(),
                                    [](float value) { return std::abs(value) >= kHalfOverflow; });
    if (large == values_.end()) return {};
    const std::int64_t at = large - values_.begin();
    return fail(ErrorCode::kInvalidArgument,
                weight_name(*piece.part) + " holds " + std::to_string(*large) + " in row " +
                    std::to_string(piece.first_row + at / piece.columns) + ", column " +
                    std::to_string(at % piece.columns) +
                    ", which float16 cannot hold; choose precision fp32, int8 or int4");
  }

  /// Writes floats, rounded to float16 if the tensor holds that, from element `first` of a tensor.
  Result<std::uint64_t> write_floats(bool half, std::uint64_t tensor_offset, std::int64_t first,
                                     const std::vector<float>& values) {
    if (!half) {
      HEARTH_TRY_VOID(
          file_->write_at(tensor_offset + to_unsigned(first) * sizeof(float), as_bytes(values)));
      return values.size() * sizeof(float);
    }
    halves_.resize(values.size());
    std::transform(values.begin(), values.end(), halves_.begin(), to_half);
    HEARTH_TRY_VOID(file_->write_at(tensor_offset + to_unsigned(first) * sizeof(std::uint16_t),
                                    as_bytes(halves_)));
    return halves_.size() * sizeof(std::uint16_t);
  }

  /// Column k of the piece becomes a stretch of row k of the tensor [columns, job rows].
  Result<std::uint64_t> write_transposed(const Piece& piece) {
    const std::int64_t row = piece.rows_before + piece.first_row;
    std::uint64_t written = 0;
    column_.resize(static_cast<std::size_t>(piece.count));
    for (std::int64_t k = 0; k < piece.columns; ++k) {
      for (std::int64_t i = 0; i < piece.count; ++i) {
        column_[static_cast<std::size_t>(i)] =
            values_[static_cast<std::size_t>(i * piece.columns + k)];
      }
      HEARTH_TRY(const std::uint64_t bytes, write_floats(piece.job->half, piece.job->data.offset,
                                                         k * piece.job->rows + row, column_));
      written += bytes;
    }
    return written;
  }

  Result<std::uint64_t> write_quantised(const Piece& piece) {
    const TensorJob& job = *piece.job;
    HEARTH_CHECK(piece.part != nullptr);  // only rotary tables have none
    const std::int64_t k = piece.columns;
    const std::int64_t zero_row = job.format.asymmetric ? job.format.zero_point_row_bytes(k) : 0;
    packed_.resize(static_cast<std::size_t>(piece.count * job.format.row_bytes(k)));
    column_.resize(static_cast<std::size_t>(piece.count * job.format.blocks(k)));
    zero_points_.resize(static_cast<std::size_t>(piece.count * zero_row));
    auto quantised =
        quantise_rows(job.format, values_, piece.count, k, packed_, column_, zero_points_);
    if (!quantised) {
      return fail_within(weight_name(*piece.part) + " from row " + std::to_string(piece.first_row),
                         quantised.error());
    }
    const std::int64_t row = piece.rows_before + piece.first_row;
    HEARTH_TRY_VOID(file_->write_at(job.data.offset + to_unsigned(row * job.format.row_bytes(k)),
                                    as_bytes(packed_)));
    HEARTH_TRY(const std::uint64_t scale_bytes,
               write_floats(job.half, job.scales.offset, row * job.format.blocks(k), column_));
    if (zero_row > 0) {
      HEARTH_TRY_VOID(file_->write_at(job.zero_points.offset + to_unsigned(row * zero_row),
                                      as_bytes(zero_points_)));
    }
    return packed_.size() + scale_bytes + zero_points_.size();
  }

  const DecoderPlan* plan_;
  WeightSource* weights_;
  const DataFile* file_;
  std::vector<float> values_;
  std::vector<float> column_;  ///< one column, or the scales of a quantised piece
  std::vector<std::uint16_t> halves_;
  std::vector<std::uint8_t> packed_;
  std::vector<std::uint8_t> zero_points_;
};

}  // namespace

Result<void> write_decoder(const DecoderPlan& plan, WeightSource& weights,
                           const std::filesystem::path& folder, int threads,
                           const ProgressFn& progress) {
  HEARTH_CHECK(threads >= 1);
  HEARTH_TRY(const DataFile file, DataFile::create(folder / kDataFileName, plan.data_bytes()));
  const std::vector<Piece> pieces = cut_jobs(plan.jobs());
  WrittenBytes written{.done = 0, .total = plan.data_bytes()};
  HEARTH_TRY_VOID(run_pieces(pieces.size(), threads, written, progress, [&]() -> PieceFn {
    const auto writer = std::make_shared<PieceWriter>(plan, weights, file);
    return [writer, &pieces](std::size_t index) { return writer->write(pieces[index]); };
  }));
  HEARTH_TRY_VOID(file.sync());
  return write_model(folder / "model.onnx", plan.model());
}

}  // namespace hearth::onnx

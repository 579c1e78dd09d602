// Driving the kernels: the workspace, the shares of the tasks, which kernel takes which rows.
#include "kernels/linear.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/ceil_div.h"
#include "kernels/registry.h"

namespace hearth::kernels {
namespace {

/// Tile columns that one mixed step hands to both recipes in turn, so that the second finds their
/// weights in the cache.
constexpr std::int32_t kMixedPanelTiles = 16;

constexpr std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// Where everything lies in the workspace.
struct Layout {
  ExactRows exact{};
  FastRows fast{};
  std::size_t rows_bytes = 0;
  std::size_t scratch_bytes = 0;  ///< of one task
  std::byte* scratch = nullptr;
};

/// Full tiles of 16 rows would waste up to half of them: equal blocks, of a multiple of 4 rows
/// where a kernel may use tiles, waste less.
void shape_exact(ExactRows& rows, std::int32_t count) {
  const auto blocks = static_cast<std::int32_t>(ceil_div(count, 16));
  rows.rows = count;
  rows.row_block = blocks == 0 ? 1 : static_cast<std::int32_t>(ceil_div(count, blocks));
  if (count >= kTileRowsMin)
    rows.row_block = static_cast<std::int32_t>(ceil_div(rows.row_block, 4) * 4);
  rows.rows_padded = blocks * rows.row_block;
}

Layout layout_of(std::int32_t k, std::int32_t exact_rows, std::int32_t fast_rows,
                 std::byte* workspace) {
  Layout layout;
  std::size_t at = 0;
  const auto take = [&](std::size_t bytes) {
    const std::size_t begin = at;
    at += aligned(bytes);
    return begin;
  };
  const auto groups = static_cast<std::int32_t>(ceil_div(k, kGroup));
  shape_exact(layout.exact, exact_rows);
  layout.exact.groups = groups;
  layout.fast.rows = fast_rows;
  layout.fast.groups = groups;
  const auto exact_cells =
      static_cast<std::size_t>(layout.exact.rows_padded) * static_cast<std::size_t>(groups);
  const std::size_t q = take(exact_cells * kGroup);
  const std::size_t scale = take(exact_cells * sizeof(float));
  const std::size_t sum = take(exact_cells * sizeof(std::int32_t));
  const auto fast_tiles = static_cast<std::size_t>(ceil_div(fast_rows, 16));
  const auto panels = static_cast<std::size_t>(ceil_div(groups, kPanelGroups));
  const std::size_t tiles = take(fast_tiles * panels * kPanelGroups * 1024);
  layout.rows_bytes = at;
  layout.scratch_bytes = std::max(
      {aligned(static_cast<std::size_t>(kExactScratchBytes) +
               static_cast<std::size_t>(layout.exact.rows_padded) * 64 * kExactColumns),
       fast_rows == 0 ? 0
                      : kFastScratchBytes + (fast_tiles + fast_tiles % 2) * kFastScratchTileBytes,
       aligned(static_cast<std::size_t>(k) * sizeof(float))});  // a row behind its norm
  if (workspace != nullptr) {
    layout.exact.q = reinterpret_cast<std::int8_t*>(workspace + q);
    layout.exact.scale = reinterpret_cast<float*>(workspace + scale);
    layout.exact.sum = reinterpret_cast<std::int32_t*>(workspace + sum);
    layout.fast.q = reinterpret_cast<std::uint16_t*>(workspace + tiles);
    layout.scratch = workspace + at;
  }
  return layout;
}

/// Where the CPU has no fast recipe, and for a linear that it cannot take, every row is exact. The
/// rows are then prepared both ways; which linear needs which is known before phase 1.
struct Counts {
  std::int32_t exact;
  std::int32_t fast;
};

bool can_be_fast(const KernelSet& kernels, const PackedLinear& linear) {
  return kernels.fast != nullptr && linear.wide_scales == 0;
}

Counts counts_of(const LinearBatch& batch) {
  const std::int32_t all = batch.exact_rows + batch.fast_rows;
  bool any_fast = false;
  bool all_fast = true;
  for (const LinearCall& call : batch.calls) {
    const bool fast = can_be_fast(*batch.kernels, call.linear);
    any_fast = any_fast || fast;
    all_fast = all_fast && fast;
  }
  return {all_fast ? batch.exact_rows : all, any_fast ? batch.fast_rows : 0};
}

const ExactKernel& kernel_for(const KernelSet& kernels, const PackedLinear& linear,
                              std::int32_t rows) {
  const ExactKernel* best = &kernels.exact.front();
  for (const ExactKernel& kernel : kernels.exact) {
    if (rows >= kernel.rows_min && linear.block_size >= kernel.block_size_min) best = &kernel;
  }
  return *best;
}

/// Whole tiles of 16, except that up to 16 rows are not padded.
std::int32_t padded_fast_rows(std::int32_t rows) {
  return rows <= 16 ? rows : static_cast<std::int32_t>(ceil_div(rows, 16) * 16);
}

/// Row `row` as it is multiplied: of x, or `normed` with its norm.
const float* row_of(const LinearBatch& batch, std::int64_t row, float* normed, bool keep_sum) {
  const float* x = batch.x + row * batch.x_stride;
  if (!batch.norm) return x;
  const RowNorm& norm = *batch.norm;
  const float* skip = norm.skip == nullptr ? nullptr : norm.skip + row * batch.x_stride;
  float* sum = norm.sum == nullptr || !keep_sum ? nullptr : norm.sum + row * batch.k;
  batch.kernels->norm_row(x, skip, norm.weight, norm.epsilon, batch.k, sum, normed);
  return normed;
}

void zero_exact_row(const ExactRows& rows, std::int32_t row) {
  for (std::int32_t group = 0; group < rows.groups; ++group) {
    const std::int64_t at = static_cast<std::int64_t>(group) * rows.rows_padded + row;
    std::fill_n(rows.q + at * kGroup, kGroup, std::int8_t{0});
    rows.scale[at] = 0;
    rows.sum[at] = 0;
  }
}

void zero_fast_row(const FastRows& rows, std::int32_t row) {
  for (std::int32_t group = 0; group < rows.groups; ++group) {
    const std::int64_t panel = group / kPanelGroups * ceil_div(rows.rows, 16) + row / 16;
    const std::int64_t tile = panel * kPanelGroups + group % kPanelGroups;
    std::fill_n(rows.q + (tile * 16 + row % 16) * kGroup, kGroup, std::uint16_t{0});
  }
}

/// The tile columns [begin, end) of one call.
void run_tiles(const LinearBatch& batch, const LinearCall& call, const Layout& layout,
               std::byte* scratch, std::uint64_t* weight_bytes, std::int32_t begin,
               std::int32_t end) {
  const bool fast = layout.fast.rows > 0 && can_be_fast(*batch.kernels, call.linear);
  ExactRows exact_rows = layout.exact;
  exact_rows.rows = batch.exact_rows + (fast ? 0 : batch.fast_rows);
  const ExactKernel& kernel = kernel_for(*batch.kernels, call.linear, exact_rows.rows);
  const std::int32_t step = fast && exact_rows.rows > 0 ? kMixedPanelTiles : end - begin;
  for (std::int32_t tile = begin; tile < end; tile += step) {
    const std::int32_t tile_end = std::min(tile + step, end);
    std::uint64_t second_reading = 0;
    if (exact_rows.rows > 0) {
      const ExactTask task{&call.linear, &exact_rows, call.y,  call.y_stride,
                           tile,         tile_end,    scratch, weight_bytes};
      kernel.product(&task);
    }
    if (fast) {
      // What the exact rows of this panel have read is in the cache: memory is read once.
      const FastTask task{&call.linear,
                          &layout.fast,
                          call.y + batch.exact_rows * call.y_stride,
                          call.y_stride,
                          tile,
                          tile_end,
                          scratch,
                          exact_rows.rows > 0 ? &second_reading : weight_bytes};
      batch.kernels->fast(&task);
    }
  }
}

/// Some of the tile columns of all calls in a row.
struct Columns {
  std::int64_t begin;
  std::int64_t end;
};

/// Cut at even places: the fast kernel works on pairs.
Columns equal_share(std::int64_t all, std::int32_t task, std::int32_t tasks) {
  const auto bound = [&](std::int64_t i) { return i == tasks ? all : all * i / tasks / 2 * 2; };
  return {bound(task), bound(task + 1)};
}

/// Half of an equal share of what is left, in multiples of `least`, but not less than that.
Columns take(std::atomic<std::int64_t>& taken, std::int64_t all, std::int32_t tasks,
             std::int64_t least) {
  std::int64_t begin = taken.load(std::memory_order_relaxed);
  std::int64_t end = begin;
  do {
    const std::int64_t left = std::max<std::int64_t>(all - begin, 0);
    const std::int64_t share = std::max(left / (2 * tasks) / least * least, least);
    end = begin + std::min(share, left);
  } while (begin < end && !taken.compare_exchange_weak(begin, end, std::memory_order_relaxed));
  return {begin, end};
}

void run_columns(const LinearBatch& batch, const Layout& layout, std::byte* scratch,
                 std::uint64_t* weight_bytes, const Columns& columns) {
  std::int64_t first = 0;
  for (const LinearCall& call : batch.calls) {
    const std::int64_t tiles = ceil_div(call.linear.n, kTileColumns);
    const auto from = std::clamp<std::int64_t>(columns.begin - first, 0, tiles);
    const auto to = std::clamp<std::int64_t>(columns.end - first, 0, tiles);
    if (from < to) {
      run_tiles(batch, call, layout, scratch, weight_bytes, static_cast<std::int32_t>(from),
                static_cast<std::int32_t>(to));
    }
    first += tiles;
  }
}

}  // namespace

std::size_t linear_workspace_bytes(const KernelSet& kernels, std::int32_t k,
                                   std::int32_t exact_rows, std::int32_t fast_rows,
                                   std::int32_t tasks) {
  HEARTH_CHECK(k > 0 && exact_rows >= 0 && fast_rows >= 0 && tasks > 0);
  // A linear with wide scales may need the fast rows in the exact form as well.
  const Layout layout =
      layout_of(k, exact_rows + fast_rows, kernels.fast != nullptr ? fast_rows : 0, nullptr);
  return layout.rows_bytes + layout.scratch_bytes * static_cast<std::size_t>(tasks);
}

void prepare_rows(const LinearBatch& batch, std::int32_t task, std::int32_t tasks) noexcept {
  const Counts counts = counts_of(batch);
  const Layout layout = layout_of(batch.k, counts.exact, counts.fast, batch.workspace);
  auto* normed = reinterpret_cast<float*>(layout.scratch +
                                          layout.scratch_bytes * static_cast<std::size_t>(task));
  const std::int64_t exact = layout.exact.rows_padded;
  const std::int64_t fast = padded_fast_rows(counts.fast);
  const std::int64_t end = (exact + fast) * (task + 1) / tasks;
  for (std::int64_t i = (exact + fast) * task / tasks; i < end; ++i) {
    const bool is_exact = i < exact;
    const auto row = static_cast<std::int32_t>(is_exact ? i : i - exact);
    if (is_exact) {
      if (row >= counts.exact) {
        zero_exact_row(layout.exact, row);
        continue;
      }
      batch.kernels->quantise_row(row_of(batch, row, normed, true), batch.k, row, &layout.exact);
    } else if (row >= counts.fast) {
      zero_fast_row(layout.fast, row);
    } else {
      // A row that is prepared both ways is normed twice; one of them keeps the sum.
      const bool both = counts.exact > batch.exact_rows;
      const float* x = row_of(batch, batch.exact_rows + row, normed, !both);
      batch.kernels->convert_row(x, batch.k, row, &layout.fast);
    }
  }
}

void run_linears(const LinearBatch& batch, std::int32_t task, std::int32_t tasks) noexcept {
  const Counts counts = counts_of(batch);
  const Layout layout = layout_of(batch.k, counts.exact, counts.fast, batch.workspace);
  std::byte* scratch = layout.scratch + layout.scratch_bytes * static_cast<std::size_t>(task);
  // Kernels count for every kilobyte: in the tasks' counters, which share a cache line, that would
  // cost a seventh of the bandwidth.
  std::uint64_t weight_bytes = 0;
  std::int64_t all = 0;  // tile columns of all calls in a row
  for (const LinearCall& call : batch.calls) all += ceil_div(call.linear.n, kTileColumns);
  if (batch.taken == nullptr) {
    run_columns(batch, layout, scratch, &weight_bytes, equal_share(all, task, tasks));
  } else {
    const std::int64_t least = counts.fast > 0 ? kFastColumns / kTileColumns : 2;
    for (Columns columns = take(*batch.taken, all, tasks, least); columns.begin < columns.end;
         columns = take(*batch.taken, all, tasks, least)) {
      run_columns(batch, layout, scratch, &weight_bytes, columns);
    }
  }
  if (batch.weight_bytes != nullptr) batch.weight_bytes[task] += weight_bytes;
}

}  // namespace hearth::kernels

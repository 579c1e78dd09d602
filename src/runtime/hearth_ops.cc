#include "runtime/hearth_ops.h"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/tsan.h"
#include "onnx/passes/ragged_graph.h"

namespace hearth::runtime {
namespace {

constexpr std::size_t kScratchAlignment = 64;

/// Handing work to another thread and waiting for it takes as long as about this many elements of
/// an elementwise operation.
constexpr std::int64_t kElementsWorthThreads = 1 << 15;

/// No exception may cross into ONNX Runtime's C interface.
template <class Body>
OrtStatusPtr as_status(const Body& body) noexcept {
  try {
    body();
    return nullptr;
  } catch (const std::exception& error) {
    return Ort::GetApi().CreateStatus(ORT_FAIL, error.what());
  }
}

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("hearth operator: ") + what);
}

/// Calls `body(task)` for every task on the session's threads; returns when all are done.
template <class Body>
void for_tasks(const Ort::KernelContext& context, std::int64_t tasks, const Body& body) {
  const auto call = [](void* data, std::size_t task) noexcept {
    happens_after(data);
    (*static_cast<const Body*>(data))(static_cast<std::int64_t>(task));
    happens_before(data);
  };
  if (tasks == 1) return body(0);
  happens_before(&body);
  context.ParallelFor(call, static_cast<std::size_t>(tasks), 0,
                      const_cast<void*>(static_cast<const void*>(&body)));
  happens_after(&body);
}

/// A float input [1, rows, width].
struct RowsIn {
  const float* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t width = 0;
};

RowsIn rows_in(const Ort::ConstValue& value) {
  const auto shape = value.GetTensorTypeAndShapeInfo().GetShape();
  require(shape.size() == 3 && shape[0] == 1, "rows must be [1, rows, width]");
  return {value.GetTensorData<float>(), shape[1], shape[2]};
}

float* rows_out(const Ort::KernelContext& context, std::size_t index, std::int64_t rows,
                std::int64_t width) {
  const std::array<std::int64_t, 3> shape{1, rows, width};
  return context.GetOutput(index, shape.data(), shape.size()).GetTensorMutableData<float>();
}

/// What all operators have in common: float rows in, float rows out, on the CPU.
template <class Op, class Kernel>
struct RowOp : Ort::CustomOpBase<Op, Kernel, true> {
  explicit RowOp(OperatorState& shared) : state(&shared) {}

  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const {
    return as_status([&] { *kernel = new Kernel(*state, info); });
  }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  std::size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(std::size_t) const {
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }

  OperatorState* state;
};

/// hearth.QuantLinear: one or more products of the same rows.
class QuantLinearKernel {
 public:
  QuantLinearKernel(OperatorState& state, const OrtKernelInfo* info) : state_(state) {
    const auto indices = Ort::ConstKernelInfo(info).GetAttributes<std::int64_t>("linears");
    for (const std::int64_t index : indices) {
      linears_.push_back(&state.linears.at(static_cast<std::size_t>(index)));
    }
    calls_.resize(linears_.size());
    require(!linears_.empty(), "a product without matrices");
  }

  OrtStatusPtr ComputeV2(OrtKernelContext* raw) noexcept {
    return as_status([&] {
      const Ort::KernelContext context(raw);
      compute(context, rows_in(context.GetInput(0)), std::nullopt);
    });
  }

 protected:
  void compute(const Ort::KernelContext& context, const RowsIn& x,
               const std::optional<kernels::RowNorm>& norm) {
    const std::int32_t limit = *context.GetInput(1).GetTensorData<std::int32_t>();
    require(x.width == linears_.front()->k, "rows of another width than the matrix");
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      calls_[i].linear = *linears_[i];  // which may have moved since the last step
      calls_[i].y = rows_out(context, i, x.rows, calls_[i].linear.n);
      calls_[i].y_stride = calls_[i].linear.n;
    }
    if (x.rows == 0) return;
    kernels::LinearBatch batch;
    batch.kernels = state_.kernels;
    batch.x = x.data;
    batch.x_stride = x.width;
    batch.k = static_cast<std::int32_t>(x.width);
    batch.exact_rows = std::clamp(limit, 0, static_cast<std::int32_t>(x.rows));
    batch.fast_rows = static_cast<std::int32_t>(x.rows) - batch.exact_rows;
    batch.calls = calls_;
    batch.norm = norm;
    batch.workspace = state_.linear_scratch.at_least(kernels::linear_workspace_bytes(
        *state_.kernels, batch.k, batch.exact_rows, batch.fast_rows, state_.tasks));
    state_.task_bytes.assign(static_cast<std::size_t>(state_.tasks), 0);
    batch.weight_bytes = state_.task_bytes.data();
    state_.columns_taken = 0;
    batch.taken = &state_.columns_taken;
    run(context, batch);
    for (const std::uint64_t bytes : state_.task_bytes) state_.weight_bytes += bytes;
  }

  std::size_t linears() const { return linears_.size(); }

 private:
  void run(const Ort::KernelContext& context, const kernels::LinearBatch& batch) const {
    const std::int32_t tasks = state_.tasks;
    const std::int64_t elements = std::int64_t{batch.exact_rows + batch.fast_rows} * batch.k;
    const std::int32_t preparing = elements < kElementsWorthThreads ? 1 : tasks;
    for_tasks(context, preparing, [&](std::int64_t task) noexcept {
      kernels::prepare_rows(batch, static_cast<std::int32_t>(task), preparing);
    });
    for_tasks(context, tasks, [&](std::int64_t task) noexcept {
      kernels::run_linears(batch, static_cast<std::int32_t>(task), tasks);
    });
  }

  OperatorState& state_;
  std::vector<const kernels::PackedLinear*> linears_;
  std::vector<kernels::LinearCall> calls_;
};

struct QuantLinearOp : RowOp<QuantLinearOp, QuantLinearKernel> {
  using RowOp::RowOp;
  const char* GetName() const { return onnx::kQuantLinear.data(); }
  std::size_t GetInputTypeCount() const { return 2; }
  ONNXTensorElementDataType GetInputType(std::size_t index) const {
    return index == 0 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT : ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
  }
  OrtCustomOpInputOutputCharacteristic GetOutputCharacteristic(std::size_t) const {
    return INPUT_OUTPUT_VARIADIC;
  }
};

/// hearth.NormLinear: the same of rows that are normed first, and perhaps added to others before.
class NormLinearKernel : public QuantLinearKernel {
 public:
  NormLinearKernel(OperatorState& state, const OrtKernelInfo* raw) : QuantLinearKernel(state, raw) {
    const Ort::ConstKernelInfo info(raw);
    epsilon_ = info.GetAttribute<float>("epsilon");
    has_skip_ = info.GetInputCount() > 3;
    gives_sum_ = info.GetOutputCount() > linears();
  }

  OrtStatusPtr ComputeV2(OrtKernelContext* raw) noexcept {
    return as_status([&] {
      const Ort::KernelContext context(raw);
      const RowsIn x = rows_in(context.GetInput(0));
      compute(context, x, norm_of(context, x));
    });
  }

 private:
  kernels::RowNorm norm_of(const Ort::KernelContext& context, const RowsIn& x) const {
    kernels::RowNorm norm;
    const auto weight = context.GetInput(2);
    require(
        weight.GetTensorTypeAndShapeInfo().GetElementCount() == static_cast<std::size_t>(x.width),
        "a norm of another width than the rows");
    norm.weight = weight.GetTensorData<float>();
    norm.epsilon = epsilon_;
    if (has_skip_) {
      const RowsIn skip = rows_in(context.GetInput(3));
      require(skip.rows == x.rows && skip.width == x.width, "rows of different sizes are added");
      norm.skip = skip.data;
    }
    if (gives_sum_) norm.sum = rows_out(context, linears(), x.rows, x.width);
    return norm;
  }

  float epsilon_ = 0;
  bool has_skip_ = false;
  bool gives_sum_ = false;
};

struct NormLinearOp : RowOp<NormLinearOp, NormLinearKernel> {
  using RowOp::RowOp;
  const char* GetName() const { return onnx::kNormLinear.data(); }
  std::size_t GetInputTypeCount() const { return 4; }
  ONNXTensorElementDataType GetInputType(std::size_t index) const {
    return index == 1 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
  OrtCustomOpInputOutputCharacteristic GetInputCharacteristic(std::size_t index) const {
    return index == 3 ? INPUT_OUTPUT_OPTIONAL : INPUT_OUTPUT_REQUIRED;
  }
  OrtCustomOpInputOutputCharacteristic GetOutputCharacteristic(std::size_t) const {
    return INPUT_OUTPUT_VARIADIC;
  }
};

/// hearth.GatedSilu: gate * sigmoid(gate) * up. One formula for every element, whatever its place.
class GatedSiluKernel {
 public:
  GatedSiluKernel(OperatorState& state, const OrtKernelInfo*) : state_(state) {}

  OrtStatusPtr ComputeV2(OrtKernelContext* raw) noexcept {
    return as_status([&] { compute(Ort::KernelContext(raw)); });
  }

 private:
  void compute(const Ort::KernelContext& context) {
    const RowsIn gate = rows_in(context.GetInput(0));
    const RowsIn up = rows_in(context.GetInput(1));
    require(gate.rows == up.rows && gate.width == up.width, "gate and up of different sizes");
    float* out = rows_out(context, 0, gate.rows, gate.width);
    const std::int64_t count = gate.rows * gate.width;
    const std::int64_t tasks = count < kElementsWorthThreads ? 1 : state_.tasks;
    for_tasks(context, tasks, [&](std::int64_t task) noexcept {
      const std::int64_t begin = count * task / tasks;
      state_.kernels->gated_silu(gate.data + begin, up.data + begin, out + begin,
                                 count * (task + 1) / tasks - begin);
    });
  }

  OperatorState& state_;
};

struct GatedSiluOp : RowOp<GatedSiluOp, GatedSiluKernel> {
  using RowOp::RowOp;
  const char* GetName() const { return onnx::kGatedSilu.data(); }
  std::size_t GetInputTypeCount() const { return 2; }
  ONNXTensorElementDataType GetInputType(std::size_t) const {
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
};

/// hearth.PagedAttention: writes the step's keys and values into the pool, then attends over it.
class PagedAttentionKernel {
 public:
  PagedAttentionKernel(OperatorState& state, const OrtKernelInfo* info)
      : state_(state),
        layer_(state.layers.at(static_cast<std::size_t>(
            Ort::ConstKernelInfo(info).GetAttribute<std::int64_t>("layer")))) {}

  OrtStatusPtr ComputeV2(OrtKernelContext* raw) noexcept {
    return as_status([&] { compute(Ort::KernelContext(raw)); });
  }

 private:
  void compute(const Ort::KernelContext& context) {
    const RowsIn q = rows_in(context.GetInput(0));
    const kernels::AttentionShape& shape = layer_.shape;
    const std::int64_t q_width = shape.query_heads * shape.head_dim;
    const std::int64_t kv_width = shape.kv_heads * shape.head_dim;
    kernels::AttentionArgs args;
    args.shape = shape;
    args.pool = layer_.pool;
    args.q = q.data;
    args.q_stride = q.width;
    const bool packed = q.width == q_width + 2 * kv_width;
    if (packed) {
      args.k = q.data + q_width;
      args.v = args.k + kv_width;
      args.kv_stride = q.width;
    } else {
      const RowsIn k = rows_in(context.GetInput(1));
      const RowsIn v = rows_in(context.GetInput(2));
      require(q.width == q_width && k.width == kv_width && v.width == kv_width &&
                  k.rows == q.rows && v.rows == q.rows,
              "queries, keys and values of other sizes than the heads");
      args.k = k.data;
      args.v = v.data;
      args.kv_stride = kv_width;
    }
    args.out = rows_out(context, 0, q.rows, q_width);
    args.out_stride = q_width;
    if (q.rows == 0) return;
    read_sequences(context, q.rows);
    args.sequences = sequences_.data();
    args.sequence_count = static_cast<std::int64_t>(sequences_.size());
    const kernels::AttentionPlan plan = kernels::plan_attention(args, state_.tasks);
    args.scratch = state_.attention_scratch.at_least(static_cast<std::size_t>(plan.scratch_bytes));
    for (std::int64_t section = 0; section < plan.sections; ++section) {
      for_tasks(context, plan.tasks,
                [&](std::int64_t task) noexcept { state_.attention(&args, &plan, section, task); });
    }
  }

  void read_sequences(const Ort::KernelContext& context, std::int64_t rows) {
    const auto segments = context.GetInput(3);
    const auto blocks = context.GetInput(4);
    const auto shape = segments.GetTensorTypeAndShapeInfo().GetShape();
    const auto block_shape = blocks.GetTensorTypeAndShapeInfo().GetShape();
    require(shape.size() == 2 && shape[1] == onnx::kSegmentFields && block_shape.size() == 2 &&
                block_shape[0] == shape[0],
            "segments and block tables of other sizes");
    sequences_.clear();
    for (std::int64_t i = 0; i < shape[0]; ++i) {
      const std::int32_t* fields = segments.GetTensorData<std::int32_t>() + i * shape[1];
      const std::int32_t* table = blocks.GetTensorData<std::int32_t>() + i * block_shape[1];
      sequences_.push_back(sequence(fields, table, block_shape[1], rows));
    }
  }

  /// Numbers from the step plan, checked against what they index.
  kernels::AttentionSequence sequence(const std::int32_t* fields, const std::int32_t* table,
                                      std::int64_t table_width, std::int64_t rows) const {
    kernels::AttentionSequence made;
    made.first_row = fields[onnx::kSegmentFirstRow];
    made.rows = fields[onnx::kSegmentRows];
    made.past = fields[onnx::kSegmentPast];
    made.blocks = table;
    made.fast = fields[onnx::kSegmentFast] != 0;
    const bool extended = fields[onnx::kSegmentLongRope] != 0;
    made.cos = extended ? layer_.long_cos : layer_.cos;
    made.sin = extended ? layer_.long_sin : layer_.sin;
    const std::int64_t count = fields[onnx::kSegmentBlocks];
    require(made.first_row >= 0 && made.rows > 0 && made.first_row + made.rows <= rows &&
                made.past >= 0 && count <= table_width &&
                count * layer_.pool.block_tokens >= made.past + made.rows,
            "a segment is out of range");
    require(
        std::all_of(table, table + count,
                    [&](std::int32_t block) { return block >= 0 && block < state_.block_count; }),
        "a block is out of range");
    require(layer_.shape.rotary_dim == 0 || made.cos != nullptr, "a table of angles is missing");
    return made;
  }

  OperatorState& state_;
  const LayerState& layer_;
  std::vector<kernels::AttentionSequence> sequences_;
};

struct PagedAttentionOp : RowOp<PagedAttentionOp, PagedAttentionKernel> {
  using RowOp::RowOp;
  const char* GetName() const { return onnx::kPagedAttention.data(); }
  std::size_t GetInputTypeCount() const { return 5; }
  ONNXTensorElementDataType GetInputType(std::size_t index) const {
    return index < 3 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT : ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
  }
  OrtCustomOpInputOutputCharacteristic GetInputCharacteristic(std::size_t index) const {
    return index == 1 || index == 2 ? INPUT_OUTPUT_OPTIONAL : INPUT_OUTPUT_REQUIRED;
  }
};

}  // namespace

std::byte* Scratch::at_least(std::size_t size) {
  if (size <= size_ && bytes_) return bytes_.get();
  const std::size_t rounded = (std::max<std::size_t>(size, 1) + kScratchAlignment - 1) /
                              kScratchAlignment * kScratchAlignment;
  bytes_.reset();
  size_ = 0;
  bytes_.reset(static_cast<std::byte*>(std::aligned_alloc(kScratchAlignment, rounded)));
  if (!bytes_) throw std::bad_alloc();
  size_ = rounded;
  return bytes_.get();
}

struct HearthOps::Ops {
  explicit Ops(OperatorState& state)
      : quant_linear(state), norm_linear(state), gated_silu(state), attention(state) {
    domain.Add(&quant_linear);
    domain.Add(&norm_linear);
    domain.Add(&gated_silu);
    domain.Add(&attention);
  }
  QuantLinearOp quant_linear;
  NormLinearOp norm_linear;
  GatedSiluOp gated_silu;
  PagedAttentionOp attention;
  Ort::CustomOpDomain domain{onnx::kHearthDomain.data()};
};

HearthOps::HearthOps(OperatorState& state) : ops_(std::make_unique<Ops>(state)) {}
HearthOps::~HearthOps() = default;
const Ort::CustomOpDomain& HearthOps::domain() const { return ops_->domain; }

}  // namespace hearth::runtime

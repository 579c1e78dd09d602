#include "runtime/accelerated_executor.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "base/check.h"
#include "engine/block_pool.h"
#include "runtime/data_tensors.h"
#include "runtime/hearth_ops.h"
#include "runtime/kept_file.h"
#include "runtime/kv_memory.h"
#include "runtime/ort_session.h"
#include "runtime/packed_weights.h"
#include "runtime/rewritten_graph.h"
#include "runtime/tensor_bytes.h"
#include "runtime/thread_count.h"
#include "runtime/weight_mover.h"

namespace hearth::runtime {
namespace {

using engine::SequenceId;

/// Tokens of a block: small enough that a short sequence wastes little, large enough that a table
/// of them stays short.
constexpr std::int64_t kBlockTokens = 64;

/// Rows per step when a sequence is computed again.
constexpr std::int64_t kRecomputeChunkTokens = 256;

/// After a step of more rows the pages of their embeddings are given back: a long prompt touches
/// hundreds of megabytes, and few of them again.
constexpr std::int64_t kRowsToRemember = 64;

struct Sequence {
  explicit Sequence(engine::BlockPool& pool) : table(pool) {}

  std::vector<TokenId> tokens;  ///< all that it holds; table.tokens() of them are computed
  std::int64_t prompt_tokens = 0;
  std::int64_t capacity_tokens = 0;
  bool long_rope = false;  ///< computed with the long rotary table, from the first token on
  engine::BlockTable table;

  std::int64_t size() const { return static_cast<std::int64_t>(tokens.size()); }
};

/// Rows of one sequence in one run of the graph.
struct Piece {
  Sequence* sequence = nullptr;
  std::int64_t rows = 0;
  bool fast = false;
  std::int64_t logit_rows = 0;   ///< of how many of its last rows logits are wanted
  std::size_t result_place = 0;  ///< row of the step's result where the first of these goes
};

Result<const kernels::KernelSet*> choose_kernels(const AcceleratedOptions& options) {
  if (!options.isa) return &kernels::best_kernels();
  return kernels::kernels_for(*options.isa);
}

Result<void> check_options(const SessionOptions& options) {
  if (!options.enable_kv_cache) {
    return fail(ErrorCode::kUnsupported,
                "enableKVCache is false, and only the stock executor can do without a cache");
  }
  return {};
}

void describe(const kernels::KernelSet& kernels, const AcceleratedOptions& options,
              ExecutionReport& report) {
  report.executor = "accelerated";
  report.isa = kernels::name_of(kernels.isa);
  report.recipe = options.recipe == Recipe::kExact ? "exact" : "fast";
  report.kv_cache = kernels::name_of(options.kv_element);
}

/// The tables and vectors of a layer; `tables` follow the order of RaggedGraph::tables.
struct LayerFloats {
  std::vector<float> sinks;
  std::vector<float> q_norm;
  std::vector<float> k_norm;
};

Result<std::vector<float>> read_vector(TensorBytes& tensors,
                                       const std::optional<::onnx::TensorProto>& tensor) {
  if (!tensor) return std::vector<float>{};
  HEARTH_TRY(const auto values, tensors.floats(*tensor));
  return std::vector<float>(values.begin(), values.end());
}

const float* data_or_null(const std::vector<float>& values) {
  return values.empty() ? nullptr : values.data();
}

kernels::AttentionShape attention_shape(const onnx::AttentionLayer& layer,
                                        const LayerFloats& floats) {
  kernels::AttentionShape shape;
  shape.query_heads = layer.query_heads;
  shape.kv_heads = layer.kv_heads;
  shape.head_dim = layer.head_dim;
  shape.rotary_dim = layer.rotary_dim;
  shape.rotary_interleaved = layer.rotary_interleaved;
  shape.scale = layer.scale != 0
                    ? layer.scale
                    : static_cast<float>(1.0 / std::sqrt(static_cast<double>(layer.head_dim)));
  shape.softcap = layer.softcap;
  shape.window = layer.window;
  shape.sinks = data_or_null(floats.sinks);
  shape.q_norm = data_or_null(floats.q_norm);
  shape.k_norm = data_or_null(floats.k_norm);
  shape.norm_epsilon = layer.norm_epsilon;
  return shape;
}

}  // namespace

struct AcceleratedExecutor::State {
  onnx::RaggedGraph graph;  // without its model and its tensors once the session is open
  std::int64_t context_length = 0;
  Recipe recipe = Recipe::kExact;
  std::optional<PackedWeights> weights;
  std::vector<LayerFloats> layer_floats;
  KvMemory kv_memory;
  OperatorState operators;
  std::optional<HearthOps> ops;
  DataTensors data_tensors;
  OrtSession ort;
  std::optional<WeightMover> mover;
  MovePace pace;
  std::optional<engine::BlockPool> pool;
  std::map<SequenceId, Sequence> sequences;
  SequenceId next_id = 1;

  Result<void> open_graph(const ModelFolder& model, const AcceleratedOptions& options,
                          const onnx::PassSwitches& switches, int threads);
  Result<void> open_layers(const std::filesystem::path& folder);
  Result<void> open_pool(const AcceleratedOptions& options);

  bool crosses_long_rope(std::int64_t tokens) const {
    return graph.long_rope && tokens > graph.long_rope->threshold_tokens;
  }
  Result<void> check(const engine::SequenceSpec& spec) const;
  Result<void> reserve(Sequence& sequence, const engine::SequenceSpec& spec);
  void move_weights(const engine::StepPlan& plan, std::chrono::nanoseconds step);
  std::optional<Piece> next_piece(Sequence& sequence, std::int64_t added) const;
  Result<void> run_pieces(std::span<const Piece> pieces, std::vector<float>& logits);
};

/// The graph, and the packed weights of it. A kept graph has no tensors to pack: where there are no
/// packed weights for it, it is rewritten once more.
Result<void> AcceleratedExecutor::State::open_graph(const ModelFolder& model,
                                                    const AcceleratedOptions& options,
                                                    const onnx::PassSwitches& switches,
                                                    int threads) {
  HEARTH_TRY(RewrittenGraph rewritten, rewritten_graph(model, switches, options.cache_folder));
  const auto paths = kept_paths(model.model_file, options.cache_folder, "packed");
  HEARTH_TRY(const Digest source, weight_source(model.model_digest, model.folder, rewritten.graph));
  auto opened = open_packed(paths, source, rewritten.graph, threads);
  if (!opened) {
    if (!rewritten.has_tensors) {
      HEARTH_TRY(rewritten.graph, rewrite_graph(model, switches));
    }
    opened =
        write_packed(paths, source, rewritten.graph, model.folder, threads, options.on_packing);
  }
  HEARTH_TRY(weights, std::move(opened));
  operators.linears = weights->linears();
  drop_tensors(rewritten);
  graph = std::move(rewritten.graph);
  return {};
}

Result<void> AcceleratedExecutor::State::open_layers(const std::filesystem::path& folder) {
  TensorBytes tensors(folder);
  layer_floats.resize(graph.layers.size());
  std::vector<std::size_t> first_table;
  std::size_t tables = 0;
  for (const onnx::RotaryTables& rotary : graph.tables) {
    first_table.push_back(tables);
    tables += rotary.long_cos ? 4 : 2;
  }
  for (std::size_t i = 0; i < graph.layers.size(); ++i) {
    const onnx::AttentionLayer& layer = graph.layers[i];
    HEARTH_TRY(layer_floats[i].sinks, read_vector(tensors, layer.sinks));
    HEARTH_TRY(layer_floats[i].q_norm, read_vector(tensors, layer.q_norm));
    HEARTH_TRY(layer_floats[i].k_norm, read_vector(tensors, layer.k_norm));
    LayerState state;
    state.shape = attention_shape(layer, layer_floats[i]);
    if (layer.tables) {
      const auto* angles = &weights->tables()[first_table[*layer.tables]];
      const bool both = graph.tables[*layer.tables].long_cos.has_value();
      state.cos = angles[0].data();
      state.sin = angles[1].data();
      state.long_cos = both ? angles[2].data() : nullptr;
      state.long_sin = both ? angles[3].data() : nullptr;
    }
    operators.layers.push_back(state);
  }
  return {};
}

/// Address space for as many blocks as may be used; pages come as blocks are written.
Result<void> AcceleratedExecutor::State::open_pool(const AcceleratedOptions& options) {
  const kernels::KvElement element = options.kv_element;
  std::uint64_t bytes_per_block = 0;
  for (const LayerState& layer : operators.layers) {
    bytes_per_block += 2 * static_cast<std::uint64_t>(kernels::kv_block_bytes(
                               layer.shape.kv_heads, layer.shape.head_dim, kBlockTokens, element));
  }
  const std::uint64_t budget =
      options.kv_pool_bytes_max > 0 ? options.kv_pool_bytes_max : available_memory_bytes() / 2;
  constexpr std::uint64_t kBlocksMax = std::uint64_t{1} << 30;
  const std::uint64_t blocks = std::clamp<std::uint64_t>(
      budget / std::max<std::uint64_t>(bytes_per_block, 1), 1, kBlocksMax);
  HEARTH_TRY(kv_memory, KvMemory::reserve(blocks * bytes_per_block));
  std::byte* at = kv_memory.data();
  for (LayerState& layer : operators.layers) {
    const auto bytes =
        blocks * static_cast<std::uint64_t>(kernels::kv_block_bytes(
                     layer.shape.kv_heads, layer.shape.head_dim, kBlockTokens, element));
    layer.pool = {at, at + bytes, kBlockTokens, element};
    at += 2 * bytes;
  }
  operators.block_count = static_cast<std::int64_t>(blocks);
  pool.emplace(static_cast<std::int64_t>(blocks), kBlockTokens);
  return {};
}

Result<std::unique_ptr<AcceleratedExecutor>> AcceleratedExecutor::load(
    const ModelFolder& model, const SessionOptions& options, const onnx::PassSwitches& switches) {
  HEARTH_TRY_VOID(check_options(options));
  HEARTH_TRY(const kernels::KernelSet* const kernels, choose_kernels(options.accelerated));
  const int threads = options.intra_op_num_threads > 0
                          ? static_cast<int>(options.intra_op_num_threads)
                          : default_thread_count();
  auto state = std::make_unique<State>();
  HEARTH_TRY_VOID(state->open_graph(model, options.accelerated, switches, threads));
  state->context_length = model.config.context_length;
  if (state->graph.rotary_positions > 0) {
    state->context_length = std::min(state->context_length, state->graph.rotary_positions);
  }
  state->recipe = options.accelerated.recipe;
  state->operators.kernels = kernels;
  state->operators.attention = kernels::attention_for(kernels->isa);
  state->operators.tasks = threads;
  HEARTH_TRY_VOID(state->open_layers(model.folder));
  HEARTH_TRY_VOID(state->open_pool(options.accelerated));
  state->ops.emplace(state->operators);
  HEARTH_TRY(state->data_tensors, guard_ort("mapping the model's data", [&] {
               return DataTensors::open(state->graph.model, model.folder);
             }));
  HEARTH_TRY(state->ort,
             open_ragged_session(state->graph.model.SerializeAsString(), model.folder,
                                 state->data_tensors, state->ops->domain(), threads, options));
  state->graph.model.Clear();
  if (options.accelerated.move_weights) {
    state->mover.emplace(*state->weights, state->operators.linears, threads);
  }
  describe(*kernels, options.accelerated, state->ort.report);
  return std::unique_ptr<AcceleratedExecutor>(new AcceleratedExecutor(std::move(state)));
}

Result<ExecutionReport> AcceleratedExecutor::plan(const ModelFolder& model,
                                                  const SessionOptions& options) {
  HEARTH_TRY_VOID(check_options(options));
  HEARTH_TRY(const kernels::KernelSet* const kernels, choose_kernels(options.accelerated));
  HEARTH_TRY_VOID(rewritten_graph(model, {}, options.accelerated.cache_folder));
  ExecutionReport report;
  report.providers = {"cpu"};
  describe(*kernels, options.accelerated, report);
  return report;
}

AcceleratedExecutor::AcceleratedExecutor(std::unique_ptr<State> state) : state_(std::move(state)) {}
AcceleratedExecutor::~AcceleratedExecutor() = default;

std::int64_t AcceleratedExecutor::vocab_size() const { return state_->graph.vocab_size; }
const ExecutionReport& AcceleratedExecutor::report() const { return state_->ort.report; }
std::uint64_t AcceleratedExecutor::weight_bytes_read() const {
  return state_->operators.weight_bytes;
}
std::uint64_t AcceleratedExecutor::packed_bytes() const { return state_->weights->size_bytes(); }
bool AcceleratedExecutor::weights_settled() const {
  return !state_->mover || state_->mover->finished();
}

Result<void> AcceleratedExecutor::State::check(const engine::SequenceSpec& spec) const {
  HEARTH_CHECK(spec.prompt_tokens > 0 && spec.capacity_tokens >= spec.prompt_tokens);
  if (spec.capacity_tokens <= context_length) return {};
  return fail(ErrorCode::kContextTooLong,
              "the request needs " + std::to_string(spec.capacity_tokens) +
                  " tokens of context, the model has " + std::to_string(context_length));
}

Result<void> AcceleratedExecutor::State::reserve(Sequence& sequence,
                                                 const engine::SequenceSpec& spec) {
  sequence.prompt_tokens = spec.prompt_tokens;
  sequence.capacity_tokens = spec.capacity_tokens;
  if (sequence.table.reserve(spec.capacity_tokens)) return {};
  return fail(ErrorCode::kResourceExhausted,
              "keys and values of " + std::to_string(spec.capacity_tokens) +
                  " tokens do not fit: " + std::to_string(pool->free_blocks() * kBlockTokens) +
                  " tokens of the pool's " + std::to_string(pool->block_count() * kBlockTokens) +
                  " are free");
}

Result<SequenceId> AcceleratedExecutor::open_sequence(const engine::SequenceSpec& spec) {
  HEARTH_TRY_VOID(state_->check(spec));
  Sequence sequence(*state_->pool);
  sequence.long_rope = state_->crosses_long_rope(spec.prompt_tokens);
  HEARTH_TRY_VOID(state_->reserve(sequence, spec));
  const SequenceId id = state_->next_id++;
  state_->sequences.emplace(id, std::move(sequence));
  return id;
}

Result<std::int64_t> AcceleratedExecutor::rewind_sequence(SequenceId sequence,
                                                          const engine::SequenceSpec& spec,
                                                          std::int64_t keep_tokens) {
  const auto found = state_->sequences.find(sequence);
  HEARTH_CHECK(found != state_->sequences.end());
  Sequence& held = found->second;
  HEARTH_CHECK(keep_tokens >= 0 && keep_tokens <= held.size() && keep_tokens <= spec.prompt_tokens);
  HEARTH_TRY_VOID(state_->check(spec));
  const bool long_rope = state_->crosses_long_rope(spec.prompt_tokens);
  const std::int64_t kept =
      long_rope == held.long_rope ? std::min(keep_tokens, held.table.tokens()) : 0;
  held.long_rope = long_rope;
  held.tokens.resize(static_cast<std::size_t>(kept));
  held.table.truncate(kept);
  held.table.shrink();
  HEARTH_TRY_VOID(state_->reserve(held, spec));
  return kept;
}

void AcceleratedExecutor::State::move_weights(const engine::StepPlan& plan,
                                              std::chrono::nanoseconds step) {
  if (!mover || mover->finished()) return;
  const bool generating = std::ranges::all_of(
      plan.segments, [](const engine::Segment& segment) { return segment.tokens.size() == 1; });
  const auto budget = pace.after_step(generating, step);
  if (budget > std::chrono::nanoseconds::zero()) mover->move_for(budget);
}

void AcceleratedExecutor::close_sequence(SequenceId sequence) {
  HEARTH_CHECK(state_->sequences.erase(sequence) == 1);
}

/// What of the sequence runs next; nothing when all of it is computed. Rows of the prompt and rows
/// behind it never share a piece, because they may take different recipes.
std::optional<Piece> AcceleratedExecutor::State::next_piece(Sequence& sequence,
                                                            std::int64_t added) const {
  const std::int64_t done = sequence.table.tokens();
  if (done == sequence.size()) return std::nullopt;
  std::int64_t end = std::min(sequence.size(), done + std::max(added, kRecomputeChunkTokens));
  Piece piece;
  piece.sequence = &sequence;
  if (recipe == Recipe::kFast && done < sequence.prompt_tokens) {
    end = std::min(end, sequence.prompt_tokens);
    piece.fast = true;
  }
  piece.rows = end - done;
  return piece;
}

/// One run of the graph. `pieces` come with the exact ones before the fast ones.
Result<void> AcceleratedExecutor::State::run_pieces(std::span<const Piece> pieces,
                                                    std::vector<float>& logits) {
  std::size_t table_width = 0;
  for (const Piece& piece : pieces) {
    table_width = std::max(table_width, piece.sequence->table.blocks().size());
  }
  std::vector<std::int64_t> ids;
  std::vector<std::int32_t> segments;
  std::vector<std::int32_t> blocks;
  std::vector<std::int64_t> wanted;
  std::vector<std::size_t> places;
  std::int32_t exact_rows = 0;
  for (const Piece& piece : pieces) {
    const Sequence& sequence = *piece.sequence;
    const std::int64_t past = sequence.table.tokens();
    const auto first_row = static_cast<std::int32_t>(ids.size());
    ids.insert(ids.end(), sequence.tokens.begin() + past,
               sequence.tokens.begin() + past + piece.rows);
    std::array<std::int32_t, onnx::kSegmentFields> fields{};
    fields[onnx::kSegmentFirstRow] = first_row;
    fields[onnx::kSegmentRows] = static_cast<std::int32_t>(piece.rows);
    fields[onnx::kSegmentPast] = static_cast<std::int32_t>(past);
    fields[onnx::kSegmentBlocks] = static_cast<std::int32_t>(sequence.table.blocks().size());
    fields[onnx::kSegmentLongRope] = sequence.long_rope ? 1 : 0;
    fields[onnx::kSegmentFast] = piece.fast ? 1 : 0;
    segments.insert(segments.end(), fields.begin(), fields.end());
    blocks.insert(blocks.end(), sequence.table.blocks().begin(), sequence.table.blocks().end());
    blocks.resize(segments.size() / onnx::kSegmentFields * table_width, 0);
    if (!piece.fast) exact_rows = static_cast<std::int32_t>(ids.size());
    for (std::int64_t row = 0; row < piece.logit_rows; ++row) {
      wanted.push_back(static_cast<std::int64_t>(ids.size()) - piece.logit_rows + row);
      places.push_back(piece.result_place + static_cast<std::size_t>(row));
    }
  }

  const auto cpu = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const auto tensor = [&]<class T>(std::vector<T>& data, const std::vector<std::int64_t>& shape) {
    return Ort::Value::CreateTensor<T>(cpu, data.data(), data.size(), shape.data(), shape.size());
  };
  const auto count = static_cast<std::int64_t>(pieces.size());
  std::vector<std::int32_t> exact{exact_rows};
  std::int64_t nowhere = 0;  // a tensor without elements still wants an address
  const std::array<Ort::Value, 5> inputs{
      tensor(ids, {1, static_cast<std::int64_t>(ids.size())}),
      tensor(segments, {count, onnx::kSegmentFields}),
      tensor(blocks, {count, static_cast<std::int64_t>(table_width)}), tensor(exact, {1}),
      wanted.empty() ? Ort::Value::CreateTensor<std::int64_t>(cpu, &nowhere, 0, &nowhere, 1)
                     : tensor(wanted, {static_cast<std::int64_t>(wanted.size())})};
  const std::array<const char*, 5> names{graph.names.ids.c_str(), graph.names.segments.c_str(),
                                         graph.names.blocks.c_str(), graph.names.exact_rows.c_str(),
                                         graph.names.logit_rows.c_str()};
  const auto vocab = static_cast<std::size_t>(graph.vocab_size);
  // Straight to where they belong, unless there are rows of other runs or in another order.
  const bool in_order = places.size() * vocab == logits.size() && std::ranges::is_sorted(places);
  std::vector<float> apart(in_order ? 0 : wanted.size() * vocab);
  std::vector<float>& rows = in_order ? logits : apart;
  Ort::Value result{nullptr};
  if (!wanted.empty()) {
    result = tensor(rows, {1, static_cast<std::int64_t>(wanted.size()), graph.vocab_size});
  }
  const char* output = graph.names.logits.c_str();
  ort.session.Run(Ort::RunOptions{nullptr}, names.data(), inputs.data(), inputs.size(), &output,
                  &result, 1);
  for (std::size_t i = 0; i < places.size() && !in_order; ++i) {
    std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(i * vocab), vocab,
                logits.begin() + static_cast<std::ptrdiff_t>(places[i] * vocab));
  }
  for (const Piece& piece : pieces) piece.sequence->table.append(piece.rows);
  return {};
}

Result<engine::StepResult> AcceleratedExecutor::run(const engine::StepPlan& plan) {
  return guard_ort("running the model", [&]() -> Result<engine::StepResult> {
    const auto start = std::chrono::steady_clock::now();
    engine::StepResult result;
    struct Work {
      Sequence* sequence;
      std::int64_t added;
      std::int64_t logit_rows;
      std::int64_t place;  // of its first row of logits
    };
    std::vector<Work> work;
    std::int64_t wanted = 0;
    for (const engine::Segment& segment : plan.segments) {
      const auto found = state_->sequences.find(segment.sequence);
      HEARTH_CHECK(found != state_->sequences.end() && !segment.tokens.empty());
      Sequence& sequence = found->second;
      sequence.tokens.insert(sequence.tokens.end(), segment.tokens.begin(), segment.tokens.end());
      HEARTH_CHECK(sequence.size() <= sequence.capacity_tokens);
      if (!sequence.long_rope && state_->crosses_long_rope(sequence.size())) {
        result.recomputed_tokens += sequence.table.tokens();
        sequence.long_rope = true;
        sequence.table.truncate(0);
      }
      const auto added = static_cast<std::int64_t>(segment.tokens.size());
      const std::int64_t logit_rows = segment.wants_logits ? segment.logit_rows : 0;
      HEARTH_CHECK(logit_rows <= added && (logit_rows > 0) == segment.wants_logits);
      work.push_back({&sequence, added, logit_rows, wanted});
      wanted += logit_rows;
    }
    result.logits.resize(static_cast<std::size_t>(wanted * state_->graph.vocab_size));
    for (;;) {
      std::vector<Piece> pieces;
      for (const Work& item : work) {
        auto piece = state_->next_piece(*item.sequence, item.added);
        if (!piece) continue;
        // What is wanted may be spread over several pieces: this one has what is not behind it.
        const std::int64_t behind =
            item.sequence->size() - item.sequence->table.tokens() - piece->rows;
        piece->logit_rows = std::clamp<std::int64_t>(item.logit_rows - behind, 0, piece->rows);
        piece->result_place =
            static_cast<std::size_t>(item.place + item.logit_rows - behind - piece->logit_rows);
        pieces.push_back(*piece);
      }
      if (pieces.empty()) break;
      std::stable_partition(pieces.begin(), pieces.end(),
                            [](const Piece& piece) { return !piece.fast; });
      HEARTH_TRY_VOID(state_->run_pieces(pieces, result.logits));
      std::int64_t rows = 0;
      for (const Piece& piece : pieces) rows += piece.rows;
      if (rows > kRowsToRemember) state_->data_tensors.forget();
    }
    state_->move_weights(plan, std::chrono::steady_clock::now() - start);
    return result;
  });
}

}  // namespace hearth::runtime

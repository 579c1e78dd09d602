#include "runtime/stock_executor.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "base/check.h"
#include "runtime/kv_cache.h"
#include "runtime/ort_session.h"

namespace hearth::runtime {
namespace {

/// Rows per call when a history is computed again. The attention operator keeps probabilities of
/// [heads, rows, total] and the graph gives logits of every row, so one call for a long prompt
/// would need gigabytes.
constexpr std::int64_t kRecomputeChunkTokens = 256;

struct Sequence {
  std::vector<TokenId> tokens;  ///< all that it holds or will hold once deferred ones are computed
  std::int64_t capacity_tokens = 0;
  std::int64_t cached_tokens = 0;  ///< tokens whose keys and values are in the cache
  bool long_rope = false;          ///< computed with the long rotary table, from the first token on
  std::optional<KvCache> cache;    ///< none when every step computes the whole sequence
};

/// The last `wanted` rows of [1, rows, vocab] as float32. What a graph computes need not be what it
/// declares.
Result<std::vector<float>> last_rows(const Ort::Value& logits, std::int64_t wanted,
                                     std::int64_t vocab_size) {
  const auto info = logits.GetTensorTypeAndShapeInfo();
  const auto count = static_cast<std::int64_t>(info.GetElementCount());
  const std::vector<std::int64_t> shape = info.GetShape();
  if (shape.empty() || shape.back() != vocab_size || count < wanted * vocab_size) {
    return fail(ErrorCode::kCorrupt, "the model gives logits of width " +
                                         std::to_string(shape.empty() ? 0 : shape.back()) +
                                         " where its graph declares " + std::to_string(vocab_size));
  }
  const auto offset = static_cast<std::size_t>(count - wanted * vocab_size);
  std::vector<float> rows(static_cast<std::size_t>(wanted * vocab_size));
  if (info.GetElementType() == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16) {
    const auto* data = logits.GetTensorData<Ort::Float16_t>() + offset;
    std::transform(data, data + rows.size(), rows.begin(),
                   [](Ort::Float16_t h) { return h.ToFloat(); });
  } else if (info.GetElementType() == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
    const auto* data = logits.GetTensorData<float>() + offset;
    std::copy(data, data + rows.size(), rows.begin());
  } else {
    return fail(ErrorCode::kUnsupported, "the model's logits have ONNX Runtime's element type " +
                                             std::to_string(info.GetElementType()) +
                                             "; float32 and float16 can be read");
  }
  return rows;
}

}  // namespace

struct StockExecutor::State {
  OrtSession ort;
  onnx::DecoderGraphInfo graph;
  onnx::DecoderIoNames io;
  KvShape kv;
  std::int64_t context_length = 0;
  bool enable_kv_cache = true;
  std::vector<std::string> past_names;     // [layers * 2]
  std::vector<std::string> present_names;  // [layers * 2]
  std::map<engine::SequenceId, Sequence> sequences;
  engine::SequenceId next_id = 1;

  bool crosses_long_rope(std::int64_t tokens) const {
    return graph.long_rope && tokens > graph.long_rope->threshold_tokens;
  }

  /// A graph with position_ids chooses its table by the highest position of the call, so a long
  /// sequence's first rows must be in one call with its last ones.
  bool long_table_needs_whole_prompt() const { return graph.has_position_ids; }

  Result<void> check(const engine::SequenceSpec& spec) const;
  Result<void> rewind(Sequence& sequence, std::int64_t kept_tokens,
                      std::int64_t capacity_tokens) const;
  Result<std::vector<float>> run_segment(Sequence& sequence, const engine::Segment& segment,
                                         std::int64_t& recomputed_tokens);
  Result<std::vector<float>> compute(Sequence& sequence, std::int64_t count,
                                     std::int64_t logit_rows);
  Result<std::vector<float>> compute_rest(Sequence& sequence, std::int64_t chunk_tokens,
                                          std::int64_t logit_rows);
  void bind_cache(Ort::IoBinding& binding, const Sequence& sequence, const KvCache& empty) const;
};

/// Without a cache of its own the sequence starts from an empty past, and the presents are not
/// asked for.
void StockExecutor::State::bind_cache(Ort::IoBinding& binding, const Sequence& sequence,
                                      const KvCache& empty) const {
  const auto cpu = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const KvCache& cache = sequence.cache ? *sequence.cache : empty;
  for (std::size_t i = 0; i < past_names.size(); ++i) {
    const auto& past = cache.past(static_cast<std::int64_t>(i / 2), static_cast<int>(i % 2));
    binding.BindInput(past_names[i].c_str(), past);
    if (cache.is_shared()) {
      binding.BindOutput(present_names[i].c_str(), past);
    } else if (sequence.cache) {
      binding.BindOutput(present_names[i].c_str(), cpu);
    }
  }
}

/// One call of the graph: the next `count` tokens that are not yet in the cache. The logits are
/// those of the last `logit_rows` of them.
Result<std::vector<float>> StockExecutor::State::compute(Sequence& sequence, std::int64_t count,
                                                         std::int64_t logit_rows) {
  const std::int64_t past = sequence.cached_tokens;
  const std::int64_t total = past + count;
  // The mask's width is the length that the LongRoPE switch compares; its ones are the real length.
  const std::int64_t mask_width = sequence.long_rope && !long_table_needs_whole_prompt()
                                      ? std::max(total, graph.long_rope->threshold_tokens + 1)
                                      : total;
  std::vector<std::int64_t> ids(sequence.tokens.begin() + past, sequence.tokens.begin() + total);
  std::vector<std::int64_t> mask(static_cast<std::size_t>(mask_width), 0);
  std::fill_n(mask.begin(), total, 1);
  std::vector<std::int64_t> positions(static_cast<std::size_t>(count));
  std::iota(positions.begin(), positions.end(), past);

  const auto cpu = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const auto tensor = [&](std::vector<std::int64_t>& data) {
    const std::int64_t dims[] = {1, static_cast<std::int64_t>(data.size())};
    return Ort::Value::CreateTensor<std::int64_t>(cpu, data.data(), data.size(), dims, 2);
  };
  const Ort::Value ids_tensor = tensor(ids);
  const Ort::Value mask_tensor = tensor(mask);
  const Ort::Value positions_tensor = tensor(positions);

  Ort::IoBinding binding(ort.session);
  binding.BindInput(io.input_ids.c_str(), ids_tensor);
  if (graph.has_attention_mask) binding.BindInput(io.attention_mask.c_str(), mask_tensor);
  if (graph.has_position_ids) binding.BindInput(io.position_ids.c_str(), positions_tensor);
  binding.BindOutput(io.logits.c_str(), cpu);
  const KvCache empty = KvCache::growing(sequence.cache ? KvShape{} : kv);
  bind_cache(binding, sequence, empty);

  ort.session.Run(Ort::RunOptions{nullptr}, binding);

  std::vector<Ort::Value> outputs = binding.GetOutputValues();  // logits, then the presents
  std::vector<float> logits;
  if (logit_rows > 0) {
    HEARTH_TRY(logits, last_rows(outputs.front(), logit_rows, graph.vocab_size));
  }
  if (sequence.cache) sequence.cached_tokens = total;
  if (sequence.cache && !sequence.cache->is_shared()) {
    outputs.erase(outputs.begin());
    sequence.cache->replace(std::move(outputs));
  }
  return logits;
}

/// Everything that the sequence holds and its cache does not. The last `logit_rows` rows may be
/// spread over several calls.
Result<std::vector<float>> StockExecutor::State::compute_rest(Sequence& sequence,
                                                              std::int64_t chunk_tokens,
                                                              std::int64_t logit_rows) {
  std::vector<float> logits;
  for (;;) {
    const std::int64_t rest =
        static_cast<std::int64_t>(sequence.tokens.size()) - sequence.cached_tokens;
    const std::int64_t count = std::min(rest, chunk_tokens);
    const std::int64_t wanted = std::clamp<std::int64_t>(logit_rows - (rest - count), 0, count);
    HEARTH_TRY(auto rows, compute(sequence, count, wanted));
    if (logits.empty()) {
      logits = std::move(rows);
    } else {
      logits.insert(logits.end(), rows.begin(), rows.end());
    }
    if (count == rest) return logits;
  }
}

Result<std::vector<float>> StockExecutor::State::run_segment(Sequence& sequence,
                                                             const engine::Segment& segment,
                                                             std::int64_t& recomputed_tokens) {
  const auto added = static_cast<std::int64_t>(segment.tokens.size());
  const auto held = static_cast<std::int64_t>(sequence.tokens.size());
  const std::int64_t logit_rows = segment.wants_logits ? segment.logit_rows : 0;
  HEARTH_CHECK(added > 0 && held + added <= sequence.capacity_tokens);
  HEARTH_CHECK(logit_rows <= added && (logit_rows > 0) == segment.wants_logits);
  sequence.tokens.insert(sequence.tokens.end(), segment.tokens.begin(), segment.tokens.end());

  if (!sequence.cache) {
    if (!segment.wants_logits) return std::vector<float>{};
    recomputed_tokens += held;
    return compute(sequence, held + added, logit_rows);
  }
  if (!sequence.long_rope && crosses_long_rope(held + added)) {
    recomputed_tokens += sequence.cached_tokens;
    sequence.long_rope = true;
    sequence.cached_tokens = 0;
    sequence.cache->truncate(0);
  }
  // Rows that would choose the short table by themselves wait for the row that chooses the long
  // one.
  const bool whole = sequence.long_rope && long_table_needs_whole_prompt();
  if (whole && !crosses_long_rope(held + added) && !segment.wants_logits) {
    return std::vector<float>{};
  }
  const std::int64_t chunk = whole ? held + added : std::max(added, kRecomputeChunkTokens);
  return compute_rest(sequence, chunk, logit_rows);
}

StockExecutor::StockExecutor(std::unique_ptr<State> state) : state_(std::move(state)) {}
StockExecutor::~StockExecutor() = default;

Result<std::unique_ptr<StockExecutor>> StockExecutor::load(const ModelFolder& model,
                                                           const SessionOptions& options) {
  auto state = std::make_unique<State>();
  state->graph = model.graph;
  state->io = model.config.io;
  state->context_length = model.config.context_length;
  state->enable_kv_cache = options.enable_kv_cache;
  HEARTH_TRY(state->kv, kv_shape(model.graph));
  for (std::int64_t layer = 0; layer < model.graph.layers; ++layer) {
    for (const auto* pattern : {&state->io.past_key, &state->io.past_value}) {
      HEARTH_TRY(std::string name, onnx::layer_name(*pattern, layer));
      state->past_names.push_back(std::move(name));
    }
    for (const auto* pattern : {&state->io.present_key, &state->io.present_value}) {
      HEARTH_TRY(std::string name, onnx::layer_name(*pattern, layer));
      state->present_names.push_back(std::move(name));
    }
  }
  HEARTH_TRY(state->ort, open_ort_session(model.model_file, options));
  return std::unique_ptr<StockExecutor>(new StockExecutor(std::move(state)));
}

std::int64_t StockExecutor::vocab_size() const { return state_->graph.vocab_size; }

const ExecutionReport& StockExecutor::report() const { return state_->ort.report; }

Result<void> StockExecutor::State::check(const engine::SequenceSpec& spec) const {
  HEARTH_CHECK(spec.prompt_tokens > 0 && spec.capacity_tokens >= spec.prompt_tokens);
  if (spec.capacity_tokens <= context_length) return {};
  return fail(ErrorCode::kContextTooLong,
              "the request needs " + std::to_string(spec.capacity_tokens) +
                  " tokens of context, the model has " + std::to_string(context_length));
}

/// Forgets all but the first `kept_tokens`, and makes room for `capacity_tokens`.
Result<void> StockExecutor::State::rewind(Sequence& sequence, std::int64_t kept_tokens,
                                          std::int64_t capacity_tokens) const {
  sequence.tokens.resize(static_cast<std::size_t>(kept_tokens));
  sequence.cached_tokens = kept_tokens;
  sequence.capacity_tokens = capacity_tokens;
  if (!sequence.cache) return {};
  sequence.cache->truncate(kept_tokens);
  if (!sequence.cache->is_shared()) return {};
  const std::int64_t current = sequence.cache->capacity_tokens();
  const std::int64_t wished = next_capacity(current, capacity_tokens, context_length);
  if (wished == current || sequence.cache->resize(wished, kept_tokens)) return {};
  return sequence.cache->resize(capacity_tokens, kept_tokens);
}

Result<engine::SequenceId> StockExecutor::open_sequence(const engine::SequenceSpec& spec) {
  HEARTH_TRY_VOID(state_->check(spec));
  return guard_ort("allocating the key-value cache", [&]() -> Result<engine::SequenceId> {
    Sequence sequence;
    sequence.capacity_tokens = spec.capacity_tokens;
    sequence.long_rope = state_->crosses_long_rope(spec.prompt_tokens);
    if (state_->enable_kv_cache && state_->graph.uses_group_query_attention) {
      HEARTH_TRY(sequence.cache, KvCache::shared(state_->kv, spec.capacity_tokens));
    } else if (state_->enable_kv_cache) {
      sequence.cache = KvCache::growing(state_->kv);
    }
    const engine::SequenceId id = state_->next_id++;
    state_->sequences.emplace(id, std::move(sequence));
    return id;
  });
}

Result<std::int64_t> StockExecutor::rewind_sequence(engine::SequenceId sequence,
                                                    const engine::SequenceSpec& spec,
                                                    std::int64_t keep_tokens) {
  const auto found = state_->sequences.find(sequence);
  HEARTH_CHECK(found != state_->sequences.end());
  Sequence& held = found->second;
  HEARTH_CHECK(keep_tokens >= 0 && keep_tokens <= static_cast<std::int64_t>(held.tokens.size()) &&
               keep_tokens <= spec.prompt_tokens);
  HEARTH_TRY_VOID(state_->check(spec));
  return guard_ort("rewinding the key-value cache", [&]() -> Result<std::int64_t> {
    const bool long_rope = state_->crosses_long_rope(spec.prompt_tokens);
    const std::int64_t kept =
        long_rope == held.long_rope ? std::min(keep_tokens, held.cached_tokens) : 0;
    held.long_rope = long_rope;
    HEARTH_TRY_VOID(state_->rewind(held, kept, spec.capacity_tokens));
    return kept;
  });
}

void StockExecutor::close_sequence(engine::SequenceId sequence) {
  HEARTH_CHECK(state_->sequences.erase(sequence) == 1);
}

Result<engine::StepResult> StockExecutor::run(const engine::StepPlan& plan) {
  return guard_ort("running the model", [&]() -> Result<engine::StepResult> {
    engine::StepResult result;
    for (const engine::Segment& segment : plan.segments) {
      const auto found = state_->sequences.find(segment.sequence);
      HEARTH_CHECK(found != state_->sequences.end());
      HEARTH_TRY(const auto logits,
                 state_->run_segment(found->second, segment, result.recomputed_tokens));
      result.logits.insert(result.logits.end(), logits.begin(), logits.end());
    }
    return result;
  });
}

}  // namespace hearth::runtime

#include "app/request_settings.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "kernels/attention.h"
#include "kernels/registry.h"

namespace hearth::app {
namespace {

runtime::GraphOptimization graph_optimization(std::string_view name) {
  if (name == "disabled") return runtime::GraphOptimization::kDisabled;
  if (name == "basic") return runtime::GraphOptimization::kBasic;
  if (name == "extended") return runtime::GraphOptimization::kExtended;
  return runtime::GraphOptimization::kAll;
}

runtime::ExecutorChoice executor_choice(std::string_view name) {
  if (name == "stock") return runtime::ExecutorChoice::kStock;
  if (name == "accelerated") return runtime::ExecutorChoice::kAccelerated;
  return runtime::ExecutorChoice::kAuto;
}

bool is_greedy(const engine::SamplingParams& params) {
  return params.temperature == 0.0 || params.top_k == 1;
}

}  // namespace

runtime::SessionOptions session_options(const Settings& settings) {
  runtime::SessionOptions made;
  made.enable_mem_pattern =
      settings.boolean_or(SettingId::kEnableMemPattern, made.enable_mem_pattern);
  made.enable_cpu_mem_arena =
      settings.boolean_or(SettingId::kEnableCpuMemArena, made.enable_cpu_mem_arena);
  made.graph_optimization_level =
      graph_optimization(settings.text_or(SettingId::kGraphOptimizationLevel, "all"));
  made.intra_op_num_threads =
      settings.integer_or(SettingId::kIntraOpNumThreads, made.intra_op_num_threads);
  made.inter_op_num_threads =
      settings.integer_or(SettingId::kInterOpNumThreads, made.inter_op_num_threads);
  made.enable_kv_cache = settings.boolean_or(SettingId::kEnableKvCache, made.enable_kv_cache);
  runtime::ExecutionProviderChoice& choice = made.execution_providers;
  choice.names = settings.texts(SettingId::kExecutionProviders);
  choice.gpu_acceleration =
      settings.boolean_or(SettingId::kGpuAcceleration, choice.gpu_acceleration);
  choice.cuda.device_id = settings.integer_or(SettingId::kCudaDeviceId, choice.cuda.device_id);
  choice.cuda.cudnn_conv_algo_search =
      settings.text_or(SettingId::kCudnnConvAlgoSearch, choice.cuda.cudnn_conv_algo_search);
  made.executor = executor_choice(settings.text_or(SettingId::kExecutor, "auto"));
  if (const std::string isa = settings.text_or(SettingId::kIsa, ""); !isa.empty()) {
    made.accelerated.isa = kernels::parse_isa(isa).value();  // the table allows no other name
  }
  if (settings.text_or(SettingId::kRecipe, "exact") == "fast") {
    made.accelerated.recipe = runtime::Recipe::kFast;
  }
  const std::string kv_cache = settings.text_or(SettingId::kKvCacheType, "bf16");
  made.accelerated.kv_element = kernels::parse_kv_element(kv_cache).value();  // likewise
  made.accelerated.move_weights = settings.text_or(SettingId::kWeightMemory, "own") == "own";
  return made;
}

void put_model_defaults(const runtime::SearchDefaults& search, Settings& settings) {
  const Origin origin{OriginLevel::kModel, "the model's genai_config.json"};
  settings.put(SettingId::kTemperature, search.do_sample ? search.temperature : 0.0, origin);
  settings.put(SettingId::kRepetitionPenalty, search.repetition_penalty, origin);
  if (!search.do_sample) return;
  settings.put(SettingId::kTopK, search.top_k, origin);
  settings.put(SettingId::kTopP, search.top_p > 0 ? search.top_p : 1.0, origin);
}

void put_built_in_numbers(std::int64_t context_tokens, Settings& settings) {
  const engine::SamplingParams sampling;
  const provider::ChatRequest request;
  const std::pair<SettingId, SettingValue> numbers[] = {
      {SettingId::kMaxTokens, request.max_tokens},
      {SettingId::kMinTokens, request.min_tokens},
      {SettingId::kTemperature, sampling.temperature},
      {SettingId::kTopP, sampling.top_p},
      {SettingId::kTopK, sampling.top_k},
      {SettingId::kRepetitionPenalty, sampling.repetition_penalty},
      {SettingId::kMaxContextTokens, context_tokens}};
  for (const auto& [id, value] : numbers) {
    if (settings.find(id) == nullptr) settings.put(id, value, {OriginLevel::kModel, "built-in"});
  }
}

engine::SamplingParams sampling_params(const Settings& settings, std::uint64_t random_seed) {
  engine::SamplingParams params;
  params.temperature = settings.number_or(SettingId::kTemperature, params.temperature);
  params.top_k = settings.integer_or(SettingId::kTopK, params.top_k);
  params.top_p = settings.number_or(SettingId::kTopP, params.top_p);
  params.repetition_penalty =
      settings.number_or(SettingId::kRepetitionPenalty, params.repetition_penalty);
  const ResolvedValue* seed = settings.find(SettingId::kSeed);
  params.seed = seed != nullptr ? static_cast<std::uint64_t>(std::get<std::int64_t>(seed->value))
                                : random_seed;
  return params;
}

bool strict_tool_calls(const Settings& settings) {
  return settings.text_or(SettingId::kToolCalls, "strict") == "strict";
}

std::vector<std::string> settings_without_effect(const Settings& settings) {
  const engine::SamplingParams params = sampling_params(settings, 0);
  if (!is_greedy(params)) return {};
  const char* const reason = params.temperature == 0.0 ? "the temperature is 0" : "top-k is 1";
  std::vector<std::string> notes;
  for (const SettingId id : {SettingId::kTemperature, SettingId::kTopP, SettingId::kTopK}) {
    const ResolvedValue* found = settings.find(id);
    if (found == nullptr || found->origin.level < OriginLevel::kFile) continue;
    if (found->value == SettingValue{0.0} || found->value == SettingValue{std::int64_t{0}} ||
        found->value == SettingValue{std::int64_t{1}} || found->value == SettingValue{1.0}) {
      continue;
    }
    notes.push_back(
        fmt::format("{} {} ({}) has no effect because {}: the likeliest token is always "
                    "taken",
                    setting(id).name, value_in_words(found->value), found->origin.words, reason));
  }
  return notes;
}

provider::ChatRequest request_from(const Settings& settings, std::uint64_t random_seed) {
  provider::ChatRequest request;
  request.sampling = sampling_params(settings, random_seed);
  request.max_tokens = settings.integer_or(SettingId::kMaxTokens, request.max_tokens);
  request.min_tokens = settings.integer_or(SettingId::kMinTokens, request.min_tokens);
  request.stop = settings.texts(SettingId::kStop);
  request.strict_tool_calls = strict_tool_calls(settings);
  request.max_context_tokens =
      settings.integer_or(SettingId::kMaxContextTokens, request.max_context_tokens);
  request.sliding_window = settings.boolean_or(SettingId::kSlidingWindow, request.sliding_window);
  return request;
}

std::vector<protocol::Message> conversation(const std::optional<std::string>& system_prompt,
                                            const Settings& settings, const std::string& task) {
  std::vector<protocol::Message> messages;
  if (system_prompt && !system_prompt->empty()) {
    messages.emplace_back();
    messages.back().role = protocol::Role::kSystem;
    messages.back().content = *system_prompt;
  }
  std::string prefix = settings.text_or(SettingId::kPromptPrefix, "");
  if (!prefix.empty() && !prefix.ends_with('\n')) prefix += '\n';
  messages.emplace_back();
  messages.back().role = protocol::Role::kUser;
  messages.back().content = prefix + task;
  return messages;
}

}  // namespace hearth::app

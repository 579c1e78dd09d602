#include "app/request_settings.h"

#include <gtest/gtest.h>

#include "kernels/attention.h"

namespace hearth::app {
namespace {

const Origin kFlag{OriginLevel::kFlag, "flag"};

Settings with_model(const runtime::SearchDefaults& search, Settings settings = {}) {
  put_model_defaults(search, settings);
  return settings;
}

TEST(Sampling, AModelThatIsGreedyStaysGreedy) {
  const auto params = sampling_params(with_model({.do_sample = false, .top_k = 1}), 5);
  EXPECT_EQ(params.temperature, 0.0);
  EXPECT_EQ(params.seed, 5U);
}

TEST(Sampling, ATemperatureIsNotUndoneByAGreedyModelsTopK) {
  Settings settings;
  settings.put(SettingId::kTemperature, 0.7, kFlag);
  const auto params = sampling_params(
      with_model({.do_sample = false, .temperature = 1, .top_p = 0.5, .top_k = 1}, settings), 0);
  EXPECT_EQ(params.temperature, 0.7);
  EXPECT_EQ(params.top_k, 0);
  EXPECT_EQ(params.top_p, 1.0);
}

TEST(Sampling, AModelThatSamplesGivesItsValues) {
  const auto params = sampling_params(with_model({.do_sample = true,
                                                  .temperature = 0.6,
                                                  .top_p = 0.95,
                                                  .top_k = 20,
                                                  .repetition_penalty = 1.1}),
                                      0);
  EXPECT_EQ(params.temperature, 0.6);
  EXPECT_EQ(params.top_p, 0.95);
  EXPECT_EQ(params.top_k, 20);
  EXPECT_EQ(params.repetition_penalty, 1.1);
}

TEST(Sampling, EveryAllowedValueIsAcceptedByTheEngine) {
  Settings settings;
  settings.put(SettingId::kTemperature, setting(SettingId::kTemperature).number_max, kFlag);
  settings.put(SettingId::kTopP, setting(SettingId::kTopP).number_max, kFlag);
  settings.put(SettingId::kTopK, setting(SettingId::kTopK).integer_max, kFlag);
  settings.put(SettingId::kRepetitionPenalty, setting(SettingId::kRepetitionPenalty).number_max,
               kFlag);
  EXPECT_TRUE(engine::validate(sampling_params(settings, 0)));
  EXPECT_TRUE(engine::validate(sampling_params({}, 0)));
}

TEST(Sampling, SaysWhenASettingCannotMatter) {
  Settings settings;
  settings.put(SettingId::kTopP, 0.9, kFlag);
  EXPECT_EQ(settings_without_effect(with_model({}, settings)).size(), 1U);
  settings.put(SettingId::kTemperature, 0.5, kFlag);
  EXPECT_TRUE(settings_without_effect(with_model({}, settings)).empty());
  settings.put(SettingId::kTopK, std::int64_t{1}, kFlag);
  const auto notes = settings_without_effect(with_model({}, settings));
  EXPECT_EQ(notes.size(), 2U);  // the temperature and top-p
}

TEST(Sampling, AnAgentsDefaultsAreNotComplainedAbout) {
  Settings settings;
  settings.put(SettingId::kTopP, 0.9, {OriginLevel::kAgent, "agent"});
  settings.put(SettingId::kTemperature, 0.0, kFlag);
  EXPECT_TRUE(settings_without_effect(settings).empty());
}

TEST(Session, EverySessionSettingArrives) {
  Settings settings;
  settings.put(SettingId::kEnableMemPattern, false, kFlag);
  settings.put(SettingId::kEnableCpuMemArena, false, kFlag);
  settings.put(SettingId::kEnableKvCache, false, kFlag);
  settings.put(SettingId::kGraphOptimizationLevel, std::string("extended"), kFlag);
  settings.put(SettingId::kIntraOpNumThreads, std::int64_t{3}, kFlag);
  settings.put(SettingId::kInterOpNumThreads, std::int64_t{2}, kFlag);
  settings.put(SettingId::kExecutionProviders, std::vector<std::string>{"cuda"}, kFlag);
  settings.put(SettingId::kGpuAcceleration, false, kFlag);
  settings.put(SettingId::kCudaDeviceId, std::int64_t{1}, kFlag);
  settings.put(SettingId::kCudnnConvAlgoSearch, std::string("DEFAULT"), kFlag);
  const runtime::SessionOptions options = session_options(settings);
  EXPECT_FALSE(options.enable_mem_pattern);
  EXPECT_FALSE(options.enable_cpu_mem_arena);
  EXPECT_FALSE(options.enable_kv_cache);
  EXPECT_EQ(options.graph_optimization_level, runtime::GraphOptimization::kExtended);
  EXPECT_EQ(options.intra_op_num_threads, 3);
  EXPECT_EQ(options.inter_op_num_threads, 2);
  EXPECT_EQ(options.execution_providers.names, std::vector<std::string>{"cuda"});
  EXPECT_FALSE(options.execution_providers.gpu_acceleration);
  EXPECT_EQ(options.execution_providers.cuda.device_id, 1);
  EXPECT_EQ(options.execution_providers.cuda.cudnn_conv_algo_search, "DEFAULT");
}

TEST(Session, EveryCacheTypeOfTheTableArrives) {
  EXPECT_EQ(session_options({}).accelerated.kv_element, kernels::KvElement::kBf16);
  const auto& names = setting(SettingId::kKvCacheType).choices;
  EXPECT_EQ(names.size(), 3U);
  for (const std::string_view name : names) {
    Settings settings;
    settings.put(SettingId::kKvCacheType, std::string(name), kFlag);
    EXPECT_EQ(kernels::name_of(session_options(settings).accelerated.kv_element), name);
  }
}

TEST(Request, EveryRequestSettingArrives) {
  Settings settings;
  settings.put(SettingId::kMaxTokens, std::int64_t{7}, kFlag);
  settings.put(SettingId::kMinTokens, std::int64_t{3}, kFlag);
  settings.put(SettingId::kStop, std::vector<std::string>{"x"}, kFlag);
  settings.put(SettingId::kMaxContextTokens, std::int64_t{50}, kFlag);
  settings.put(SettingId::kSlidingWindow, false, kFlag);
  settings.put(SettingId::kSeed, std::int64_t{9}, kFlag);
  const provider::ChatRequest request = request_from(settings, 1);
  EXPECT_EQ(request.max_tokens, 7);
  EXPECT_EQ(request.min_tokens, 3);
  EXPECT_EQ(request.stop, std::vector<std::string>{"x"});
  EXPECT_EQ(request.max_context_tokens, 50);
  EXPECT_FALSE(request.sliding_window);
  EXPECT_EQ(request.sampling.seed, 9U);
}

TEST(Conversation, SystemPromptThenPrefixThenTask) {
  Settings settings;
  settings.put(SettingId::kPromptPrefix, std::string("Be brief."), kFlag);
  const auto messages = conversation("You help.", settings, "What?");
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].role, protocol::Role::kSystem);
  EXPECT_EQ(messages[0].content, "You help.");
  EXPECT_EQ(messages[1].role, protocol::Role::kUser);
  EXPECT_EQ(messages[1].content, "Be brief.\nWhat?");
  EXPECT_EQ(conversation("", {}, "What?").size(), 1U);
  EXPECT_EQ(conversation({}, {}, "What?")[0].content, "What?");
}

}  // namespace
}  // namespace hearth::app

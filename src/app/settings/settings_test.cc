#include "app/settings/settings.h"

#include <gtest/gtest.h>

#include "app/request_settings.h"
#include "app/settings/names.h"

namespace hearth::app {
namespace {

/// All five sources give a temperature; tests take them away one by one.
SettingSources all_sources() {
  SettingSources sources;
  sources.flags[SettingId::kTemperature] = {"0.1"};
  sources.environment = Environment::of({{"ONNX_TEMPERATURE", "0.2"}});
  sources.file = ConfigFile{"router.config.json", {{SettingId::kTemperature, 0.35}}, {}, {}};
  sources.agent = *find_agent("documenter");
  return sources;
}

void expect_temperature(const SettingSources& sources, double value, const std::string& from) {
  auto settings = resolve_settings(sources);
  ASSERT_TRUE(settings) << settings.error().message;
  put_model_defaults({.do_sample = true, .temperature = 0.9}, *settings);
  const ResolvedValue* found = settings->find(SettingId::kTemperature);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->value, SettingValue{value});
  EXPECT_EQ(found->origin.words, from);
}

TEST(Precedence, FlagsThenEnvironmentThenFileThenAgentThenModel) {
  SettingSources sources = all_sources();
  expect_temperature(sources, 0.1, "flag --temperature");
  sources.flags.clear();
  expect_temperature(sources, 0.2, "environment variable ONNX_TEMPERATURE");
  sources.environment = Environment::of({{"ONNX_TEMPERATURE", ""}});  // empty counts as not set
  expect_temperature(sources, 0.35, "router.config.json: providers.onnx.temperature");
  sources.file.reset();
  expect_temperature(sources, 0.6, "agent 'documenter'");
  sources.agent = nullptr;
  expect_temperature(sources, 0.9, "the model's genai_config.json");
}

TEST(Precedence, ALosingValueMustStillBeValid) {
  SettingSources sources = all_sources();
  sources.environment = Environment::of({{"ONNX_TEMPERATURE", "hot"}});
  const auto settings = resolve_settings(sources);
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().message,
            "ONNX_TEMPERATURE is \"hot\"; expected a number from 0 to 100");
}

TEST(Precedence, ALosingValueNeedNotBeAvailable) {
  SettingSources sources;
  sources.flags[SettingId::kProvider] = {"onnx"};
  sources.environment = Environment::of({{"PROVIDER", "anthropic"}});
  EXPECT_TRUE(resolve_settings(sources));
  sources.flags.clear();
  const auto settings = resolve_settings(sources);
  ASSERT_FALSE(settings);
  EXPECT_NE(settings.error().message.find("not available yet"), std::string::npos);
}

TEST(Environment, AliasesAgreeOrAreRefused) {
  SettingSources sources;
  sources.environment = Environment::of({{"ONNX_MAX_CONTEXT_TOKENS", "2000"}});
  EXPECT_EQ(resolve_settings(sources)->integer_or(SettingId::kMaxContextTokens, 0), 2000);
  sources.environment =
      Environment::of({{"ONNX_MAX_CONTEXT_TOKENS", "2000"}, {"ONNX_MAX_CONTEXT", "2000"}});
  EXPECT_TRUE(resolve_settings(sources));
  sources.environment =
      Environment::of({{"ONNX_MAX_CONTEXT_TOKENS", "2000"}, {"ONNX_MAX_CONTEXT", "1000"}});
  const auto settings = resolve_settings(sources);
  ASSERT_FALSE(settings);
  for (const char* part : {"ONNX_MAX_CONTEXT", "ONNX_MAX_CONTEXT_TOKENS", "1000", "2000"}) {
    EXPECT_NE(settings.error().message.find(part), std::string::npos) << part;
  }
}

TEST(Environment, UnknownVariablesAreWarnedOf) {
  SettingSources sources;
  sources.environment = Environment::of(
      {{"ONNX_TEMPRATURE", "1"}, {"ONNX_SOMETHING_ELSE", "1"}, {"ONNXRUNTIME_ROOT", "/x"}});
  const auto settings = resolve_settings(sources);
  ASSERT_TRUE(settings);
  ASSERT_EQ(settings->warnings.size(), 2U);
  EXPECT_EQ(settings->warnings[0].find("did you mean"), std::string::npos);
  EXPECT_NE(settings->warnings[1].find("did you mean ONNX_TEMPERATURE?"), std::string::npos);
}

TEST(Environment, SlipsInHearthsOwnVariablesAreWarnedOf) {
  SettingSources sources;
  sources.environment = Environment::of({{"HEARTH_MODEL_DIR", "/m"},
                                         {"HEARTH_MODELS_DIR", "/m"},
                                         {"HEARTH_ISA", "portable"},
                                         {"HEARTH_DIR", "/m"},
                                         {"HEARTH_HOST", "here"},
                                         {"HEARTH_LOG_DIR", "/m"},
                                         {"HEARTH_DEPLOYMENT_OF_MINE", "1"}});
  const auto settings = resolve_settings(sources);
  ASSERT_TRUE(settings);
  ASSERT_EQ(settings->warnings.size(), 1U);
  EXPECT_NE(settings->warnings[0].find("did you mean HEARTH_MODELS_DIR?"), std::string::npos);
}

TEST(Provider, LocalMeansOnnx) {
  SettingSources sources;
  sources.local = true;
  sources.environment = Environment::of({{"PROVIDER", "anthropic"}});
  const auto settings = resolve_settings(sources);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->find(SettingId::kProvider)->origin.words, "flag --local");
  sources.flags[SettingId::kProvider] = {"anthropic"};
  EXPECT_FALSE(resolve_settings(sources));
}

TEST(Sections, AreRefusedUnlessTheProviderWasChosenByHand) {
  SettingSources sources;
  sources.file = ConfigFile{"router.config.json", {}, {"routing"}, {"anthropic"}};
  const auto refused = resolve_settings(sources);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  for (const char* part : {"router.config.json", "routing", "not available yet", "--provider"}) {
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << part;
  }
  sources.flags[SettingId::kProvider] = {"onnx"};
  const auto settings = resolve_settings(sources);
  ASSERT_TRUE(settings);
  ASSERT_EQ(settings->warnings.size(), 1U);
  EXPECT_NE(settings->warnings[0].find("routing, providers.anthropic"), std::string::npos);
}

TEST(Sections, OtherProvidersAloneAreOnlyWarnedOf) {
  SettingSources sources;
  sources.file = ConfigFile{"router.config.json", {}, {}, {"anthropic"}};
  const auto settings = resolve_settings(sources);
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->warnings.size(), 1U);
}

TEST(Together, MinTokensMayNotExceedMaxTokens) {
  SettingSources sources;
  sources.flags[SettingId::kMinTokens] = {"20"};
  sources.environment = Environment::of({{"ONNX_MAX_TOKENS", "10"}});
  const auto settings = resolve_settings(sources);
  ASSERT_FALSE(settings);
  for (const char* part : {"--min-tokens", "20", "ONNX_MAX_TOKENS", "10"}) {
    EXPECT_NE(settings.error().message.find(part), std::string::npos) << part;
  }
}

TEST(Stop, MayBeGivenSeveralTimes) {
  SettingSources sources;
  sources.flags[SettingId::kStop] = {"a", ",b"};
  EXPECT_EQ(resolve_settings(sources)->texts(SettingId::kStop),
            (std::vector<std::string>{"a", ",b"}));
  sources.flags[SettingId::kStop] = {"a", ""};
  EXPECT_FALSE(resolve_settings(sources));
}

TEST(NearestName, FindsTypingErrorsOnly) {
  constexpr std::string_view kNames[] = {"temperature", "topP", "topK"};
  EXPECT_EQ(nearest_name("temprature", kNames), "temperature");
  EXPECT_EQ(nearest_name("Temperature", kNames), "temperature");
  EXPECT_EQ(nearest_name("topk", kNames), "topK");
  EXPECT_EQ(nearest_name("seed", kNames), "");
  EXPECT_EQ(nearest_name("", kNames), "");
  EXPECT_EQ(nearest_name(std::string(100000, 'x'), kNames), "");
}

}  // namespace
}  // namespace hearth::app

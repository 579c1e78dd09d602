// The table against the list of names that users know, and every form of value.
#include "app/settings/setting.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "runtime/execution_providers.h"

namespace hearth::app {
namespace {

std::set<std::string> all_names() {
  std::set<std::string> names;
  for (const Setting& row : setting_table()) {
    for (const std::string_view name : row.environment) names.insert(std::string(name));
    if (!row.file_key.empty()) names.insert(std::string(row.file_key));
    if (!row.flag.empty()) names.insert(std::string(row.flag));
  }
  return names;
}

TEST(SettingTable, HasEveryEnvironmentVariableOfTheSpecification) {
  const std::set<std::string> names = all_names();
  for (const char* name :
       {"ONNX_MODEL_PATH", "ONNX_MODEL_VARIANT", "ONNX_EXECUTION_PROVIDERS",
        "ONNX_EXECUTION_PROVIDER", "ONNX_MAX_TOKENS", "ONNX_MAX_CONTEXT", "ONNX_MAX_CONTEXT_TOKENS",
        "ONNX_TEMPERATURE", "ONNX_TOP_K", "ONNX_TOP_P", "ONNX_REPETITION_PENALTY",
        "ONNX_PROMPT_PREFIX", "ONNX_SLIDING_WINDOW", "ONNX_CACHE_SYSTEM_PROMPTS",
        "ONNX_LOG_PERFORMANCE", "PROVIDER"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(SettingTable, HasEveryKeyOfTheOnnxProvider) {
  const std::set<std::string> names = all_names();
  for (const char* name : {"modelPath",
                           "modelId",
                           "executionProviders",
                           "gpuAcceleration",
                           "cudaOptions.deviceId",
                           "cudaOptions.cudnnConvAlgoSearch",
                           "localInference",
                           "useLocalONNX",
                           "maxTokens",
                           "minTokens",
                           "temperature",
                           "topP",
                           "topK",
                           "repetitionPenalty",
                           "lengthPenalty",
                           "earlyStopping",
                           "maxContextTokens",
                           "slidingWindow",
                           "enableKVCache",
                           "cacheSystemPrompts",
                           "enableMemPattern",
                           "enableCpuMemArena",
                           "graphOptimizationLevel",
                           "intraOpNumThreads",
                           "interOpNumThreads",
                           "enableProfiling",
                           "logPerformance"}) {
    EXPECT_TRUE(names.contains(std::string("providers.onnx.") + name)) << name;
  }
}

TEST(SettingTable, HasEverySettingFlagOfRun) {
  const std::set<std::string> names = all_names();
  for (const char* name : {"--provider", "--model", "--max-tokens", "--min-tokens", "--temperature",
                           "--top-k", "--top-p", "--repetition-penalty", "--seed", "--stop"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(SettingTable, NamesNothingTwice) {
  std::set<std::string> names;
  std::set<SettingId> ids;
  for (const Setting& row : setting_table()) {
    EXPECT_TRUE(ids.insert(row.id).second) << row.name;
    EXPECT_TRUE(names.insert(std::string(row.name)).second) << row.name;
    EXPECT_FALSE(row.meaning.empty()) << row.name;
    EXPECT_FALSE(row.default_words.empty()) << row.name;
    EXPECT_FALSE(names_in_words(row).empty()) << row.name;
  }
}

TEST(SettingTable, OffersTheExecutionProvidersThatTheRuntimeKnows) {
  std::set<std::string> offered;
  for (const std::string_view name : setting(SettingId::kExecutionProviders).choices) {
    offered.insert(std::string(name));
  }
  const auto& known = runtime::known_execution_providers();
  EXPECT_EQ(offered, std::set<std::string>(known.begin(), known.end()));
}

struct TextCase {
  SettingId id;
  const char* text;
  std::optional<SettingValue> expected;  // nothing: refused
};

TEST(SettingValue, IsReadFromText) {
  using Texts = std::vector<std::string>;
  const TextCase cases[] = {
      {SettingId::kTemperature, "0", 0.0},
      {SettingId::kTemperature, " 0.25 ", 0.25},
      {SettingId::kTemperature, "100", 100.0},
      {SettingId::kTemperature, "100.1", {}},
      {SettingId::kTemperature, "-0.1", {}},
      {SettingId::kTemperature, "nan", {}},
      {SettingId::kTemperature, "inf", {}},
      {SettingId::kTemperature, "warm", {}},
      {SettingId::kTemperature, "0.5x", {}},
      {SettingId::kTemperature, "", {}},
      {SettingId::kTopP, "0", {}},
      {SettingId::kTopP, "1e-9", 1e-9},
      {SettingId::kTopP, "1", 1.0},
      {SettingId::kTopP, "1.0001", {}},
      {SettingId::kMaxTokens, "1", std::int64_t{1}},
      {SettingId::kMaxTokens, "0", {}},
      {SettingId::kMaxTokens, "-5", {}},
      {SettingId::kMaxTokens, "2.5", {}},
      {SettingId::kMaxTokens, "99999999999999999999", {}},
      {SettingId::kSeed, "9223372036854775807", std::int64_t{9223372036854775807}},
      {SettingId::kSlidingWindow, "TRUE", true},
      {SettingId::kSlidingWindow, "0", false},
      {SettingId::kSlidingWindow, "maybe", {}},
      {SettingId::kGraphOptimizationLevel, "Basic", std::string("basic")},
      {SettingId::kGraphOptimizationLevel, "most", {}},
      {SettingId::kCudnnConvAlgoSearch, "heuristic", std::string("HEURISTIC")},
      {SettingId::kExecutionProviders, "cuda, CPU", Texts{"cuda", "cpu"}},
      {SettingId::kExecutionProviders, "cuda,,cpu", {}},
      {SettingId::kExecutionProviders, "cpu,cpu", {}},
      {SettingId::kExecutionProviders, "npu", {}},
      {SettingId::kModelPath, "ember", std::string("ember")},
      {SettingId::kModelPath, "", {}},
  };
  for (const TextCase& one : cases) {
    const auto value = parse_setting_text(setting(one.id), one.text, "HERE");
    ASSERT_EQ(value.has_value(), one.expected.has_value())
        << setting(one.id).name << " \"" << one.text << "\"";
    if (value) {
      EXPECT_EQ(*value, *one.expected) << setting(one.id).name << " " << one.text;
    } else {
      EXPECT_EQ(value.error().code, ErrorCode::kInvalidArgument);
      EXPECT_TRUE(value.error().message.starts_with("HERE ")) << value.error().message;
    }
  }
}

TEST(SettingValue, ErrorsGiveTheAllowedRange) {
  const auto message = [](SettingId id, const char* text) {
    return parse_setting_text(setting(id), text, "HERE").error().message;
  };
  EXPECT_EQ(message(SettingId::kTopP, "1.5"),
            "HERE is \"1.5\"; expected a number above 0, at most 1");
  EXPECT_EQ(message(SettingId::kTopK, "x"),
            "HERE is \"x\"; expected a whole number from 0 to 1000000");
  EXPECT_EQ(message(SettingId::kGraphOptimizationLevel, "x"),
            "HERE is \"x\"; expected one of disabled, basic, extended, all");
  EXPECT_EQ(message(SettingId::kSlidingWindow, "x"), "HERE is \"x\"; expected true or false");
}

TEST(SettingValue, TypesInFilesAreStrict) {
  const auto fits = [](SettingId id, const char* json) {
    return parse_setting_json(setting(id), Json::parse(json), "HERE").has_value();
  };
  EXPECT_TRUE(fits(SettingId::kMaxTokens, "5"));
  EXPECT_FALSE(fits(SettingId::kMaxTokens, "\"5\""));
  EXPECT_FALSE(fits(SettingId::kMaxTokens, "5.0"));
  EXPECT_FALSE(fits(SettingId::kMaxTokens, "18446744073709551615"));
  EXPECT_TRUE(fits(SettingId::kTemperature, "1"));
  EXPECT_FALSE(fits(SettingId::kTemperature, "true"));
  EXPECT_FALSE(fits(SettingId::kSlidingWindow, "1"));
  EXPECT_FALSE(fits(SettingId::kSlidingWindow, "\"true\""));
  EXPECT_TRUE(fits(SettingId::kExecutionProviders, R"(["cuda", "cpu"])"));
  EXPECT_FALSE(fits(SettingId::kExecutionProviders, R"("cpu")"));
  EXPECT_FALSE(fits(SettingId::kExecutionProviders, "[]"));
  EXPECT_FALSE(fits(SettingId::kExecutionProviders, "[1]"));
  EXPECT_FALSE(fits(SettingId::kModelPath, "5"));
}

TEST(Availability, NamesFlagVariableAndFileKey) {
  const auto provider = check_available(setting(SettingId::kProvider), std::string("openai"), "x");
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().code, ErrorCode::kInvalidArgument);
  for (const char* part :
       {"not available yet", "--provider", "PROVIDER", "defaultProvider", "openai"}) {
    EXPECT_NE(provider.error().message.find(part), std::string::npos) << part;
  }
}

TEST(Availability, AcceptsTheValueThatIsWhatHappensAnyway) {
  EXPECT_TRUE(check_available(setting(SettingId::kLengthPenalty), 1.0, "x"));
  EXPECT_FALSE(check_available(setting(SettingId::kLengthPenalty), 1.2, "x"));
  EXPECT_TRUE(check_available(setting(SettingId::kLocalInference), true, "x"));
  EXPECT_FALSE(check_available(setting(SettingId::kLocalInference), false, "x"));
  EXPECT_FALSE(check_available(setting(SettingId::kEnableProfiling), true, "x"));
  EXPECT_FALSE(check_available(setting(SettingId::kEarlyStopping), true, "x"));
}

}  // namespace
}  // namespace hearth::app

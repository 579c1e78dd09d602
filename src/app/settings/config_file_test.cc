#include "app/settings/config_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace hearth::app {
namespace {

namespace fs = std::filesystem;

const Environment kEnvironment =
    Environment::of({{"HOME", "/home/ada"}, {"NAME", "value"}, {"N", "7"}});

Result<ConfigFile> parse(const std::string& text) {
  return parse_config(text, "/etc/router.config.json", kEnvironment);
}

/// A file with `block` as providers.onnx.
Result<ConfigFile> parse_onnx(const std::string& block) {
  return parse(R"({"providers": {"onnx": )" + block + "}}");
}

void expect_error(const Result<ConfigFile>& result, const std::vector<std::string>& parts) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  for (const std::string& part : parts) {
    EXPECT_NE(result.error().message.find(part), std::string::npos)
        << part << " is not in: " << result.error().message;
  }
}

class FolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::path(::testing::TempDir()) /
        (std::string("hearth_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path touch(const fs::path& relative) const {
    fs::create_directories((folder_ / relative).parent_path());
    std::ofstream(folder_ / relative) << "{}";
    return folder_ / relative;
  }

  fs::path folder_;
};

TEST(ParseConfig, AKeyThatIsThereTwiceIsRefused) {
  expect_error(parse_onnx(R"({"temperature": 0.1, "topP": 0.5, "temperature": 0.9})"),
               {"/etc/router.config.json", "\"temperature\" is there twice"});
  expect_error(parse(R"({"version": "1", "providers": {}, "providers": {}})"), {"\"providers\""});
  EXPECT_TRUE(parse(R"({"version": "1", "providers": {"onnx": {}, "ollama": {}}})"))
      << "the same key in two objects is none twice";
}

using FindConfigFile = FolderTest;

TEST_F(FindConfigFile, LooksInOrder) {
  const Environment plain = Environment::of({{"HOME", (folder_ / "home").string()}});
  const fs::path work = folder_ / "work";
  EXPECT_EQ(*find_config_file({}, plain, work), std::nullopt);

  const fs::path in_home = touch("home/.config/hearth/router.config.json");
  EXPECT_EQ(*find_config_file({}, plain, work), in_home);

  const fs::path in_xdg = touch("xdg/hearth/router.config.json");
  const Environment xdg = Environment::of(
      {{"HOME", (folder_ / "home").string()}, {"XDG_CONFIG_HOME", (folder_ / "xdg").string()}});
  EXPECT_EQ(*find_config_file({}, xdg, work), in_xdg);

  const fs::path here = touch("work/router.config.json");
  EXPECT_EQ(*find_config_file({}, xdg, work), here);

  const fs::path by_variable = touch("variable.json");
  const Environment with_variable = Environment::of({{"HEARTH_CONFIG", by_variable.string()}});
  EXPECT_EQ(*find_config_file({}, with_variable, work), by_variable);

  const fs::path by_flag = touch("flag.json");
  EXPECT_EQ(*find_config_file(by_flag.string(), with_variable, work), by_flag);
}

TEST_F(FindConfigFile, ANamedFileMustExist) {
  const auto by_flag = find_config_file("/nowhere/a.json", kEnvironment, folder_);
  ASSERT_FALSE(by_flag);
  EXPECT_EQ(by_flag.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(by_flag.error().message.find("--config"), std::string::npos);
  EXPECT_NE(by_flag.error().message.find("/nowhere/a.json"), std::string::npos);
  const auto by_variable =
      find_config_file({}, Environment::of({{"HEARTH_CONFIG", "/nowhere/b.json"}}), folder_);
  ASSERT_FALSE(by_variable);
  EXPECT_NE(by_variable.error().message.find("HEARTH_CONFIG"), std::string::npos);
}

TEST(ParseConfig, ReadsEveryKindOfValue) {
  const auto config = parse(R"({
    "version": "1.0", "defaultProvider": "onnx", "fallbackChain": ["onnx"],
    "routing": {"mode": "manual", "rules": []}, "cache": {}, "monitoring": null,
    "providers": {"onnx": {
      "modelId": "microsoft/Phi-4-mini-instruct-onnx", "executionProviders": ["cuda", "cpu"],
      "cudaOptions": {"deviceId": 1, "cudnnConvAlgoSearch": "DEFAULT"},
      "maxTokens": 100, "temperature": 0.7, "slidingWindow": false, "topK": null}}})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->values.at(SettingId::kProvider), SettingValue{std::string("onnx")});
  EXPECT_EQ(config->values.at(SettingId::kMaxTokens), SettingValue{std::int64_t{100}});
  EXPECT_EQ(config->values.at(SettingId::kTemperature), SettingValue{0.7});
  EXPECT_EQ(config->values.at(SettingId::kSlidingWindow), SettingValue{false});
  EXPECT_EQ(config->values.at(SettingId::kCudaDeviceId), SettingValue{std::int64_t{1}});
  EXPECT_EQ(config->values.at(SettingId::kExecutionProviders),
            (SettingValue{std::vector<std::string>{"cuda", "cpu"}}));
  EXPECT_FALSE(config->values.contains(SettingId::kTopK));
  EXPECT_TRUE(config->later_sections.empty());
  EXPECT_TRUE(config->other_providers.empty());
}

TEST(ParseConfig, RefusesWhatItDoesNotKnow) {
  expect_error(parse(R"({"provider": {}})"), {"/etc/router.config.json", "provider", "providers"});
  expect_error(parse_onnx(R"({"maxTokenz": 5})"),
               {"providers.onnx.maxTokenz", "did you mean maxTokens?", "temperature"});
  expect_error(parse_onnx(R"({"cudaOptions": {"device": 1}})"),
               {"providers.onnx.cudaOptions.device", "deviceId"});
  expect_error(parse(R"({"providers": {"onyx": {}}})"), {"providers.onyx", "did you mean onnx?"});
  expect_error(parse(R"({"fallbackChain": ["nobody"]})"), {"fallbackChain", "nobody", "anthropic"});
  expect_error(parse(R"({"defaultProvider": "nobody"})"), {"defaultProvider", "nobody", "onnx"});
}

TEST(ParseConfig, RefusesWrongTypesAndRanges) {
  expect_error(parse_onnx(R"({"maxTokens": "5"})"),
               {"/etc/router.config.json: providers.onnx.maxTokens is \"5\"", "a whole number"});
  expect_error(parse_onnx(R"({"temperature": 101})"), {"providers.onnx.temperature", "101", "100"});
  expect_error(parse_onnx(R"({"cudaOptions": 3})"), {"cudaOptions", "an object"});
  expect_error(parse_onnx("[]"), {"providers.onnx", "an object"});
  expect_error(parse(R"({"providers": []})"), {"providers", "an object"});
  expect_error(parse(R"({"providers": {"openai": 1}})"), {"providers.openai", "an object"});
  expect_error(parse(R"({"routing": "rule-based"})"), {"routing", "an object"});
  expect_error(parse(R"({"version": []})"), {"version"});
  expect_error(parse("[]"), {"an object"});
  expect_error(parse("{"), {"/etc/router.config.json", "JSON"});
  expect_error(parse(""), {"JSON"});
}

TEST(ParseConfig, KeysWhoseFeatureComesLaterAreNotUnknown) {
  expect_error(parse_onnx(R"({"timeout": 5})"), {"providers.onnx.timeout", "not available yet"});
}

TEST(ParseConfig, CollectsSectionsThatWouldChangeWhoAnswers) {
  const auto config = parse(R"({
    "fallbackChain": ["onnx", "anthropic"], "routing": {"mode": "rule-based"},
    "performance": {"timeout": 3}, "providers": {"anthropic": {"apiKey": "${NOT_SET}"}}})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->later_sections,
            (std::vector<std::string>{"fallbackChain", "performance", "routing"}));
  EXPECT_EQ(config->other_providers, std::vector<std::string>{"anthropic"});
}

TEST(ParseConfig, ExpandsVariablesInTexts) {
  const auto config = parse_onnx(
      R"({"modelId": "${NAME}", "maxTokens": "${N}", "topK": "${NOT_SET:-12}",
          "executionProviders": ["${NOT_SET:-cpu}"]})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->values.at(SettingId::kModelId), SettingValue{std::string("value")});
  EXPECT_EQ(config->values.at(SettingId::kMaxTokens), SettingValue{std::int64_t{7}});
  EXPECT_EQ(config->values.at(SettingId::kTopK), SettingValue{std::int64_t{12}});
  expect_error(parse_onnx(R"({"modelId": "${NOT_SET}"})"),
               {"/etc/router.config.json: providers.onnx.modelId", "NOT_SET", "not set"});
  expect_error(parse_onnx(R"({"maxTokens": "${NOT_SET:-many}"})"), {"maxTokens", "many"});
}

TEST(ParseConfig, PathsAreRelativeToTheFile) {
  const auto model_path = [](const std::string& text) {
    const auto config = parse_onnx(R"({"modelPath": ")" + text + "\"}");
    return std::get<std::string>(config->values.at(SettingId::kModelPath));
  };
  EXPECT_EQ(model_path("./models/phi"), "/etc/models/phi");
  EXPECT_EQ(model_path("models/phi"), "/etc/models/phi");
  EXPECT_EQ(model_path("/models/phi"), "/models/phi");
  EXPECT_EQ(model_path("~/phi"), "/home/ada/phi");
  EXPECT_EQ(model_path("ember"), "ember");
}

TEST(ParseConfig, TheExampleIsValid) {
  const auto config = read_config_file(
      std::string(HEARTH_SOURCE_DIR) + "/examples/router.config.json", kEnvironment);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->values.at(SettingId::kModelPath), SettingValue{std::string("ember")});
  EXPECT_TRUE(config->later_sections.empty());
}

TEST(ExpandVariables, FollowsTheShell) {
  const auto expanded = [](const char* text) { return expand_variables(text, kEnvironment); };
  EXPECT_EQ(*expanded("a${NAME}b${NAME}"), "avaluebvalue");
  EXPECT_EQ(*expanded("${NO:-}"), "");
  EXPECT_EQ(*expanded("${NO:-a:-b}"), "a:-b");
  EXPECT_EQ(*expanded("$NAME $"), "$NAME $");
  EXPECT_EQ(*expanded("$${NAME}"), "${NAME}");
  EXPECT_FALSE(expanded("${NAME"));
  EXPECT_FALSE(expanded("${}"));
  EXPECT_FALSE(expanded("${1A}"));
  EXPECT_FALSE(expanded("${NAME-x}"));
}

}  // namespace
}  // namespace hearth::app

#include "app/eval/comparison.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace hearth::app {
namespace {

namespace fs = std::filesystem;

OrderedJson figures(double size, double speed) {
  return {{"model", {{"size_bytes", size}, {"bytes_read_per_token", size / 2}}},
          {"text", {{"perplexity", 8.0}}},
          {"cases",
           {{"right", {{"rate", 0.75}}},
            {"tool_calls", {{"name", {{"rate", 0.5}}}, {"arguments", {{"rate", 0.25}}}}}}},
          {"speed", {{"tokens_per_s", speed}, {"peak_memory_bytes", 3e6}}}};
}

class CompareVariants : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) /
            (std::string("hearth_compare_") +
             ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    for (const char* name : {"int4", "int8", "fp32"}) {
      fs::create_directories(root_ / "mine" / name);
      std::ofstream(root_ / "mine" / name / "genai_config.json") << "{}";
    }
    family_ = family_of_folder(root_ / "mine");
  }
  void TearDown() override { fs::remove_all(root_); }

  fs::path root_;
  ModelFamily family_;
};

TEST_F(CompareVariants, WhatIsMissingOrFailsDoesNotStopTheRest) {
  std::vector<std::string> measured;
  const auto results = compare_variants(
      family_, [&](const std::string& folder, const std::string& variant) -> Result<OrderedJson> {
        measured.push_back(fs::path(folder).filename().string());
        EXPECT_EQ(measured.back(), variant);
        if (variant == "int8") return fail(ErrorCode::kInternal, "it broke");
        return variant == "fp32" ? figures(8e6, 50) : figures(1e6, 150);
      });
  ASSERT_TRUE(results) << results.error().message;
  EXPECT_EQ(measured, (std::vector<std::string>{"int4", "int8", "fp32"}));

  const OrderedJson json = comparison_json(family_, *results);
  EXPECT_EQ(json.at("version"), 1);
  EXPECT_EQ(json.at("model"), "mine");
  const OrderedJson& variants = json.at("variants");
  EXPECT_EQ(variants.at("int4").at("available"), true);
  EXPECT_EQ(variants.at("int4").at("speed").at("tokens_per_s"), 150);
  EXPECT_EQ(variants.at("int4").at("relative_to_fp32").at("tokens_per_s"), 3);
  EXPECT_EQ(variants.at("int4").at("relative_to_fp32").at("size"), 0.125);
  EXPECT_EQ(variants.at("int8").at("error"), "it broke");
  EXPECT_EQ(variants.at("fp16").at("available"), false);
  EXPECT_NE(variants.at("fp16").at("how_to_get_it").get<std::string>().find("--precision fp16"),
            std::string::npos);

  EXPECT_TRUE(measuring_failed(*results));
  const std::string text = comparison_text(family_, *results);
  for (const char* part : {"int4", "fp32", "8.00 MB", "150.0", "75.0 %", "8.000",
                           "int8: could not be measured: it broke", "fp16: not there: "}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

Result<OrderedJson> small_figures(const std::string&, const std::string&) {
  return figures(1e6, 100);
}

TEST_F(CompareVariants, OneThatIsMissingIsNoFailure) {
  const auto results = compare_variants(family_, small_figures);
  ASSERT_TRUE(results);
  EXPECT_FALSE(measuring_failed(*results));
}

TEST_F(CompareVariants, OneThatCannotBeChosenIsAFailure) {
  for (const char* name : {"gpu/gpu-int8-a", "gpu/gpu-int8-b"}) {
    fs::create_directories(root_ / "other" / name);
    std::ofstream(root_ / "other" / name / "genai_config.json") << "{}";
  }
  const ModelFamily family = family_of_folder(root_ / "other");
  const auto results = compare_variants(family, small_figures);
  ASSERT_TRUE(results);
  EXPECT_TRUE(measuring_failed(*results));
  const OrderedJson entry = comparison_json(family, *results).at("variants").at("int8");
  EXPECT_EQ(entry.at("available"), true);
  EXPECT_FALSE(entry.contains("how_to_get_it"));
  EXPECT_NE(entry.at("error").get<std::string>().find("gpu-int8-b"), std::string::npos) << entry;
}

TEST_F(CompareVariants, NothingMeasuredIsAFailure) {
  fs::create_directories(root_ / "odd");
  const auto results = compare_variants(family_of_folder(root_ / "odd"), small_figures);
  ASSERT_TRUE(results);
  EXPECT_TRUE(measuring_failed(*results));
}

TEST_F(CompareVariants, StoppingStops) {
  int measured = 0;
  const auto results =
      compare_variants(family_, [&](const std::string&, const std::string&) -> Result<OrderedJson> {
        ++measured;
        return fail(ErrorCode::kCancelled, "stopped");
      });
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(measured, 1);
}

TEST_F(CompareVariants, FiguresThatAreNotThereAreLeftOut) {
  const auto results =
      compare_variants(family_, [](const std::string&, const std::string&) -> Result<OrderedJson> {
        return OrderedJson{{"text", nullptr}, {"model", {{"size_bytes", 5}}}};
      });
  ASSERT_TRUE(results);
  EXPECT_NE(comparison_text(family_, *results).find('-'), std::string::npos);
  EXPECT_TRUE(comparison_json(family_, *results)
                  .at("variants")
                  .at("int4")
                  .at("relative_to_fp32")
                  .at("perplexity")
                  .is_null());
}

}  // namespace
}  // namespace hearth::app

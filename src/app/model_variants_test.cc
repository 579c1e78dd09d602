#include "app/model_variants.h"

#include <gtest/gtest.h>

#include <fstream>

namespace hearth::app {
namespace {

namespace fs = std::filesystem;

class ModelVariants : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) /
            (std::string("hearth_variants_") +
             ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  fs::path make_model(const fs::path& relative) const {
    fs::create_directories(root_ / relative);
    std::ofstream(root_ / relative / "genai_config.json") << "{}";
    return root_ / relative;
  }

  fs::path root_;
};

TEST_F(ModelVariants, AWordOfTheNameTells) {
  EXPECT_EQ(variant_of(make_model("int4")), "int4");
  EXPECT_EQ(variant_of(make_model("int8") / ""), "int8");
  EXPECT_EQ(variant_of(make_model("cpu-int4-rtn-block-32-acc-level-4")), "int4");
  EXPECT_EQ(variant_of(make_model("Mine_FP16.v2")), "fp16");
  // Not a word of its own, and there is no graph that could tell.
  EXPECT_EQ(variant_of(make_model("paint4")), std::nullopt);
  EXPECT_EQ(variant_of(make_model("int42")), std::nullopt);
  EXPECT_EQ(variant_of(make_model("uint8")), std::nullopt);
}

TEST_F(ModelVariants, WhereTheNameSaysNothingTheGraphTells) {
  const fs::path link = root_ / "ember";
  fs::create_directories(root_);
  fs::create_directory_symlink(HEARTH_SOURCE_DIR "/models/ember/int4", link);
  EXPECT_EQ(variant_of(link), "int4");
}

TEST_F(ModelVariants, NeighboursAreFamilyOnlyByName) {
  const fs::path mine = make_model("mine-int4");
  make_model("mine-int8");
  make_model("yours-int8");
  make_model("fp32");
  EXPECT_EQ(family_of_folder(mine).folders,
            (std::vector<fs::path>{root_ / "mine-int4", root_ / "mine-int8"}));
  const fs::path plain = make_model("plain");
  EXPECT_EQ(family_of_folder(plain).folders, std::vector<fs::path>{plain});
  const fs::path made = make_model("plain-int8");
  EXPECT_EQ(family_of_folder(plain).folders, (std::vector<fs::path>{plain, made}));
}

TEST_F(ModelVariants, WhatTheAdviceMakesIsFound) {
  for (const char* name : {"toy-fp32", "plain"}) {
    const fs::path folder = make_model(name);
    const std::string advice = variant_advice(family_of_folder(folder), "int8");
    const std::string out = advice.substr(advice.rfind("--out ") + 6);
    make_model(fs::path(out).lexically_relative(root_).string());
    EXPECT_EQ(*choose_variant(family_of_folder(folder), "int8", "x"), fs::path(out)) << advice;
  }
}

TEST_F(ModelVariants, AFolderCalledLikeAVariantHasThemAllBesideIt) {
  const fs::path four = make_model("mine/int4");
  make_model("mine/deep/cpu-fp32");
  for (const fs::path& asked : {four, root_ / "mine"}) {
    const ModelFamily family = family_of_folder(asked);
    EXPECT_EQ(family.name, "mine");
    EXPECT_EQ(family.home, root_ / "mine");
    ASSERT_EQ(family.folders.size(), 2u);
    EXPECT_EQ(*choose_variant(family, "fp32", "x"), root_ / "mine/deep/cpu-fp32");
  }
}

TEST_F(ModelVariants, OfSeveralTheOneThatIsCalledJustSo) {
  make_model("mine/int4");
  make_model("mine/gpu/gpu-int4");
  EXPECT_EQ(*choose_variant(family_of_folder(root_ / "mine"), "int4", "x"), root_ / "mine/int4");
}

TEST_F(ModelVariants, AdviceNamesTheBestSourceThatIsThere) {
  make_model("mine/int4");
  EXPECT_NE(variant_advice(family_of_folder(root_ / "mine"), "int8").find("models build --from"),
            std::string::npos);
  fs::create_directories(root_ / "mine/weights");
  EXPECT_NE(variant_advice(family_of_folder(root_ / "mine"), "fp32")
                .find("--from " + (root_ / "mine/weights").string()),
            std::string::npos);
  make_model("mine/fp16");
  make_model("mine/fp32");
  EXPECT_EQ(variant_advice(family_of_folder(root_ / "mine"), "int8"),
            "make it with: hearth quantize --model " + (root_ / "mine/fp32").string() +
                " --precision int8 --out " + (root_ / "mine/int8").string());
}

}  // namespace
}  // namespace hearth::app

#include "app/model_locator.h"

#include <gtest/gtest.h>

#include <fstream>

namespace hearth::app {
namespace {

namespace fs = std::filesystem;

/// A box with ember, and a models folder with phi-4-mini (two variants) and solo (one, deep down).
class LocateModel : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ =
        fs::path(::testing::TempDir()) /
        (std::string("hearth_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    make_model("box/models/ember/int4");
    make_model("box/models/ember/int8");
    make_model("models/phi-4-mini/cpu_and_mobile/cpu-int4");
    make_model("models/phi-4-mini/gpu/gpu-int4");
    make_model("models/Solo/deep/down");
    fs::create_directories(root_ / "models/empty");
    environment_ = Environment::of({{"HEARTH_HOME", (root_ / "box").string()},
                                    {"HEARTH_MODELS_DIR", (root_ / "models").string()},
                                    {"HOME", root_.string()}});
  }
  void TearDown() override { fs::remove_all(root_); }

  void make_model(const fs::path& relative) const {
    fs::create_directories(root_ / relative);
    std::ofstream(root_ / relative / "genai_config.json") << "{}";
    std::ofstream(root_ / relative / "model.onnx") << "x";
  }

  Result<LocatedModel> locate(const std::string& text) const {
    return locate_model(text, "flag --model", environment_);
  }

  fs::path root_;
  Environment environment_;
};

TEST_F(LocateModel, ListsEveryVariantUnderAName) {
  std::vector<std::string> names;
  for (const KnownModel& model : known_models(environment_)) names.push_back(model.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"Solo", "phi-4-mini/cpu_and_mobile/cpu-int4",
                                      "phi-4-mini/gpu/gpu-int4", "ember/int4", "ember/int8"}));
}

TEST_F(LocateModel, ByName) {
  EXPECT_EQ(locate("ember")->folder, root_ / "box/models/ember/int4");  // int4 is the default
  EXPECT_EQ(locate("ember/int8")->folder, root_ / "box/models/ember/int8");
  EXPECT_EQ(locate("EMBER")->folder, root_ / "box/models/ember/int4");
  EXPECT_EQ(locate("solo")->folder, root_ / "models/Solo/deep/down");
  EXPECT_EQ(locate("phi-4-mini/cpu-int4")->folder,
            root_ / "models/phi-4-mini/cpu_and_mobile/cpu-int4");
}

TEST_F(LocateModel, VariantsOfOneModelMayLieInBothFolders) {
  fs::remove_all(root_ / "box/models/ember/int8");
  make_model("models/ember/int8");
  EXPECT_EQ(locate("ember")->folder, root_ / "box/models/ember/int4");
  EXPECT_EQ(locate("ember/int8")->folder, root_ / "models/ember/int8");
  // Of the same variant the first counts.
  make_model("models/ember/int4");
  EXPECT_EQ(locate("ember")->folder, root_ / "models/ember/int4");
  EXPECT_EQ(known_models(environment_).size(), 5U);
}

TEST_F(LocateModel, AModelWithoutVariantsTakesTheBoxsPlace) {
  make_model("models/ember");
  EXPECT_EQ(locate("ember")->folder, root_ / "models/ember");
  EXPECT_FALSE(locate("ember/int8"));
}

TEST_F(LocateModel, AVariantTakesThePlaceOfABoxsModelWithoutVariants) {
  make_model("box/models/whole");
  EXPECT_EQ(locate("whole")->folder, root_ / "box/models/whole");
  make_model("models/Whole/fp32");
  EXPECT_EQ(locate("whole")->folder, root_ / "models/Whole/fp32");
}

TEST_F(LocateModel, VariantsAreTheSameInUpperAndLowerCase) {
  make_model("models/ember/INT4");
  EXPECT_EQ(locate("ember")->folder, root_ / "models/ember/INT4");
}

TEST_F(LocateModel, AnAmbiguousNameIsRefusedWithTheVariants) {
  const auto located = locate("phi-4-mini");
  ASSERT_FALSE(located);
  EXPECT_EQ(located.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(located.error().message.find("phi-4-mini/gpu/gpu-int4"), std::string::npos);
}

TEST_F(LocateModel, ByFolderAndByFile) {
  const std::string folder = (root_ / "models/Solo/deep/down").string();
  EXPECT_EQ(locate(folder)->folder, folder);
  EXPECT_EQ(locate("~/models/Solo/deep/down")->folder, folder);
  const auto by_file = locate(folder + "/model.onnx");
  ASSERT_TRUE(by_file) << by_file.error().message;
  EXPECT_EQ(by_file->folder, folder);
  EXPECT_EQ(by_file->model_file_name, "model.onnx");
}

TEST_F(LocateModel, AnotherFileThanTheFoldersModelIsRefused) {
  const fs::path folder = root_ / "models/Solo/deep/down";
  std::ofstream(folder / "other.onnx") << "x";
  const fs::path model = folder / "model.onnx";
  EXPECT_TRUE(check_named_file(*locate(folder.string()), model));
  EXPECT_TRUE(check_named_file(*locate(model.string()), model));
  const auto checked = check_named_file(*locate((folder / "other.onnx").string()), model);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::kNotFound);
  EXPECT_NE(checked.error().message.find("other.onnx is not"), std::string::npos);
  EXPECT_NE(checked.error().message.find("names model.onnx"), std::string::npos);
}

TEST_F(LocateModel, UnknownNamesListTheKnownOnes) {
  for (const char* text : {"embr", "/nowhere/at/all", "./nowhere", "ember/int3"}) {
    const auto located = locate(text);
    ASSERT_FALSE(located) << text;
    EXPECT_EQ(located.error().code, ErrorCode::kNotFound) << text;
    EXPECT_NE(located.error().message.find("flag --model"), std::string::npos) << text;
  }
  const std::string message = locate("ember/int3").error().message;
  EXPECT_NE(message.find("did you mean ember/int4?"), std::string::npos) << message;
  EXPECT_NE(message.find("Solo"), std::string::npos) << message;
}

TEST_F(LocateModel, SettingsChooseThePathThenTheIdThenTheBox) {
  Settings settings;
  EXPECT_EQ(locate_model(settings, environment_)->folder, root_ / "box/models/ember/int4");
  settings.put(SettingId::kModelId, std::string("someone/solo"), {OriginLevel::kFile, "file"});
  EXPECT_EQ(locate_model(settings, environment_)->folder, root_ / "models/Solo/deep/down");
  settings.put(SettingId::kModelPath, std::string("ember/int8"), {OriginLevel::kFlag, "flag"});
  EXPECT_EQ(locate_model(settings, environment_)->folder, root_ / "box/models/ember/int8");
}

class LocateVariant : public LocateModel {
 protected:
  Result<LocatedModel> locate(const std::string& variant, const std::string& model = "") const {
    Settings settings;
    settings.put(SettingId::kVariant, variant, {OriginLevel::kFlag, "flag --variant"});
    if (!model.empty()) {
      settings.put(SettingId::kModelPath, model, {OriginLevel::kFlag, "flag --model"});
    }
    return locate_model(settings, environment_);
  }
};

TEST_F(LocateVariant, OfTheModelInTheBox) {
  EXPECT_EQ(locate("int8")->folder, root_ / "box/models/ember/int8");
  EXPECT_EQ(locate("int4")->folder, root_ / "box/models/ember/int4");
}

TEST_F(LocateVariant, WhicheverSiblingIsNamed) {
  for (const std::string& model :
       {std::string("ember"), std::string("EMBER/int4"), std::string("ember/int8"),
        (root_ / "box/models/ember/int4").string(), (root_ / "box/models/ember").string(),
        (root_ / "box/models/ember/int4/").string(),
        (root_ / "box/models/ember/int4/model.onnx").string()}) {
    const auto located = locate("int8", model);
    ASSERT_TRUE(located) << model << ": " << located.error().message;
    EXPECT_EQ(located->folder, root_ / "box/models/ember/int8") << model;
    EXPECT_EQ(located->model_file_name, std::nullopt);
  }
}

TEST_F(LocateVariant, AFileThatWasNamedStaysNamedInItsOwnFolder) {
  const auto located = locate("int4", (root_ / "box/models/ember/int4/model.onnx").string());
  ASSERT_TRUE(located) << located.error().message;
  EXPECT_EQ(located->model_file_name, "model.onnx");
}

TEST_F(LocateVariant, ReleasedLayoutsAreDeeper) {
  make_model("models/phi-4-mini/cpu_and_mobile/cpu-fp32-x");
  EXPECT_EQ(locate("fp32", "phi-4-mini")->folder,
            root_ / "models/phi-4-mini/cpu_and_mobile/cpu-fp32-x");
  EXPECT_EQ(locate("fp32", "phi-4-mini/gpu-int4")->folder,
            root_ / "models/phi-4-mini/cpu_and_mobile/cpu-fp32-x");
  EXPECT_EQ(locate("int4", "phi-4-mini")->folder,
            root_ / "models/phi-4-mini/cpu_and_mobile/cpu-int4")
      << "the CPU is what runs it";
}

TEST_F(LocateVariant, AFolderOfThatVariantThatWasNamedIsTheOne) {
  const fs::path gpu = root_ / "models/phi-4-mini/gpu/gpu-int4";
  EXPECT_EQ(locate("int4", gpu.string())->folder, gpu);
  EXPECT_EQ(locate("int4", "phi-4-mini/gpu-int4")->folder, gpu);
}

TEST_F(LocateVariant, OfSeveralForTheCpuNoneIsGuessed) {
  make_model("models/phi-4-mini/cpu_and_mobile/cpu-int4-awq");
  const auto several = locate("int4", "phi-4-mini");
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(several.error().message.find("gpu-int4"), std::string::npos) << several.error().message;
}

TEST_F(LocateVariant, AMissingOneSaysHowToMakeIt) {
  const auto located = locate("fp16");
  ASSERT_FALSE(located);
  EXPECT_EQ(located.error().code, ErrorCode::kNotFound);
  for (const std::string& part :
       {std::string("flag --variant"), std::string("ember"), std::string("int4, int8"),
        std::string("hearth models build --from"), std::string("--precision fp16"),
        (root_ / "box/models/ember/fp16").string()}) {
    EXPECT_NE(located.error().message.find(part), std::string::npos) << located.error().message;
  }
}

TEST_F(LocateVariant, AMissingOneIsMadeBesideTheWeightsOfTheNamedModelFirst) {
  make_model("models/ember/fp32");
  fs::create_directories(root_ / "box/models/ember/weights");
  const auto advice = [&] { return locate("fp16", "ember/fp32").error().message; };
  EXPECT_NE(advice().find((root_ / "box/models/ember/fp16").string()), std::string::npos);
  fs::create_directories(root_ / "models/ember/weights");
  EXPECT_NE(advice().find((root_ / "models/ember/fp16").string()), std::string::npos);
}

TEST_F(LocateVariant, VariantsOfOneModelMayBeInTwoRoots) {
  make_model("models/ember/fp32");
  EXPECT_EQ(locate("fp32")->folder, root_ / "models/ember/fp32");
  EXPECT_EQ(locate("int8")->folder, root_ / "box/models/ember/int8");
}

TEST_F(LocateVariant, OfAModelThatIsNotThere) {
  const auto located = locate("int8", "embre");
  ASSERT_FALSE(located);
  EXPECT_NE(located.error().message.find("known models"), std::string::npos);
}

TEST_F(LocateModel, AnUnknownIdIsRefused) {
  Settings settings;
  settings.put(SettingId::kModelId, std::string("someone/nothing"), {OriginLevel::kFile, "file"});
  const auto located = locate_model(settings, environment_);
  ASSERT_FALSE(located);
  EXPECT_EQ(located.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace hearth::app

#include "runtime/kept_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/file.h"
#include "runtime/test_models.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

const KeptKey kKey{7, 3, {11, 12}};

class KeptFile : public ::testing::Test {
 protected:
  std::vector<fs::path> paths() const {
    return kept_paths(folder_.path() / "model.onnx", folder_.path() / "cache", "facts");
  }

  TemporaryFolder folder_;
};

TEST_F(KeptFile, IsFoundByItsKeyAlone) {
  EXPECT_FALSE(find_kept(paths(), kKey));
  keep(paths(), kKey, "what was worked out");
  EXPECT_EQ(find_kept(paths(), kKey), "what was worked out");
  EXPECT_TRUE(fs::exists(paths().back())) << "the cache folder comes first";
  EXPECT_FALSE(fs::exists(paths().front()));
  for (const KeptKey& other : {KeptKey{8, 3, {11, 12}}, KeptKey{7, 4, {11, 12}},
                               KeptKey{7, 3, {10, 12}}, KeptKey{7, 3, {11, 13}}}) {
    EXPECT_FALSE(find_kept(paths(), other));
  }
  keep(paths(), kKey, "");
  EXPECT_EQ(find_kept(paths(), kKey), "");
}

TEST_F(KeptFile, WithAnyByteWrongOrMissingIsNotUsed) {
  keep(paths(), kKey, "what was worked out");
  const std::string good = *read_file(paths().back());
  const auto replace = [&](const std::string& bytes) {
    std::ofstream(paths().back(), std::ios::binary | std::ios::trunc) << bytes;
  };
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x04);
    replace(bad);
    EXPECT_FALSE(find_kept(paths(), kKey)) << at;
    replace(good.substr(0, at));
    EXPECT_FALSE(find_kept(paths(), kKey)) << at;
  }
  replace(good + "x");
  EXPECT_FALSE(find_kept(paths(), kKey));
  replace(good);
  EXPECT_TRUE(find_kept(paths(), kKey)) << "control";
}

TEST_F(KeptFile, GoesBesideTheModelWhereTheCacheFolderCannotBeWritten) {
  std::ofstream(folder_.path() / "cache") << "a file where the folder should be";
  keep(paths(), kKey, "x");
  EXPECT_TRUE(fs::exists(paths().front()));
  EXPECT_EQ(find_kept(paths(), kKey), "x");
}

TEST_F(KeptFile, IsNotMissedWhereNothingCanBeWritten) {
  std::ofstream(folder_.path() / "file") << "no folder";
  const std::vector<fs::path> nowhere{folder_.path() / "file" / "facts"};
  keep(nowhere, kKey, "x");
  EXPECT_FALSE(find_kept(nowhere, kKey));
  fs::create_directories(paths().back());
  EXPECT_FALSE(find_kept(paths(), kKey)) << "a folder under the file's name";
}

}  // namespace
}  // namespace hearth::runtime

// The compiled file beside tokenizer.json: made once, used, and never trusted too far.
#include "text/cached_tokenizer.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "text/compiled_tokenizer.h"
#include "text/test_support.h"
#include "text/tokenizer_data.h"

namespace hearth::text {
namespace {

namespace fs = std::filesystem;

class CachedTokenizer : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(model_);
    put("o200k_style");
  }
  void TearDown() override { fs::remove_all(root_); }

  /// White space behind the JSON makes the file as large as those that are compiled.
  void put(const std::string& name) const {
    std::ofstream(json_) << must(read_file(testdata(name + ".tokenizer.json")))
                         << std::string(std::size_t{1} << 20, ' ');
  }

  void expect_same_as(const std::string& name) const {
    const Tokenizer cached = must(load_tokenizer_cached(json_, cache_));
    const Tokenizer direct = must(Tokenizer::load(testdata(name + ".tokenizer.json")));
    const std::string text = "Hello world, <|end|> HTTPServer 1234 \u4E2D\u6587 'll\n\n x";
    EXPECT_EQ(must(cached.encode(text)), must(direct.encode(text)));
    EXPECT_EQ(cached.vocab_size(), direct.vocab_size());
    for (std::size_t i = 0; i < direct.vocab_size(); ++i) {
      const auto id = static_cast<TokenId>(i);
      ASSERT_EQ(cached.has_id(id), direct.has_id(id));
      ASSERT_EQ(cached.is_special(id), direct.is_special(id));
      if (!direct.has_id(id)) continue;
      ASSERT_EQ(must(cached.piece(id)), must(direct.piece(id)));
    }
  }

  const fs::path root_ =
      fs::temp_directory_path() / ("hearth-cached-" + std::to_string(::getpid()));
  const fs::path model_ = root_ / "model";
  const fs::path cache_ = root_ / "cache";
  const fs::path json_ = model_ / "tokenizer.json";
  const fs::path compiled_ = model_ / "tokenizer.hearth";
};

TEST_F(CachedTokenizer, IsMadeOnceAndGivesTheSame) {
  expect_same_as("o200k_style");
  ASSERT_TRUE(fs::exists(compiled_));
  const auto made = fs::last_write_time(compiled_);
  expect_same_as("o200k_style");
  EXPECT_EQ(fs::last_write_time(compiled_), made);
  EXPECT_FALSE(fs::exists(cache_));
}

TEST_F(CachedTokenizer, IsUsedInPlaceOfTheJson) {
  // A compiled file that claims to be this tokenizer.json's, but holds another's tables.
  const std::string other = must(read_file(testdata("gpt2_style.tokenizer.json")));
  const TokenizerContent content = must(read_tokenizer_json(other, "gpt2_style"));
  ASSERT_TRUE(write_compiled_tokenizer(compiled_, SourceDigest::of(must(read_file(json_))),
                                       content.data.model, content.rest));
  expect_same_as("gpt2_style");
}

TEST_F(CachedTokenizer, IsMadeAgainWhenTokenizerJsonChanges) {
  expect_same_as("o200k_style");
  put("gpt2_style");
  expect_same_as("gpt2_style");
  expect_same_as("gpt2_style");
}

TEST_F(CachedTokenizer, IsMadeAgainWhenDamaged) {
  expect_same_as("o200k_style");
  std::string bytes = must(read_file(compiled_));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  const auto damaged = bytes;
  std::ofstream(compiled_) << damaged;
  expect_same_as("o200k_style");
  EXPECT_NE(must(read_file(compiled_)), damaged);
  std::ofstream(compiled_) << damaged.substr(0, 100);
  expect_same_as("o200k_style");
  EXPECT_GT(must(file_size_bytes(compiled_)), 100u);
}

TEST_F(CachedTokenizer, GoesToTheCacheFolderWhereTheModelsCannotBeWritten) {
  fs::create_directory(compiled_);  // nothing can be written under this name
  expect_same_as("o200k_style");
  EXPECT_TRUE(fs::exists(cache_ / "tokenizers"));
  expect_same_as("o200k_style");
}

TEST_F(CachedTokenizer, NowhereToWriteIsNoError) {
  fs::create_directory(compiled_);
  std::ofstream(cache_) << "a file where the cache folder would be";
  expect_same_as("o200k_style");
}

TEST_F(CachedTokenizer, SmallFilesAreNotCompiled) {
  fs::copy_file(testdata("o200k_style.tokenizer.json"), json_,
                fs::copy_options::overwrite_existing);
  expect_same_as("o200k_style");
  EXPECT_FALSE(fs::exists(compiled_));
}

TEST_F(CachedTokenizer, ErrorsNameTheFile) {
  std::ofstream(json_) << "{" << std::string(std::size_t{1} << 20, ' ');
  const auto broken = load_tokenizer_cached(json_);
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find(json_.string()), std::string::npos);
  EXPECT_FALSE(fs::exists(compiled_));
  fs::remove(json_);
  const auto missing = load_tokenizer_cached(json_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace hearth::text

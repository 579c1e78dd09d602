// The compiled file: what it gives back, and that nothing else is ever taken for it.
#include "text/compiled_tokenizer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "text/test_support.h"

namespace hearth::text {
namespace {

namespace fs = std::filesystem;

class CompiledTokenizerFile : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(path_.parent_path()); }
  void TearDown() override { fs::remove_all(path_.parent_path()); }

  void write(const SourceDigest& source = kSource) {
    ASSERT_TRUE(write_compiled_tokenizer(path_, source, model(), kRest));
  }

  void put(const std::string& content) const { std::ofstream(path_) << content; }

  /// Letters, "ab", "abc", and an entry that merging its text does not give back.
  static BpeModel model() {
    std::vector<VocabularyEntry> entries;
    for (TokenId i = 0; i < 26; ++i) {
      entries.push_back({i, std::string(1, static_cast<char>('a' + i)), Spelling::kBytes});
    }
    entries.push_back({26, "ab", Spelling::kBytes});
    entries.push_back({27, "abc", Spelling::kBytes});
    entries.push_back({30, "a text of more than sixteen bytes", Spelling::kBytes});
    entries.push_back({31, "ab", Spelling::kCharacters});
    return BpeModel::build(must(Vocabulary::build(entries)), MergeTable({{0, 1, 26}, {26, 2, 27}}));
  }

  static constexpr SourceDigest kSource{100, 1, 2};
  static constexpr std::string_view kRest = R"({"model": {}})";
  const fs::path path_ =
      fs::temp_directory_path() / ("hearth-compiled-" + std::to_string(::getpid())) / "t.hearth";
};

TEST_F(CompiledTokenizerFile, GivesBackWhatWasWritten) {
  write();
  const CompiledTokenizer compiled = must(map_compiled_tokenizer(path_, kSource));
  EXPECT_EQ(compiled.rest, kRest);
  const BpeModel original = model();
  EXPECT_EQ(compiled.model.byte_ids, original.byte_ids);
  const Vocabulary& vocabulary = compiled.model.vocabulary;
  ASSERT_EQ(vocabulary.size(), 32u);
  for (TokenId id = 0; id < 32; ++id) {
    EXPECT_EQ(vocabulary.has(id), original.vocabulary.has(id)) << id;
    EXPECT_EQ(vocabulary.text(id), original.vocabulary.text(id)) << id;
  }
  EXPECT_EQ(vocabulary.find("abc").id, 27);
  EXPECT_TRUE(vocabulary.find("abc").stable);
  EXPECT_EQ(vocabulary.find("ab", Spelling::kCharacters).id, 31);
  EXPECT_EQ(vocabulary.find("a text of more than sixteen bytes").id, 30);
  EXPECT_FALSE(vocabulary.find("a text of more than sixteen bytes").stable);
  EXPECT_EQ(vocabulary.find("a text of more than sixteen bites").id, -1);
  EXPECT_EQ(compiled.model.merges.find(26, 2).result, 27);
  EXPECT_EQ(compiled.model.merges.find(2, 26).rank, MergeTable::kNoRank);
}

TEST_F(CompiledTokenizerFile, OfAnotherSourceIsRefused) {
  write();
  for (const SourceDigest other : {SourceDigest{101, 1, 2}, {100, 0, 2}, {100, 1, 0}}) {
    const auto compiled = map_compiled_tokenizer(path_, other);
    ASSERT_FALSE(compiled);
    EXPECT_EQ(compiled.error().code, ErrorCode::kCorrupt);
  }
}

TEST_F(CompiledTokenizerFile, WithAnyByteChangedIsRefused) {
  write();
  const std::string good = must(read_file(path_));
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    put(bad);
    const auto compiled = map_compiled_tokenizer(path_, kSource);
    ASSERT_FALSE(compiled) << "byte " << i;
    ASSERT_EQ(compiled.error().code, ErrorCode::kCorrupt);
  }
}

TEST_F(CompiledTokenizerFile, CutAnywhereIsRefused) {
  write();
  const std::string good = must(read_file(path_));
  for (std::size_t size = 0; size < good.size(); ++size) {
    put(good.substr(0, size));
    ASSERT_FALSE(map_compiled_tokenizer(path_, kSource)) << size << " bytes";
  }
}

TEST_F(CompiledTokenizerFile, ThatIsMissingIsNotFound) {
  const auto compiled = map_compiled_tokenizer(path_, kSource);
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().code, ErrorCode::kNotFound);
}

TEST(SourceDigest, ChangesWithEveryByte) {
  const std::string text = "{\"model\": {\"vocab\": {}}}";
  const SourceDigest digest = SourceDigest::of(text);
  EXPECT_EQ(digest, SourceDigest::of(text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = '!';
    EXPECT_NE(digest, SourceDigest::of(other));
  }
}

}  // namespace
}  // namespace hearth::text

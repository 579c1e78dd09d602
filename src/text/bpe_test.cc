// Byte-pair merging and the tables behind it, against definitions that can be read at a glance.
#include "text/bpe.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "text/bpe_model.h"
#include "text/test_support.h"

namespace hearth::text {
namespace {

/// A made-up vocabulary: the bytes 'a' to 'd' and what random merges make of them.
struct RandomModel {
  explicit RandomModel(std::uint64_t seed) {
    TestRandom random(seed);
    for (TokenId id = 0; id < 4; ++id) {
      add(std::string(1, static_cast<char>('a' + id)));
    }
    for (int i = 0; i < 60; ++i) {
      const auto left = static_cast<TokenId>(random.below(texts.size()));
      const auto right = static_cast<TokenId>(random.below(texts.size()));
      const std::string text =
          texts[static_cast<std::size_t>(left)] + texts[static_cast<std::size_t>(right)];
      const auto known = std::find(texts.begin(), texts.end(), text);
      const auto result = static_cast<TokenId>(known - texts.begin());
      if (known == texts.end()) add(text);
      merges.push_back({left, right, result});
    }
  }

  void add(const std::string& text) {
    entries.push_back({static_cast<TokenId>(texts.size()), text, Spelling::kBytes});
    texts.push_back(text);
  }

  BpeModel model() const {
    return BpeModel::build(must(Vocabulary::build(entries)), MergeTable(merges));
  }

  /// The definition: as long as any neighbours merge, those of the lowest rank, the leftmost first.
  std::vector<TokenId> merged(const std::string& piece) const {
    std::map<std::pair<TokenId, TokenId>, std::pair<std::size_t, TokenId>> ranked;
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
      ranked[{merges[rank].left, merges[rank].right}] = {rank, merges[rank].result};
    }
    std::vector<TokenId> ids;
    for (const char c : piece) ids.push_back(c - 'a');
    for (;;) {
      auto best = ranked.end();
      std::size_t at = 0;
      for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
        const auto found = ranked.find({ids[i], ids[i + 1]});
        if (found == ranked.end()) continue;
        if (best != ranked.end() && found->second.first >= best->second.first) continue;
        best = found;
        at = i;
      }
      if (best == ranked.end()) return ids;
      ids[at] = best->second.second;
      ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
  }

  std::vector<std::string> texts;
  std::vector<VocabularyEntry> entries;
  std::vector<Merge> merges;
};

TEST(Bpe, MergesAsItsDefinitionSays) {
  TestRandom random(3);
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const RandomModel made(seed);
    const BpeModel model = made.model();
    Bpe bpe(model.merges, model.byte_ids);
    for (int i = 0; i < 60; ++i) {
      std::string piece;
      // Both ways of merging are met: pieces are up to three times as long as a short one.
      for (std::size_t left = 1 + random.below(150); left > 0; --left) {
        piece += static_cast<char>('a' + random.below(1 + seed % 4));
      }
      std::vector<TokenId> ids;
      ASSERT_EQ(bpe.append(piece, ids), std::nullopt);
      ASSERT_EQ(ids, made.merged(piece)) << "seed " << seed << ": " << piece;
      std::vector<TokenId> symbols;
      for (const char c : piece) symbols.push_back(c - 'a');
      std::vector<TokenId> from_symbols;
      bpe.append_symbols(symbols, from_symbols);
      ASSERT_EQ(from_symbols, ids);
    }
  }
}

TEST(Bpe, AnEntryIsStableJustWhereMergingGivesItBack) {
  int unstable = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const RandomModel made(seed);
    const BpeModel model = made.model();
    for (std::size_t i = 0; i < made.texts.size(); ++i) {
      const auto found = model.vocabulary.find(made.texts[i]);
      ASSERT_EQ(found.id, static_cast<TokenId>(i));
      const bool stable = made.merged(made.texts[i]) == std::vector<TokenId>{found.id};
      ASSERT_EQ(found.stable, stable) << made.texts[i];
      if (!stable) ++unstable;
    }
  }
  EXPECT_GT(unstable, 20);  // else nothing was tested
}

TEST(Bpe, SymbolsThatAreNoTokensMergeWithNothing) {
  const MergeTable merges({{0, 1, 2}});
  const std::array<TokenId, 256> byte_ids{};
  Bpe bpe(merges, byte_ids);
  std::vector<TokenId> out;
  bpe.append_symbols(std::vector<TokenId>{0, -1, 1, 0, 1, -1, -1}, out);
  EXPECT_EQ(out, (std::vector<TokenId>{0, -1, 1, 2, -1, -1}));
}

TEST(Vocabulary, FindsTextsOfEveryLengthAndNoOthers) {
  std::vector<VocabularyEntry> entries;
  std::string text;
  for (TokenId id = 0; id < 40; ++id) {
    text += static_cast<char>('a' + id % 7);
    entries.push_back({2 * id, text, Spelling::kBytes});
  }
  const Vocabulary vocabulary = must(Vocabulary::build(entries));
  for (const VocabularyEntry& entry : entries) {
    EXPECT_EQ(vocabulary.find(entry.text).id, entry.id);
    EXPECT_EQ(vocabulary.find(entry.text, Spelling::kCharacters).id, -1);
    EXPECT_EQ(vocabulary.text(entry.id), entry.text);
    EXPECT_FALSE(vocabulary.has(entry.id + 1));
    std::string other = entry.text;
    other.back() = 'x';
    EXPECT_EQ(vocabulary.find(other).id, -1);
    other = entry.text;
    other.front() = 'x';
    EXPECT_EQ(vocabulary.find(other).id, -1);
  }
}

TEST(Vocabulary, ArraysThatContradictThemselvesAreRefused) {
  const Vocabulary good = must(Vocabulary::build({{0, "a", Spelling::kBytes}, {1, "bc", {}}}));
  const auto owner = std::make_shared<int>(0);
  EXPECT_TRUE(Vocabulary::create(good.arrays(), owner));

  const std::vector<std::uint32_t> falling = {0, 3, 2};
  Vocabulary::Arrays arrays = good.arrays();
  arrays.begins = falling;
  EXPECT_FALSE(Vocabulary::create(arrays, owner));

  arrays = good.arrays();
  arrays.blob = arrays.blob.subspan(1);
  EXPECT_FALSE(Vocabulary::create(arrays, owner));

  const std::vector<std::uint8_t> flags = {1, 7};
  arrays = good.arrays();
  arrays.exists = flags;
  EXPECT_FALSE(Vocabulary::create(arrays, owner));

  std::vector<Vocabulary::Slot> slots(good.arrays().slots.begin(), good.arrays().slots.end());
  arrays = good.arrays();
  arrays.slots = slots;
  EXPECT_TRUE(Vocabulary::create(arrays, owner));
  for (Vocabulary::Slot& slot : slots) slot.id = 9;
  EXPECT_FALSE(Vocabulary::create(arrays, owner));
  std::fill(slots.begin(), slots.end(), good.arrays().slots[0]);
  arrays.slots = std::span(slots).first(3);
  EXPECT_FALSE(Vocabulary::create(arrays, owner));
}

}  // namespace
}  // namespace hearth::text

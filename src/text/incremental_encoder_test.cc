// Growing and changing texts give the ids that encoding them whole gives.
#include "text/incremental_encoder.h"

#include "text/test_support.h"

namespace hearth::text {
namespace {

/// A small tokenizer with added tokens of every kind, some of which begin alike.
Tokenizer tokenizer_with_added_tokens(const std::string& base) {
  OrderedJson json = read_testdata(base + ".tokenizer.json");
  TokenId id = 5000;
  const auto add = [&](const char* content, bool lstrip, bool rstrip, bool single_word,
                       bool normalized) {
    json["added_tokens"].push_back({{"id", id++},
                                    {"content", content},
                                    {"special", false},
                                    {"lstrip", lstrip},
                                    {"rstrip", rstrip},
                                    {"single_word", single_word},
                                    {"normalized", normalized}});
  };
  add("[end]", false, false, false, false);
  add("[end][long]", false, false, false, false);
  add("[left]", true, false, false, false);
  add("[right]", false, true, false, false);
  add("word", false, false, true, false);
  add("[plain]", false, false, false, true);
  return must(Tokenizer::from_json(json.dump(), base));
}

std::string random_part(TestRandom& random) {
  static const std::vector<std::string> kParts = {
      "[end]", "[end][long]", "[left]", "[right]", "word",       "[plain]", "[en", "[long]",
      "d]",    "Hello",       " world", "'s",      " ",          "  ",      "\n",  "\r\n",
      "123",   "!?",          "\u4E2D", "\u0301",  "\U0001F600", "a",       "B"};
  return kParts[random.below(kParts.size())];
}

/// Cuts the text somewhere, at a character's begin, and writes other parts behind.
std::string changed(std::string text, TestRandom& random) {
  std::size_t keep = random.below(4) == 0 ? random.below(text.size() + 1) : text.size();
  while (keep > 0 && keep < text.size() && (text[keep] & 0xC0) == 0x80) --keep;
  text.resize(keep);
  for (std::size_t i = random.below(8); i > 0; --i) text += random_part(random);
  return text;
}

TEST(IncrementalEncoder, GivesTheIdsOfTheWholeText) {
  for (const char* base : {"gpt2_style", "llama3_style", "o200k_style"}) {
    const Tokenizer tokenizer = tokenizer_with_added_tokens(base);
    for (const bool post : {false, true}) {
      const EncodeOptions options{.parse_special = post, .add_post_tokens = post};
      IncrementalEncoder encoder(tokenizer, options);
      TestRandom random(11);
      std::string text;
      std::size_t reused = 0;
      for (int step = 0; step < 1500; ++step) {
        text = changed(text.size() > 300 ? "" : text, random);
        const auto ids = must(encoder.encode(text));
        ASSERT_EQ(std::vector<TokenId>(ids.begin(), ids.end()),
                  must(tokenizer.encode(text, options)))
            << base << ": " << OrderedJson(text).dump();
        reused += encoder.reused_bytes();
      }
      EXPECT_GT(reused, 50'000u);  // else nothing was tested
    }
  }
}

TEST(IncrementalEncoder, AConversationIsEncodedFromItsLastTurnsOn) {
  const Tokenizer tokenizer = tokenizer_with_added_tokens("o200k_style");
  IncrementalEncoder encoder(tokenizer);
  const std::string turn = "Some words of a turn[end]";
  std::string text;
  for (int i = 0; i < 20; ++i) text += turn;
  must(encoder.encode(text));
  EXPECT_EQ(encoder.reused_bytes(), 0u);
  // The last [end] could have been the begin of [end][long].
  must(encoder.encode(text + "More words[end]"));
  EXPECT_EQ(encoder.reused_bytes(), text.size() - turn.size());
}

TEST(IncrementalEncoder, AnErrorNamesItsOffsetAndLosesNothing) {
  const Tokenizer tokenizer = tokenizer_with_added_tokens("gpt2_style");
  IncrementalEncoder encoder(tokenizer);
  must(encoder.encode("a[end]and so on, and so on"));
  const auto refused = encoder.encode("a[end]and so on, and so on \xFF");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("offset 27"), std::string::npos)
      << refused.error().message;
  const auto ids = must(encoder.encode("a[end]and so on"));
  EXPECT_EQ(std::vector<TokenId>(ids.begin(), ids.end()),
            must(tokenizer.encode("a[end]and so on")));
}

TEST(IncrementalEncoder, ReplacesInvalidBytesWhereAsked) {
  const Tokenizer tokenizer = tokenizer_with_added_tokens("gpt2_style");
  const EncodeOptions options{.replace_invalid = true};
  EXPECT_EQ(must(tokenizer.encode("a\xFF\xE4\xB8", options)),
            must(tokenizer.encode("a\uFFFD\uFFFD")));
  IncrementalEncoder encoder(tokenizer, options);
  const auto ids = must(encoder.encode("a\xFF"));
  EXPECT_EQ(std::vector<TokenId>(ids.begin(), ids.end()), must(tokenizer.encode("a\uFFFD")));
}

}  // namespace
}  // namespace hearth::text

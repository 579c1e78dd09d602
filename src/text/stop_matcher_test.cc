#include "text/stop_matcher.h"

#include <algorithm>

#include "text/test_support.h"

namespace hearth::text {
namespace {

struct Expected {
  std::string text;
  std::optional<std::size_t> matched;
};

/// The definition, by brute force: the first place where some stop string is complete.
Expected reference(const std::string& text, const std::vector<std::string>& stops) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < stops.size(); ++i) {
      if (!std::string_view(text).substr(0, end).ends_with(stops[i])) continue;
      if (!best || stops[i].size() > stops[*best].size()) best = i;
    }
    if (best) return {text.substr(0, end - stops[*best].size()), best};
  }
  return {text, std::nullopt};
}

/// Length of the longest suffix of `text` that begins a stop string.
std::size_t must_hold(const std::string& text, const std::vector<std::string>& stops) {
  std::size_t longest = 0;
  for (const std::string& stop : stops) {
    for (std::size_t n = 1; n < stop.size() && n <= text.size(); ++n) {
      if (text.ends_with(stop.substr(0, n))) longest = std::max(longest, n);
    }
  }
  return longest;
}

TEST(StopMatcher, HoldsBackOnlyWhatMayBecomeAStop) {
  StopMatcher matcher = must(StopMatcher::create({"</s>", "STOP"}));
  EXPECT_EQ(matcher.push("hello <").text, "hello ");
  EXPECT_EQ(matcher.push("/").text, "");
  EXPECT_EQ(matcher.push("div> ST").text, "</div> ");
  const StopResult last = matcher.push("OP after");
  EXPECT_EQ(last.text, "");
  EXPECT_EQ(last.matched, 1u);
  EXPECT_EQ(matcher.push("more").text, "");
  EXPECT_EQ(matcher.flush(), "");
}

TEST(StopMatcher, FlushGivesWhatWasHeld) {
  StopMatcher matcher = must(StopMatcher::create({"abcd"}));
  EXPECT_EQ(matcher.push("xabc").text, "x");
  EXPECT_EQ(matcher.flush(), "abc");
  EXPECT_EQ(matcher.push("d").text, "d");
}

TEST(StopMatcher, WithoutStopsEverythingPasses) {
  StopMatcher matcher = must(StopMatcher::create({}));
  EXPECT_EQ(matcher.push("anything").text, "anything");
}

TEST(StopMatcher, EqualsBruteForceHoweverTheTextIsCut) {
  TestRandom random(11);
  const auto word = [&](std::size_t most) {
    std::string out;
    for (std::size_t i = 1 + random.below(most); i > 0; --i) out += "abc"[random.below(3)];
    return out;
  };
  int matches = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::string> stops;
    for (std::size_t i = 1 + random.below(4); i > 0; --i) stops.push_back(word(5));
    const std::string text = word(24);
    const Expected expected = reference(text, stops);
    StopMatcher matcher = must(StopMatcher::create(stops));
    std::string out;
    std::optional<std::size_t> matched;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t part = 1 + random.below(4);
      const StopResult result = matcher.push(text.substr(at, part));
      out += result.text;
      at = std::min(at + part, text.size());
      if (result.matched) {
        matched = result.matched;
        break;
      }
      const std::string seen = text.substr(0, at);
      ASSERT_EQ(out.size(), seen.size() - must_hold(seen, stops)) << seen;
    }
    out += matcher.flush();
    ASSERT_EQ(out, expected.text) << text;
    ASSERT_EQ(matched, expected.matched) << text;
    matches += matched.has_value() ? 1 : 0;
  }
  EXPECT_GT(matches, 5000);
  EXPECT_LT(matches, 19500);
}

TEST(StopMatcher, RefusesEmptyAndTooLongStops) {
  const auto empty = StopMatcher::create({"a", ""});
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().message, "stop string 2 is empty");
  EXPECT_FALSE(StopMatcher::create({std::string(70'000, 'x')}));
}

}  // namespace
}  // namespace hearth::text

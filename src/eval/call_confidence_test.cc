#include "eval/call_confidence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>

namespace hearth::eval {
namespace {

std::string named(std::string_view reply, std::string_view name) {
  const auto span = find_call_name(reply, name);
  return span ? std::string(reply.substr(span->begin, span->end - span->begin)) : "(none)";
}

TEST(FindCallName, IsTheValueOfTheNameKey) {
  EXPECT_EQ(named(R"(<|tool_call|>[{"name": "read", "arguments": {}}])", "read"), "read");
  EXPECT_EQ(named(R"({"arguments":{"text":"\"name\": read"},"name":"read"})", "read"), "read");
  EXPECT_EQ(named(R"({"name" :  "read"})", "read"), "read");
  const std::string reply = R"(read it: {"name":"read_file"})";
  EXPECT_EQ(find_call_name(reply, "read_file")->begin, reply.find("read_file"));
}

TEST(FindCallName, OtherNamesAndHalfOnesAreNone) {
  EXPECT_EQ(named(R"({"name": "read_file"})", "read"), "(none)");
  EXPECT_EQ(named(R"({"name": "read)", "read"), "(none)");
  EXPECT_EQ(named(R"({"name": )", "read"), "(none)");
  EXPECT_EQ(named("read", "read"), "(none)");
  EXPECT_EQ(named("", "read"), "(none)");
}

TEST(ConfidenceIn, IsTheGeometricMeanOverTheTokensOfTheName) {
  // {"na | me": | "re | ad" | }   with the name at bytes 9 to 13
  const std::vector<std::size_t> ends = {4, 8, 11, 14, 15};
  const std::vector<double> logs = {std::log(0.01), std::log(0.02), std::log(0.9), std::log(0.4),
                                    std::log(0.03)};
  EXPECT_NEAR(*confidence_in({9, 13}, ends, logs), std::sqrt(0.9 * 0.4), 1e-12);
  EXPECT_NEAR(*confidence_in({8, 11}, ends, logs), 0.9, 1e-12);  // borders belong to neighbours
  EXPECT_NEAR(*confidence_in({4, 5}, ends, logs), 0.02, 1e-12);
}

TEST(ConfidenceIn, TokensWithoutTextDoNotCountAndNothingIsNothing) {
  const std::vector<std::size_t> ends = {3, 3, 6};
  const std::vector<double> logs = {-1, -50, -2};
  EXPECT_NEAR(*confidence_in({0, 6}, ends, logs), std::exp(-1.5), 1e-12);
  EXPECT_EQ(confidence_in({6, 9}, ends, logs), std::nullopt);
  EXPECT_EQ(confidence_in({0, 1}, {}, {}), std::nullopt);
}

TEST(TokenEnds, FollowTheDecodedText) {
  const auto tokenizer =
      text::Tokenizer::load(HEARTH_SOURCE_DIR "/models/ember/int4/tokenizer.json");
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  const std::string reply =
      "<|tool_call|>[{\"name\": \"read\", \"arguments\": {\"path\": \"\xC3\xA9.txt\"}}]";
  const auto ids = tokenizer->encode(reply);
  ASSERT_TRUE(ids);
  const auto ends = token_ends(*tokenizer, *ids);
  ASSERT_TRUE(ends);
  ASSERT_EQ(ends->size(), ids->size());
  EXPECT_EQ(ends->back(), reply.size());
  for (std::size_t i = 0; i < ids->size(); ++i) {
    const auto start = tokenizer->decode(std::span(*ids).first(i + 1));
    // Half a character is shown as U+FFFD there and not at all here.
    if (start->find("\xEF\xBF\xBD") != std::string::npos) continue;
    EXPECT_EQ((*ends)[i], start->size());
  }
}

}  // namespace
}  // namespace hearth::eval

#include "protocol/json_value.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json_reader.h"

namespace hearth::protocol {
namespace {

using Kind = JsonValue::Kind;

/// Whether all of it is taken, and whether it is a whole value then.
struct Verdict {
  bool taken = true;
  bool whole = false;
};

Verdict verdict(std::string_view text, Kind kind = Kind::kAny) {
  JsonValue value(kind);
  for (const char byte : text) {
    if (value.push(byte) != JsonValue::Step::kTaken) return {false, false};
  }
  return {true, value.may_end()};
}

bool is_whole(std::string_view text, Kind kind = Kind::kAny) { return verdict(text, kind).whole; }

/// More than two digits, which readers need not take.
bool has_long_exponent(std::string_view text) {
  const std::size_t e = text.find('e');
  if (e == std::string_view::npos || e == 0 || text[e - 1] < '0' || text[e - 1] > '9') return false;
  const std::size_t first = text.find_first_of("01", e);
  return first != std::string_view::npos && text.size() - first > 2 &&
         text.find_first_not_of("01", first) == std::string_view::npos;
}

/// Every text over an alphabet, against another implementation: what is a value there is one here,
/// and no prefix of it was refused.
TEST(JsonValue, AcceptsWhatAParserAccepts) {
  constexpr std::string_view kAlphabet = "{}[]\",:01-.e\\u n";
  constexpr std::size_t kLength = 5;
  std::size_t values = 0;
  std::string text;
  const auto visit = [&](const auto& self) -> void {
    if (!text.empty() && text.front() != ' ' && text.back() != ' ') {
      const bool expected = Json::accept(text) && !has_long_exponent(text);
      values += expected ? 1 : 0;
      ASSERT_EQ(is_whole(text), expected) << text;
    }
    if (text.size() == kLength) return;
    for (const char byte : kAlphabet) {
      text.push_back(byte);
      self(self);
      text.pop_back();
    }
  };
  visit(visit);
  EXPECT_GT(values, 3000U);
}

TEST(JsonValue, TakesEveryPrefixOfLongValues) {
  for (const std::string_view text :
       {R"({"a": [1, 2.5e-3, {"b": "\u00e9\n\"x"}], "c": {}, "d": [true, false, null, []]})",
        R"([[[[[["deep"]]]]], -0.0, 1E+9, "äöü", {"": ""}])"}) {
    for (std::size_t length = 1; length < text.size(); ++length) {
      const Verdict part = verdict(text.substr(0, length));
      EXPECT_TRUE(part.taken) << text.substr(0, length);
      EXPECT_FALSE(part.whole) << text.substr(0, length);
    }
    EXPECT_TRUE(is_whole(text));
  }
}

TEST(JsonValue, KeepsToItsKind) {
  const std::pair<Kind, std::string_view> samples[] = {
      {Kind::kString, R"("x")"}, {Kind::kInteger, "-12"}, {Kind::kNumber, "1.5e3"},
      {Kind::kBoolean, "true"},  {Kind::kObject, "{}"},   {Kind::kArray, "[null]"}};
  for (const auto& [kind, ignored] : samples) {
    for (const auto& [other, text] : samples) {
      const bool fits = kind == other || (kind == Kind::kNumber && other == Kind::kInteger);
      EXPECT_EQ(is_whole(text, kind), fits) << text;
    }
  }
  EXPECT_TRUE(is_whole("[1.5]", Kind::kArray)) << "only the value itself is of that kind";
}

TEST(JsonValue, TellsWhereItEnds) {
  JsonValue number(Kind::kInteger);
  EXPECT_EQ(number.push('4'), JsonValue::Step::kTaken);
  EXPECT_TRUE(number.may_end());
  EXPECT_EQ(number.push('.'), JsonValue::Step::kEnded);
  EXPECT_EQ(number.push('2'), JsonValue::Step::kTaken) << "an end does not change the value";
  JsonValue text;
  for (const char byte : std::string(R"("a")")) text.push(byte);
  EXPECT_EQ(text.push(' '), JsonValue::Step::kEnded);
}

TEST(JsonValue, NumbersFitIntoWhatReadersHave) {
  EXPECT_TRUE(is_whole("-999999999999999999"));
  EXPECT_FALSE(verdict("1234567890123456789").taken);
  EXPECT_TRUE(is_whole("1.23456789012345678e-99"));
  EXPECT_FALSE(verdict("1.234567890123456789").taken);
  EXPECT_FALSE(verdict("1e100").taken);
  EXPECT_TRUE(is_whole("[999999999999999999, 999999999999999999]")) << "each by itself";
}

TEST(JsonValue, BoundsSpacesAndDepth) {
  const std::string spaces(kJsonSpacesMax, ' ');
  EXPECT_TRUE(is_whole("[" + spaces + "1," + spaces + "2]"));
  EXPECT_FALSE(verdict("[" + spaces + " ").taken);
  EXPECT_TRUE(is_whole(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(verdict(std::string(65, '[')).taken);
  EXPECT_FALSE(verdict("\"\n").taken) << "control characters are spelt";
}

}  // namespace
}  // namespace hearth::protocol

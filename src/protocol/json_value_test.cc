#include "protocol/json_value.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json_reader.h"

namespace hearth::protocol {
namespace {

/// Whether all of it is taken, and whether it is a whole value then.
struct Verdict {
  bool taken = true;
  bool whole = false;
};

Verdict verdict(std::string_view text, std::uint8_t types = json_type::kAny) {
  JsonValue value(types);
  for (const char byte : text) {
    if (value.push(byte) != JsonValue::Step::kTaken) return {false, false};
  }
  return {true, value.may_end()};
}

bool is_whole(std::string_view text, std::uint8_t types = json_type::kAny) {
  return verdict(text, types).whole;
}

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
    const bool wide = text.find("   ") != std::string::npos;  // not taken between tokens
    if (!text.empty() && text.front() != ' ' && text.back() != ' ' && !wide) {
      const bool expected =
          Json::accept(text) && !has_long_exponent(text) && text.find("   ") == std::string::npos;
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

TEST(JsonValue, KeepsToItsTypes) {
  using namespace json_type;
  const std::pair<std::uint8_t, std::string_view> samples[] = {
      {kString, R"("x")"}, {kInteger, "-12"},  {kNumber, "1.5e3"}, {kBoolean, "true"},
      {kObject, "{}"},     {kArray, "[null]"}, {kNull, "null"}};
  for (const auto& [types, ignored] : samples) {
    for (const auto& [other, text] : samples) {
      const bool fits = types == other || (types == kNumber && other == kInteger);
      EXPECT_EQ(is_whole(text, types), fits) << text;
      EXPECT_EQ(is_whole(text, types | kNull), fits || other == kNull) << text;
    }
  }
  EXPECT_TRUE(is_whole("[1.5]", kArray)) << "only the value itself is of that type";
}

/// Escapes of every value, and of pairs at the borders of the surrogates.
TEST(JsonValue, EscapesAreWholeCharacters) {
  const auto escape = [](int code) {
    constexpr std::string_view kDigits = "0123456789aBcDeF";
    std::string text = "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) {
      text.push_back(kDigits[static_cast<std::size_t>(code >> shift & 15)]);
    }
    return text;
  };
  for (int code = 0; code < 0x10000; ++code) {
    const std::string text = '"' + escape(code) + '"';
    ASSERT_EQ(is_whole(text), Json::accept(text)) << text;
  }
  const int borders[] = {0x41, 0xd7ff, 0xd800, 0xdabc, 0xdbff, 0xdc00, 0xdfff, 0xe000};
  for (const int first : borders) {
    for (const int second : borders) {
      for (const char* between : {"", "x", "\\n"}) {
        const std::string text = '"' + escape(first) + between + escape(second) + "\"";
        EXPECT_EQ(is_whole(text), Json::accept(text)) << text;
      }
    }
  }
}

/// However long one byte is repeated, where it is refused another leads on.
TEST(JsonValue, HasNoDeadEnds) {
  for (const std::string_view start :
       {"", "[", "{", "\"", "\"\\u", "\"\\ud", "1.", "1e", "-", "[1", "{\"a\":"}) {
    for (char byte = ' '; byte <= '~'; ++byte) {
      JsonValue value;
      for (const char one : start) ASSERT_EQ(value.push(one), JsonValue::Step::kTaken);
      for (int run = 0; run < 200; ++run) {
        JsonValue tried = value;
        if (tried.push(byte) != JsonValue::Step::kTaken) break;
        value = tried;
        bool leads_on = value.may_end();
        for (char next = ' '; next <= '~' && !leads_on; ++next) {
          JsonValue further = value;
          leads_on = further.push(next) == JsonValue::Step::kTaken;
        }
        ASSERT_TRUE(leads_on) << start << " and " << run + 1 << " times " << byte;
      }
    }
  }
}

TEST(JsonValue, TellsWhereItEnds) {
  JsonValue number(json_type::kInteger);
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
  EXPECT_FALSE(verdict("123456789012345678.").taken) << "a digit could not follow";
  EXPECT_FALSE(verdict("1e100").taken);
  EXPECT_TRUE(is_whole("[999999999999999999, 999999999999999999]")) << "each by itself";
}

TEST(JsonValue, BoundsSpacesAndDepth) {
  const std::string indent = "\n" + std::string(32, ' ');
  EXPECT_TRUE(is_whole("[  1,  2 \r\n]"));
  EXPECT_FALSE(verdict("[   ").taken);
  EXPECT_TRUE(is_whole("[" + indent + "1," + indent + "2\n]"));
  EXPECT_FALSE(verdict("[" + indent + " ").taken);
  EXPECT_FALSE(verdict("[\n\n").taken);
  EXPECT_TRUE(is_whole(std::string(32, '[') + std::string(32, ']')));
  EXPECT_FALSE(verdict(std::string(33, '[')).taken);
  EXPECT_FALSE(verdict("\"\n").taken) << "control characters are spelt";
}

}  // namespace
}  // namespace hearth::protocol

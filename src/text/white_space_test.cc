#include "text/white_space.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>

#include "text/test_support.h"

namespace hearth::text {
namespace {

TEST(WhiteSpace, IsCountedInBytesAtBothEnds) {
  EXPECT_EQ(leading_white_space(""), 0U);
  EXPECT_EQ(trailing_white_space(""), 0U);
  EXPECT_EQ(leading_white_space(" \t\xC2\xA0x "), 4U);      // a no-break space
  EXPECT_EQ(trailing_white_space(" x\xE3\x80\x80\n"), 4U);  // an ideographic one
  EXPECT_EQ(trailing_white_space("\xE2\x80\x8B"), 0U);      // one of no width is none
  EXPECT_EQ(leading_white_space("\xF0\x9F\x98\x80 "), 0U);
}

TEST(WhiteSpace, WhateverLiesBetween) {
  TestRandom random(3);
  const std::string_view white[] = {" ", "\n", "\xC2\x85", "\xE2\x80\xA8", "\xE3\x80\x80"};
  const std::string_view others[] = {"a", "\xC3\xA4", "\xE2\x80\x8B", "\xF0\x9F\x98\x80"};
  const auto some = [&](std::span<const std::string_view> from) {
    std::string made;
    for (std::size_t i = random.below(4); i > 0; --i) made += from[random.below(from.size())];
    return made;
  };
  for (int round = 0; round < 1000; ++round) {
    const std::string before = some(white);
    const std::string after = some(white);
    const std::string middle = "x" + some(others) + some(white) + some(others) + "\xC3\xA4";
    ASSERT_EQ(leading_white_space(before + middle + after), before.size());
    ASSERT_EQ(trailing_white_space(before + middle + after), after.size());
    ASSERT_EQ(leading_white_space(before), before.size());
    ASSERT_EQ(trailing_white_space(after), after.size());
  }
}

}  // namespace
}  // namespace hearth::text

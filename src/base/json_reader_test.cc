#include "base/json_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth {
namespace {

TEST(ParseJson, SyntaxErrorNamesSourceAndByte) {
  const auto result = parse_json(R"({"a": 1,, "b": 2})", "config.json");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(result.error().message, "config.json: not valid JSON at byte 9 of 17");
}

TEST(ParseJson, DeepNestingIsRefusedBeforeParsing) {
  const std::string deep(200000, '[');
  const auto result = parse_json(deep, "x.json");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("nested deeper than 128"), std::string::npos);
}

TEST(ParseJson, BracketsInsideStringsDoNotCount) {
  const std::string text = "\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\"";
  EXPECT_TRUE(parse_json(text, "x.json"));
}

TEST(ParseJson, OrderedKeepsKeyOrder) {
  const auto result = parse_ordered_json(R"({"z": 1, "a": 2})", "x");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->dump(), R"({"z":1,"a":2})");
}

class JsonReaderTest : public ::testing::Test {
 protected:
  Json json_ = *parse_json(R"({"model": {"eos": [1, 2], "bos": 7, "bad": [1, "x"], "name": "phi",
                               "big": 18446744073709551615, "none": null, "share": true}})",
                           "c");
  JsonReader model_ = *JsonReader(json_, "genai_config.json").object("model");
};

TEST_F(JsonReaderTest, ReadsScalarsAndLists) {
  EXPECT_EQ(*model_.integer("bos", 0, 10), 7);
  EXPECT_EQ(*model_.string("name"), "phi");
  EXPECT_EQ(*model_.boolean("share"), true);
  EXPECT_EQ(*model_.integers("eos", 0, 10), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(*model_.integers("bos", 0, 10), (std::vector<std::int64_t>{7}));
  EXPECT_TRUE(model_.integers("absent", 0, 10)->empty());
}

TEST_F(JsonReaderTest, AbsentAndNullFallBack) {
  EXPECT_EQ(*model_.integer_or("absent", 5, 0, 10), 5);
  EXPECT_EQ(*model_.string_or("none", "x"), "x");
}

TEST_F(JsonReaderTest, ErrorsNameFileKeyAndRange) {
  EXPECT_EQ(model_.integer("bos", 0, 5).error().message,
            "genai_config.json: model.bos is 7; expected a whole number from 0 to 5");
  EXPECT_EQ(model_.integer("absent", 0, 5).error().message,
            "genai_config.json: model.absent is missing; expected a whole number from 0 to 5");
  EXPECT_EQ(
      model_.integer_or("name", 1, 0, 5).error().message,
      "genai_config.json: model.name is the text \"phi\"; expected a whole number from 0 to 5");
  EXPECT_FALSE(model_.integers("bad", 0, 5));
  EXPECT_FALSE(model_.integer("big", 0, 1000));
  EXPECT_FALSE(JsonReader(json_, "f").object("other"));
}

}  // namespace
}  // namespace hearth

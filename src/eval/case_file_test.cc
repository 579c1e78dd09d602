#include "eval/case_file.h"

#include <gtest/gtest.h>

namespace hearth::eval {
namespace {

constexpr const char* kRead =
    R"({"id": "a", "kind": "tool", "tools": [{"name": "read", "parameters": {"path": {"type": "str"}}}],)"
    R"( "messages": [{"role": "user", "content": "read x"}],)"
    R"( "expect": {"tool": "read", "arguments": {"path": "x"}}})";

std::string with_expect(const std::string& expect) {
  return R"({"id": "b", "kind": "question", "messages": [{"role": "user", "content": "hi"}], "expect": )" +
         expect + "}";
}

std::string error_of(const std::string& text) {
  const auto cases = parse_cases(text, "set.jsonl");
  EXPECT_FALSE(cases) << text;
  if (cases) return "";
  EXPECT_EQ(cases.error().code, ErrorCode::kInvalidArgument);
  return cases.error().message;
}

TEST(CaseFile, ReadsCallsTextAndFamilies) {
  const std::string text =
      std::string(kRead) + "\n\n  \r\n" +
      with_expect(R"({"text_contains": ["42"], "text_contains_any": ["a", "b"]})") + "\n";
  const auto cases = parse_cases(text, "set.jsonl");
  ASSERT_TRUE(cases) << cases.error().message;
  ASSERT_EQ(cases->size(), 2u);
  EXPECT_EQ(cases->at(0).id, "a");
  EXPECT_EQ(cases->at(0).family, "read");
  EXPECT_EQ(cases->at(0).tools.at(0).name, "read");
  EXPECT_EQ(cases->at(0).messages.at(0).content, "read x");
  EXPECT_EQ(cases->at(0).expect.arguments.at(0).at("path"), "x");
  EXPECT_EQ(cases->at(1).expect.text_contains, std::vector<std::string>{"42"});
  EXPECT_EQ(cases->at(1).expect.text_contains_any, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(cases->at(1).expect.tool.empty());
}

TEST(CaseFile, TheLastLineNeedsNoEnd) {
  EXPECT_EQ(parse_cases(with_expect(R"({"no_call": true})"), "x")->size(), 1u);
  EXPECT_EQ(*parse_cases(with_expect(R"({"text": "42"})"), "x")->at(0).expect.text, "42");
}

TEST(CaseFile, ErrorsNameTheLineAndTheKey) {
  const std::string good = with_expect(R"({"text": "x"})") + "\n";
  EXPECT_NE(error_of(good + "\n{\"id\": ").find("set.jsonl: line 3"), std::string::npos);
  EXPECT_NE(error_of(good + "[]").find("line 2: expected an object"), std::string::npos);
  EXPECT_NE(error_of(good + good).find("line 2: the id \"b\""), std::string::npos);
  const std::pair<const char*, const char*> expectations[] = {
      {"{}", "expects nothing"},
      {"3", "\"expect\" must be an object"},
      {R"({"tool": "read", "arguments": {}})", "does not offer"},
      {R"({"tool": "", "arguments": {}})", "\"tool\" must be a text"},
      {R"({"tool": "read"})", "\"arguments\""},
      {R"({"tool": "read", "arguments": []})", "must be an object"},
      {R"({"tool": "read", "arguments_any": []})", "must be an object"},
      {R"({"tool": "read", "arguments": {}, "text": "x"})", "\"text\" is not known"},
      {R"({"no_call": false})", "\"no_call\" can only be true"},
      {R"({"text": 3})", "\"text\" must be"},
      {R"({"text_contains": "42"})", "\"text_contains\" must be a list"},
      {R"({"text_contains": []})", "\"text_contains\" must be a list"},
      {R"({"text_contains": [""]})", "\"text_contains\" must be a list"},
      {R"({"txt": "x"})", "\"txt\" is not known"},
  };
  for (const auto& [expect, words] : expectations) {
    const std::string message = error_of(with_expect(expect));
    EXPECT_NE(message.find("line 1"), std::string::npos) << message;
    EXPECT_NE(message.find(words), std::string::npos) << message;
  }
  EXPECT_NE(error_of(R"({"id": "x", "kind": "k", "expect": {"text": "x"}})").find("\"messages\""),
            std::string::npos);
  EXPECT_NE(error_of(R"({"id": "x", "kind": "k", "messages": [], "expect": {"text": "x"}})")
                .find("\"messages\" is empty"),
            std::string::npos);
  EXPECT_NE(
      error_of(
          R"({"id": "x", "kind": "k", "messages": [{"role": "king"}], "expect": {"text": "x"}})")
          .find("role"),
      std::string::npos);
  EXPECT_NE(error_of("").find("no case"), std::string::npos);
  EXPECT_NE(error_of("\n \n").find("no case"), std::string::npos);
}

}  // namespace
}  // namespace hearth::eval

#include "eval/case_score.h"

#include <gtest/gtest.h>

namespace hearth::eval {
namespace {

EvalCase expects_call(const char* arguments) {
  EvalCase made;
  made.expect.tool = "read";
  made.expect.arguments = {OrderedJson::parse(arguments)};
  return made;
}

Answer call(const char* name, const char* arguments) {
  Answer made;
  made.calls.push_back({"", name, OrderedJson::parse(arguments)});
  made.raw = std::string("<|tool_call|>[{\"name\": \"") + name + "\", \"arguments\": " + arguments +
             "}]<|/tool_call|>";
  made.confidence = 0.5;
  return made;
}

Answer says(const char* text) {
  Answer made;
  made.raw = text;
  made.text = text;
  return made;
}

TEST(ScoreCase, ACallIsRightWhenNameAndAllArgumentsAre) {
  const EvalCase expected = expects_call(R"({"path": "a.txt", "lines": 3})");
  const CaseScore right = score_case(expected, call("read", R"({"lines": 3.0, "path": "a.txt"})"));
  EXPECT_TRUE(right.right && right.right_name && right.right_arguments && right.valid_json);
  EXPECT_EQ(right.confidence, 0.5);
  for (const char* arguments :
       {R"({"path": "a.txt"})", R"({"path": "a.txt", "lines": 3, "more": 1})",
        R"({"path": "A.txt", "lines": 3})", R"({"path": "a.txt ", "lines": 3})",
        R"({"path": "a.txt", "lines": "3"})"}) {
    const CaseScore score = score_case(expected, call("read", arguments));
    EXPECT_TRUE(score.right_name) << arguments;
    EXPECT_FALSE(score.right || score.right_arguments) << arguments;
  }
}

TEST(ScoreCase, AnotherNameTwoCallsOrNoneAreWrong) {
  const EvalCase expected = expects_call(R"({"path": "a"})");
  EXPECT_FALSE(score_case(expected, call("write", R"({"path": "a"})")).right_name);
  EXPECT_FALSE(score_case(expected, call("Read", R"({"path": "a"})")).right_name);
  Answer twice = call("read", R"({"path": "a"})");
  twice.calls.push_back(twice.calls.front());
  EXPECT_FALSE(score_case(expected, twice).right_name);
  const CaseScore none = score_case(expected, says("read a"));
  EXPECT_FALSE(none.right || none.called || none.tried_to_call || none.valid_json);
}

TEST(ScoreCase, OneOfSeveralArgumentsWillDo) {
  EvalCase expected = expects_call(R"({"pattern": "*.py"})");
  expected.expect.arguments.push_back(OrderedJson::parse(R"({"pattern": "**/*.py"})"));
  EXPECT_TRUE(score_case(expected, call("read", R"({"pattern": "**/*.py"})")).right);
  EXPECT_FALSE(score_case(expected, call("read", R"({"pattern": "*.c"})")).right);
}

TEST(ScoreCase, BrokenJsonIsATryThatIsNotValid) {
  const EvalCase expected = expects_call(R"({"path": "a"})");
  const CaseScore broken = score_case(expected, says(R"(<|tool_call|>[{"name": "read", "argum)"));
  EXPECT_TRUE(broken.tried_to_call);
  EXPECT_FALSE(broken.valid_json || broken.called);
  // A tool that is not offered: the parser leaves it in the text, but its JSON is fine.
  const CaseScore unknown = score_case(
      expected, says(R"(<|tool_call|>[{"name": "delete", "arguments": {}}]<|/tool_call|>)"));
  EXPECT_TRUE(unknown.tried_to_call && unknown.valid_json);
  EXPECT_FALSE(unknown.called);
}

TEST(ScoreCase, WhereNoCallIsExpectedATryIsWrong) {
  EvalCase expected;
  expected.expect.text_contains = {"no"};
  EXPECT_TRUE(score_case(expected, says("No, I have no tool for that.")).right);
  EXPECT_FALSE(score_case(expected, says("Yes.")).right);
  Answer both = call("read", R"({})");
  both.text = "no";
  EXPECT_FALSE(score_case(expected, both).right);
  EXPECT_FALSE(score_case(expected, says(R"(no <|tool_call|>[{"na)")).right);
}

TEST(ScoreCase, RepairedCountsOnlyCalls) {
  const EvalCase expected = expects_call(R"({"path": "a"})");
  Answer repaired = call("read", R"({"path": "a"})");
  repaired.repaired = true;
  EXPECT_TRUE(score_case(expected, repaired).repaired);
  EXPECT_TRUE(score_case(expected, repaired).right);
  Answer text = says("x");
  text.repaired = true;
  EXPECT_FALSE(score_case(expected, text).repaired);
}

bool contains(const char* part, const char* text) {
  Expectation expected;
  expected.text_contains = {part};
  return text_fits(expected, text);
}

TEST(TextFits, NumbersAreWholeNumbers) {
  for (const char* text : {"42", "It is 42.", "17 + 25 = 42", "(42)", "42, I think", "10-42",
                           "x=42", "142 or 42", "$42", "**42**", "42%", "= 42.\n"}) {
    EXPECT_TRUE(contains("42", text)) << text;
  }
  for (const char* text :
       {"142", "421", "4.42", "42.5", "-42", "1,042", "42,000", "4 2", "", " -42"}) {
    EXPECT_FALSE(contains("42", text)) << text;
  }
  EXPECT_TRUE(contains("-8", "It is -8."));
  EXPECT_FALSE(contains("-8", "It is -80."));
}

TEST(TextFits, WordsInAnyCaseAndAllOfThem) {
  EXPECT_TRUE(contains("paris", "The capital is PARIS."));
  EXPECT_FALSE(contains("paris", "The capital is Rome."));
  Expectation expected;
  expected.text_contains = {"a", "b"};
  EXPECT_FALSE(text_fits(expected, "a"));
  EXPECT_TRUE(text_fits(expected, "b a"));
  expected.text_contains_any = {"x", "y"};
  EXPECT_FALSE(text_fits(expected, "ba"));
  EXPECT_TRUE(text_fits(expected, "bay"));
}

TEST(TextFits, ExactTextAllowsWhiteSpaceAround) {
  Expectation expected;
  expected.text = "Hello.";
  EXPECT_TRUE(text_fits(expected, " Hello.\n"));
  EXPECT_FALSE(text_fits(expected, "hello."));
  EXPECT_FALSE(text_fits(expected, "Hello"));
  EXPECT_TRUE(text_fits(Expectation(), "anything"));
}

}  // namespace
}  // namespace hearth::eval

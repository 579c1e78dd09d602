#include "eval/scoreboard.h"

#include <gtest/gtest.h>

namespace hearth::eval {
namespace {

EvalCase a_case(std::string kind, std::string tool, std::string family = "") {
  EvalCase made;
  made.kind = std::move(kind);
  made.expect.tool = std::move(tool);
  made.family = family.empty() ? made.expect.tool : std::move(family);
  return made;
}

TEST(Scoreboard, AddsUpByKindByToolAndInAll) {
  const std::vector<EvalCase> cases = {a_case("tool", "read"),  a_case("tool", "Read", "read"),
                                       a_case("chain", "grep"), a_case("absent", ""),
                                       a_case("question", ""),  a_case("question", "")};
  const CaseScore right_call{.right = true,
                             .called = true,
                             .tried_to_call = true,
                             .valid_json = true,
                             .repaired = true,
                             .right_name = true,
                             .right_arguments = true,
                             .confidence = 0.9};
  const CaseScore wrong_arguments{.called = true,
                                  .tried_to_call = true,
                                  .valid_json = true,
                                  .right_name = true,
                                  .confidence = 0.7};
  const CaseScore broken{.tried_to_call = true};
  const CaseScore wrong_tool{
      .called = true, .tried_to_call = true, .valid_json = true, .confidence = 0.6};
  const CaseScore right_text{.right = true};
  const CaseScore wrong_text{};
  const Tally tally =
      tally_of(cases, {right_call, wrong_arguments, broken, wrong_tool, right_text, wrong_text});

  EXPECT_EQ(tally.all.right, 2);
  EXPECT_EQ(tally.all.of, 6);
  EXPECT_EQ(tally.kinds.at("tool").of, 2);
  EXPECT_EQ(tally.kinds.at("tool").right, 1);
  EXPECT_EQ(tally.kinds.at("question").right, 1);
  EXPECT_EQ(tally.calls.name.right, 2);
  EXPECT_EQ(tally.calls.name.of, 3);
  EXPECT_EQ(tally.calls.arguments.right, 1);
  EXPECT_EQ(tally.tools.at("read").calls.name.right, 2);
  EXPECT_EQ(tally.tools.at("read").calls.arguments.right, 1);
  EXPECT_EQ(tally.tools.at("grep").calls.name.right, 0);
  EXPECT_EQ(tally.tools.count("Read"), 0u);
  EXPECT_EQ(tally.no_call.right, 2);
  EXPECT_EQ(tally.no_call.of, 3);
  EXPECT_EQ(tally.made.valid_json.right, 3);
  EXPECT_EQ(tally.made.valid_json.of, 4);
  EXPECT_EQ(tally.made.repaired.right, 1);
  EXPECT_EQ(tally.made.repaired.of, 3);
  EXPECT_EQ(tally.made.calibration.count, 3u);
  EXPECT_NEAR(tally.made.calibration.accuracy, 2.0 / 3, 1e-12);
}

TEST(Scoreboard, TellsOfEachToolWhatWasMadeOfItsCalls) {
  const std::vector<EvalCase> cases = {a_case("tool", "read"), a_case("tool", "read"),
                                       a_case("tool", "grep"), a_case("absent", "")};
  const CaseScore repaired{.called = true,
                           .tried_to_call = true,
                           .valid_json = true,
                           .repaired = true,
                           .right_name = true,
                           .confidence = 0.9};
  const CaseScore broken{.tried_to_call = true};
  const CaseScore wrong_tool{
      .called = true, .tried_to_call = true, .valid_json = true, .confidence = 0.6};
  const Tally tally = tally_of(cases, {repaired, broken, wrong_tool, wrong_tool});

  const MadeCalls& read = tally.tools.at("read").made;
  EXPECT_EQ(read.valid_json.right, 1);
  EXPECT_EQ(read.valid_json.of, 2);
  EXPECT_EQ(read.repaired.right, 1);
  EXPECT_EQ(read.repaired.of, 1);
  EXPECT_EQ(read.calibration.count, 1u);
  EXPECT_NEAR(read.calibration.expected_error, 0.1, 1e-12);
  const MadeCalls& grep = tally.tools.at("grep").made;
  EXPECT_EQ(grep.repaired.right, 0);
  EXPECT_NEAR(grep.calibration.mean_confidence, 0.6, 1e-12);
  EXPECT_EQ(grep.calibration.accuracy, 0);
  // The call that was not wanted is no tool's, but counts in all.
  EXPECT_EQ(tally.tools.size(), 2u);
  EXPECT_EQ(tally.made.calibration.count, 3u);
}

TEST(Scoreboard, CasesThatWereNotRunDoNotCount) {
  const std::vector<EvalCase> cases = {a_case("question", ""), a_case("question", "")};
  EXPECT_EQ(tally_of(cases, {CaseScore{}}).all.of, 1);
  EXPECT_EQ(tally_of(cases, {}).all.rate(), 0);
}

}  // namespace
}  // namespace hearth::eval

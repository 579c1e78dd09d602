#include "eval/scoreboard.h"

#include "base/check.h"

namespace hearth::eval {
namespace {

void count(Share& share, bool right) {
  ++share.of;
  if (right) ++share.right;
}

void count_call(CallTally& tally, const CaseScore& score) {
  count(tally.name, score.right_name);
  count(tally.arguments, score.right_arguments);
}

/// Counts what was made of calls; claims are gathered until all are known.
class CallCounter {
 public:
  void count(const CaseScore& score) {
    if (score.tried_to_call) eval::count(made_.valid_json, score.valid_json);
    if (score.called) eval::count(made_.repaired, score.repaired);
    if (score.confidence) claims_.push_back({*score.confidence, score.right_name});
  }

  MadeCalls result() {
    made_.calibration = calibrate(claims_);
    return made_;
  }

 private:
  MadeCalls made_;
  std::vector<Claim> claims_;
};

}  // namespace

Tally tally_of(const std::vector<EvalCase>& cases, const std::vector<CaseScore>& scores) {
  HEARTH_CHECK(scores.size() <= cases.size());
  Tally tally;
  CallCounter all_made;
  std::map<std::string, CallCounter> made_by_tool;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const EvalCase& one = cases[i];
    const CaseScore& score = scores[i];
    count(tally.all, score.right);
    count(tally.kinds[one.kind], score.right);
    all_made.count(score);
    if (one.expect.tool.empty()) {
      count(tally.no_call, !score.tried_to_call);
      continue;
    }
    count_call(tally.calls, score);
    count_call(tally.tools[one.family].calls, score);
    made_by_tool[one.family].count(score);
  }
  tally.made = all_made.result();
  for (auto& [tool, made] : made_by_tool) tally.tools[tool].made = made.result();
  return tally;
}

}  // namespace hearth::eval

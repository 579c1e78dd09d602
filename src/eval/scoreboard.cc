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

}  // namespace

Tally tally_of(const std::vector<EvalCase>& cases, const std::vector<CaseScore>& scores) {
  HEARTH_CHECK(scores.size() <= cases.size());
  Tally tally;
  std::vector<Claim> claims;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const EvalCase& one = cases[i];
    const CaseScore& score = scores[i];
    count(tally.all, score.right);
    count(tally.kinds[one.kind], score.right);
    if (one.expect.tool.empty()) {
      count(tally.no_call, !score.tried_to_call);
    } else {
      count_call(tally.calls, score);
      count_call(tally.tools[one.family], score);
    }
    if (score.tried_to_call) count(tally.valid_json, score.valid_json);
    if (score.called) count(tally.repaired, score.repaired);
    if (score.confidence) claims.push_back({*score.confidence, score.right_name});
  }
  tally.calibration = calibrate(claims);
  return tally;
}

}  // namespace hearth::eval

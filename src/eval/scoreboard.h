// Scores of many cases, added up by kind, by tool and in all.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "eval/calibration.h"
#include "eval/case_file.h"
#include "eval/case_score.h"

namespace hearth::eval {

/// How many of how many.
struct Share {
  int right = 0;
  int of = 0;

  /// 0 where there is nothing to count.
  double rate() const { return of == 0 ? 0 : static_cast<double>(right) / of; }
};

/// Cases that expected a call.
struct CallTally {
  Share name;       ///< the right tool
  Share arguments;  ///< and all arguments exact
};

/// Calls that were made, whether one was expected or not.
struct MadeCalls {
  Share valid_json;         ///< of the answers that tried to call
  Share repaired;           ///< of the answers that called
  Calibration calibration;  ///< of every call with a confidence: right when its name was
};

/// The cases that expected one tool.
struct ToolTally {
  CallTally calls;
  MadeCalls made;
};

struct Tally {
  Share all;
  std::map<std::string, Share> kinds;      ///< by EvalCase::kind
  CallTally calls;                         ///< all cases that expected a call
  std::map<std::string, ToolTally> tools;  ///< those by EvalCase::family
  Share no_call;   ///< of the cases that expected none: no call, whatever the text
  MadeCalls made;  ///< by all answers
};

/// Adds up cases in any order. `scores` belong to `cases`, place by place; there may be fewer.
Tally tally_of(const std::vector<EvalCase>& cases, const std::vector<CaseScore>& scores);

}  // namespace hearth::eval

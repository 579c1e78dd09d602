// One answer against what was expected of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/case_file.h"
#include "protocol/chat.h"

namespace hearth::eval {

/// What a model answered.
struct Answer {
  std::string raw;   ///< as the model wrote it, notation of calls included
  std::string text;  ///< without calls
  std::vector<protocol::ToolCall> calls;
  bool repaired = false;             ///< the parser had to: see protocol::ParsedReply
  std::optional<double> confidence;  ///< in the first call's name; nothing without one
};

/// What is counted of one case. Fields that a case says nothing about stay false.
struct CaseScore {
  bool right = false;            ///< all that was expected, and nothing more
  bool called = false;           ///< a call was understood
  bool tried_to_call = false;    ///< or what looks like one was written
  bool valid_json = false;       ///< tried_to_call, and its JSON could be read, whatever it names
  bool repaired = false;         ///< called, but not in the strict spelling
  bool right_name = false;       ///< a call was expected: exactly one, with that name
  bool right_arguments = false;  ///< right_name, and all arguments exact
  std::optional<double> confidence = std::nullopt;  ///< called: in the name
};

/// Calls are right when there is exactly one with the expected name and arguments. Arguments are
/// compared as JSON: keys in any order, 1 equal to 1.0, texts to the letter. Text is right as
/// text_fits() says and only without a call.
CaseScore score_case(const EvalCase& expected, const Answer& answer);

/// `text` exact: equal, white space around both aside. `text_contains`: each in it, in upper or
/// lower case alike (ASCII), and one that begins or ends with a digit not as a part of another
/// number: "42" is not in "142", "4.42", "42.5" or "-42".
bool text_fits(const Expectation& expected, std::string_view text);

}  // namespace hearth::eval

#include "eval/case_score.h"

#include <algorithm>
#include <array>

#include "protocol/tool_call_parser.h"

namespace hearth::eval {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lowered(std::string_view text) {
  std::string made(text);
  for (char& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return made;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

char at(std::string_view text, std::size_t place) {
  return place < text.size() ? text[place] : ' ';
}

/// The digits at `begin` go on to the left: "142", "4.42", "1,042", "-42" (but not "10-42").
bool number_begins_before(std::string_view text, std::size_t begin) {
  if (begin == 0) return false;
  const char before = text[begin - 1];
  const char further = begin >= 2 ? text[begin - 2] : ' ';
  if (is_digit(before)) return true;
  if (before == '.' || before == ',') return is_digit(further);
  return before == '-' && !is_digit(further) && further != ')' &&
         !(further >= 'a' && further <= 'z');
}

/// The digits before `end` go on to the right: "421", "42.5", "42,000".
bool number_goes_on(std::string_view text, std::size_t end) {
  const char next = at(text, end);
  return is_digit(next) || ((next == '.' || next == ',') && is_digit(at(text, end + 1)));
}

/// Both in lower case.
bool contains(std::string_view text, std::string_view part) {
  for (std::size_t place = text.find(part); place != std::string_view::npos;
       place = text.find(part, place + 1)) {
    const bool cut = (is_digit(part.front()) && number_begins_before(text, place)) ||
                     (is_digit(part.back()) && number_goes_on(text, place + part.size()));
    if (!cut) return true;
  }
  return false;
}

bool looks_like_call(std::string_view raw) {
  constexpr std::array<std::string_view, 3> kNotation = {"<|tool_call|>", "<tool_call>",
                                                         "functools["};
  return std::any_of(kNotation.begin(), kNotation.end(),
                     [&](std::string_view wrapper) { return raw.find(wrapper) != raw.npos; });
}

bool arguments_fit(const Expectation& expected, const OrderedJson& arguments) {
  const Json found(arguments);
  return std::any_of(expected.arguments.begin(), expected.arguments.end(),
                     [&](const OrderedJson& one) { return Json(one) == found; });
}

}  // namespace

bool text_fits(const Expectation& expected, std::string_view text) {
  if (expected.text && trimmed(*expected.text) != trimmed(text)) return false;
  const std::string answer = lowered(text);
  const auto is_in = [&](const std::string& part) { return contains(answer, lowered(part)); };
  const auto& any = expected.text_contains_any;
  return std::all_of(expected.text_contains.begin(), expected.text_contains.end(), is_in) &&
         (any.empty() || std::any_of(any.begin(), any.end(), is_in));
}

CaseScore score_case(const EvalCase& expected, const Answer& answer) {
  CaseScore score;
  score.called = !answer.calls.empty();
  // With no names given, a call of a tool that is not offered is read, too.
  score.valid_json = score.called || !protocol::parse_tool_calls(answer.raw, {}).tool_calls.empty();
  score.tried_to_call = score.valid_json || looks_like_call(answer.raw);
  score.repaired = score.called && answer.repaired;
  if (score.called) score.confidence = answer.confidence;
  if (expected.expect.tool.empty()) {
    score.right = !score.tried_to_call && text_fits(expected.expect, answer.text);
    return score;
  }
  score.right_name = answer.calls.size() == 1 && answer.calls.front().name == expected.expect.tool;
  score.right_arguments =
      score.right_name && arguments_fit(expected.expect, answer.calls.front().arguments);
  score.right = score.right_arguments;
  return score;
}

}  // namespace hearth::eval

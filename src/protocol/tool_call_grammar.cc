#include "protocol/tool_call_grammar.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/check.h"

namespace hearth::protocol {
namespace {

constexpr std::string_view kNameWord = "\"name\"";
constexpr std::string_view kArgumentsWord = "\"arguments\"";

}  // namespace

ToolCallGrammar::ToolCallGrammar(const std::vector<ToolDefinition>& offered, CallWrapper wrapper)
    : wrapper_(wrapper) {
  HEARTH_CHECK(!offered.empty());
  std::vector<std::pair<std::string, const ToolDefinition*>> by_name;
  for (const ToolDefinition& definition : offered) {
    by_name.emplace_back(spelling_of(OrderedJson(definition.name)), &definition);
  }
  std::sort(by_name.begin(), by_name.end());
  for (const auto& [name, definition] : by_name) {
    if (!names_.empty() && names_.back() == name) continue;
    names_.push_back(name);
    tools_.push_back(read_tool_schema(*definition));
  }
}

ToolCallGrammar::State ToolCallGrammar::begin() const { return State(*this); }

ToolCallGrammar::State::State(const ToolCallGrammar& grammar)
    : grammar_(&grammar),
      stage_(grammar.wrapper_ == CallWrapper::kList ? Stage::kList : Stage::kCall) {}

bool ToolCallGrammar::State::push(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [this](char byte) { return push(byte); });
}

bool ToolCallGrammar::State::push(char byte) {
  const bool inside = at_ > 0 || stage_ == Stage::kValue || stage_ == Stage::kAnyObject;
  if (!inside && JsonSpaces::is_space(byte)) return spaces_.push(byte);
  spaces_.reset();
  switch (stage_) {
    case Stage::kNameKey:
      return push_word(kNameWord, byte, Stage::kNameColon);
    case Stage::kName:
      if (!narrow(grammar_->names_, byte)) return false;
      if (at_ == grammar_->names_[first_].size()) {
        tool_ = first_;
        at_ = 0;
        stage_ = Stage::kComma;
      }
      return true;
    case Stage::kArgumentsKey:
      return push_word(kArgumentsWord, byte, Stage::kArgumentsColon);
    case Stage::kArguments:
      return begin_arguments(byte);
    case Stage::kFirstKey:
      if (byte == '}') return end_arguments();
      [[fallthrough]];
    case Stage::kKey:
      return push_key(byte);
    case Stage::kValueBegin:
      return begin_value(byte);
    case Stage::kAnyObject:
    case Stage::kValue:
    case Stage::kChoice:
      return push_value(byte);
    default:
      return push_punctuation(byte);
  }
}

/// What stands between names, keys and values.
bool ToolCallGrammar::State::push_punctuation(char byte) {
  switch (stage_) {
    case Stage::kList:
      return expect(byte, '[', Stage::kCall);
    case Stage::kCall:
      return expect(byte, '{', Stage::kNameKey);
    case Stage::kNameColon:
      begin_choice(grammar_->names_.size());
      return expect(byte, ':', Stage::kName);
    case Stage::kComma:
      return expect(byte, ',', Stage::kArgumentsKey);
    case Stage::kArgumentsColon:
      return expect(byte, ':', Stage::kArguments);
    case Stage::kKeyColon:
      return expect(byte, ':', Stage::kValueBegin);
    case Stage::kAfterValue:
      if (byte == '}') return end_arguments();
      begin_choice(tool().keys.size());
      for (std::size_t i = 0; i < tool().keys.size(); ++i) {
        if (!is_used(i)) return expect(byte, ',', Stage::kKey);
      }
      return false;
    case Stage::kCallEnd:
      return expect(byte, '}',
                    grammar_->wrapper_ == CallWrapper::kList ? Stage::kAfterCall : Stage::kDone);
    case Stage::kAfterCall:
      return byte == ',' ? expect(byte, ',', Stage::kCall) : expect(byte, ']', Stage::kDone);
    default:
      return false;
  }
}

bool ToolCallGrammar::State::expect(char byte, char expected, Stage next) {
  stage_ = next;
  return byte == expected;
}

bool ToolCallGrammar::State::push_word(std::string_view word, char byte, Stage next) {
  if (byte != word[at_]) return false;
  if (++at_ == word.size()) {
    at_ = 0;
    stage_ = next;
  }
  return true;
}

void ToolCallGrammar::State::begin_choice(std::size_t count) {
  first_ = 0;
  end_ = count;
  at_ = 0;
}

/// Keeps the spellings that go on with this byte; false, and nothing changed, where none does. They
/// are in order and alike up to here, so those that go on alike stand together, behind one that
/// ends here.
bool ToolCallGrammar::State::narrow(const Spellings& spellings, char byte) {
  const auto next = [this](const std::string& spelling) {
    return at_ < spelling.size() ? int{static_cast<unsigned char>(spelling[at_])} : -1;
  };
  const int wanted = static_cast<unsigned char>(byte);
  const auto begin = spellings.begin() + static_cast<std::ptrdiff_t>(first_);
  const auto end = spellings.begin() + static_cast<std::ptrdiff_t>(end_);
  const auto from =
      std::partition_point(begin, end, [&](const auto& s) { return next(s) < wanted; });
  const auto to = std::partition_point(from, end, [&](const auto& s) { return next(s) == wanted; });
  if (from == to) return false;
  first_ = static_cast<std::size_t>(from - spellings.begin());
  end_ = static_cast<std::size_t>(to - spellings.begin());
  ++at_;
  return true;
}

bool ToolCallGrammar::State::begin_arguments(char byte) {
  if (tool().any_object) {
    value_ = JsonValue(json_type::kObject);
    stage_ = Stage::kAnyObject;
    return push_value(byte);
  }
  used_ = 0;
  begin_choice(tool().keys.size());
  return expect(byte, '{', Stage::kFirstKey);
}

bool ToolCallGrammar::State::push_key(char byte) {
  stage_ = Stage::kKey;
  if (!narrow(tool().keys, byte)) return false;
  bool possible = false;
  for (std::size_t i = first_; i < end_; ++i) possible = possible || !is_used(i);
  if (at_ == tool().keys[first_].size()) {
    property_ = first_;
    used_ |= std::uint64_t{1} << property_;
    at_ = 0;
    stage_ = Stage::kKeyColon;
  }
  return possible;
}

bool ToolCallGrammar::State::begin_value(char byte) {
  const ToolSchema::Property& property = tool().properties[property_];
  value_ = JsonValue(property.types);
  begin_choice(property.choices.size());
  stage_ = property.choices.empty() ? Stage::kValue : Stage::kChoice;
  return push_value(byte);
}

/// A number, of an enum's too, ends only with what comes behind it.
bool ToolCallGrammar::State::push_value(char byte) {
  if (stage_ == Stage::kChoice) {
    const Spellings& choices = tool().properties[property_].choices;
    if (narrow(choices, byte)) return true;
    if (at_ != choices[first_].size()) return false;
  } else {
    const JsonValue::Step step = value_.push(byte);
    if (step != JsonValue::Step::kEnded) return step == JsonValue::Step::kTaken;
  }
  at_ = 0;
  stage_ = stage_ == Stage::kAnyObject ? Stage::kCallEnd : Stage::kAfterValue;
  return push(byte);
}

bool ToolCallGrammar::State::end_arguments() {
  stage_ = Stage::kCallEnd;
  for (std::size_t i = 0; i < tool().properties.size(); ++i) {
    if (tool().properties[i].required && !is_used(i)) return false;
  }
  return true;
}

}  // namespace hearth::protocol

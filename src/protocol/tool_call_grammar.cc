#include "protocol/tool_call_grammar.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace hearth::protocol {
namespace {

using Kind = JsonValue::Kind;

/// Of one tool: as many as `State::used_` has bits.
constexpr std::size_t kPropertiesMax = 64;

constexpr std::string_view kNameWord = "\"name\"";
constexpr std::string_view kArgumentsWord = "\"arguments\"";

const OrderedJson* member(const OrderedJson& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

/// Anything where a schema says more, or less, than one plain type.
Kind kind_of(const OrderedJson& schema) {
  constexpr std::array<std::pair<std::string_view, Kind>, 6> kKinds = {{{"string", Kind::kString},
                                                                        {"integer", Kind::kInteger},
                                                                        {"number", Kind::kNumber},
                                                                        {"boolean", Kind::kBoolean},
                                                                        {"object", Kind::kObject},
                                                                        {"array", Kind::kArray}}};
  const OrderedJson* type = member(schema, "type");
  if (type == nullptr || !type->is_string() || member(schema, "nullable") != nullptr) {
    return Kind::kAny;
  }
  for (const auto& [name, kind] : kKinds) {
    if (*type == name) return kind;
  }
  return Kind::kAny;
}

/// An enum's values as JSON, in order, each once; none where there is no enum, or one of more than
/// plain values.
std::vector<std::string> choices_of(const OrderedJson& schema) {
  std::vector<std::string> choices;
  if (const OrderedJson* only = member(schema, "const");
      only != nullptr && !only->is_structured()) {
    choices.push_back(only->dump());
  }
  if (const OrderedJson* list = member(schema, "enum"); list != nullptr && list->is_array()) {
    for (const OrderedJson& value : *list) {
      if (value.is_structured()) return {};
      choices.push_back(value.dump());
    }
  }
  std::sort(choices.begin(), choices.end());
  choices.erase(std::unique(choices.begin(), choices.end()), choices.end());
  return choices;
}

bool allows_more(const OrderedJson& schema) {
  const OrderedJson* more = member(schema, "additionalProperties");
  return more != nullptr && *more != false;
}

}  // namespace

ToolCallGrammar::Tool ToolCallGrammar::read_tool(const ToolDefinition& definition) {
  Tool tool;
  const OrderedJson* properties = member(definition.parameters, "properties");
  const bool listed = properties != nullptr && properties->is_object() && !properties->empty() &&
                      properties->size() <= kPropertiesMax;
  tool.any_object = !listed || allows_more(definition.parameters);
  if (tool.any_object) return tool;
  std::vector<std::pair<std::string, Property>> read;
  const OrderedJson* required = member(definition.parameters, "required");
  for (const auto& [name, schema] : properties->items()) {
    Property property{kind_of(schema), choices_of(schema), false};
    property.required = definition.states_required && required != nullptr && required->is_array() &&
                        std::find(required->begin(), required->end(), name) != required->end();
    read.emplace_back(OrderedJson(name).dump(), std::move(property));
  }
  std::sort(read.begin(), read.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [key, property] : read) {
    tool.keys.push_back(std::move(key));
    tool.properties.push_back(std::move(property));
  }
  return tool;
}

ToolCallGrammar::ToolCallGrammar(const std::vector<ToolDefinition>& offered, CallWrapper wrapper)
    : wrapper_(wrapper) {
  HEARTH_CHECK(!offered.empty());
  std::vector<std::pair<std::string, const ToolDefinition*>> by_name;
  for (const ToolDefinition& definition : offered) {
    by_name.emplace_back(OrderedJson(definition.name).dump(), &definition);
  }
  std::sort(by_name.begin(), by_name.end());
  for (const auto& [name, definition] : by_name) {
    names_.push_back(name);
    tools_.push_back(read_tool(*definition));
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
  if (!inside && is_json_space(byte)) return ++spaces_ <= kJsonSpacesMax;
  spaces_ = 0;
  switch (stage_) {
    case Stage::kNameKey:
      return push_word(kNameWord, byte, Stage::kNameColon);
    case Stage::kName:
      if (!narrow(grammar_->names_, byte, [](std::size_t) { return true; })) return false;
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
      if (byte == '}' && at_ == 0) return end_arguments();
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

/// Keeps the spellings that go on with this byte; false, and nothing changed, where none that is
/// allowed does.
template <class Allowed>
bool ToolCallGrammar::State::narrow(const Spellings& spellings, char byte, const Allowed& allowed) {
  const auto goes_on = [&](std::size_t i) {
    return at_ < spellings[i].size() && spellings[i][at_] == byte;
  };
  std::size_t first = first_;
  while (first < end_ && !goes_on(first)) ++first;
  std::size_t end = first;
  bool possible = false;
  for (; end < end_ && goes_on(end); ++end) possible = possible || allowed(end);
  if (!possible) return false;
  first_ = first;
  end_ = end;
  ++at_;
  return true;
}

bool ToolCallGrammar::State::begin_arguments(char byte) {
  if (tool().any_object) {
    value_ = JsonValue(Kind::kObject);
    stage_ = Stage::kAnyObject;
    return push_value(byte);
  }
  used_ = 0;
  begin_choice(tool().keys.size());
  return expect(byte, '{', Stage::kFirstKey);
}

bool ToolCallGrammar::State::push_key(char byte) {
  stage_ = Stage::kKey;
  const auto unused = [this](std::size_t i) { return !is_used(i); };
  if (!narrow(tool().keys, byte, unused)) return false;
  if (at_ == tool().keys[first_].size()) {
    property_ = first_;
    used_ |= std::uint64_t{1} << property_;
    at_ = 0;
    stage_ = Stage::kKeyColon;
  }
  return true;
}

bool ToolCallGrammar::State::begin_value(char byte) {
  const Property& property = tool().properties[property_];
  value_ = JsonValue(property.kind);
  begin_choice(property.choices.size());
  stage_ = property.choices.empty() ? Stage::kValue : Stage::kChoice;
  return push_value(byte);
}

/// A number, of an enum's too, ends only with what comes behind it.
bool ToolCallGrammar::State::push_value(char byte) {
  if (stage_ == Stage::kChoice) {
    const Spellings& choices = tool().properties[property_].choices;
    if (narrow(choices, byte, [](std::size_t) { return true; })) return true;
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

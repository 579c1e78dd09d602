#include "protocol/tool_call_grammar.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/check.h"

namespace hearth::protocol {
namespace {

constexpr std::string_view kNameWord = "\"name\"";
constexpr std::string_view kArgumentsWord = "\"arguments\"";

/// The arguments are an object, whatever the definition says; one that does not state which are
/// required requires none.
JsonSchema arguments_of(const ToolDefinition& definition) {
  JsonSchema schema = read_json_schema(definition.parameters);
  JsonSchema::Node root = schema.nodes[schema.root];
  root.types = json_type::kObject;
  root.choices = 0;
  if (!definition.states_required) {
    JsonSchema::Object object = schema.objects[root.object];
    for (JsonSchema::Property& property : object.properties) property.required = false;
    if (root.object != 0) root.object = static_cast<JsonSchema::Id>(schema.objects.size());
    schema.objects.push_back(std::move(object));
  }
  schema.root = static_cast<JsonSchema::Id>(schema.nodes.size());
  schema.nodes.push_back(root);
  return schema;
}

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
    arguments_.push_back(arguments_of(*definition));
  }
}

ToolCallGrammar::State ToolCallGrammar::begin() const { return State(*this); }

ToolCallGrammar::State::State(const ToolCallGrammar& grammar)
    : grammar_(&grammar),
      value_(grammar.arguments_.front()),
      stage_(grammar.wrapper_ == CallWrapper::kList ? Stage::kList : Stage::kCall) {}

bool ToolCallGrammar::State::push(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [this](char byte) { return push(byte); });
}

bool ToolCallGrammar::State::push(char byte) {
  if (stage_ == Stage::kValue) return push_arguments(byte);
  const bool inside = at_ > 0 || (stage_ == Stage::kName && prefix_.size() > 0);
  if (!inside && JsonSpaces::is_space(byte)) return spaces_.push(byte);
  spaces_.reset();
  return push_token(byte);
}

bool ToolCallGrammar::State::push_token(char byte) {
  const bool in_list = grammar_->wrapper_ == CallWrapper::kList;
  switch (stage_) {
    case Stage::kList:
      return expect(byte, '[', Stage::kCall);
    case Stage::kCall:
      return expect(byte, '{', Stage::kNameKey);
    case Stage::kNameKey:
      return push_word(kNameWord, byte, Stage::kNameColon);
    case Stage::kNameColon:
      prefix_.begin(grammar_->names_.size());
      return expect(byte, ':', Stage::kName);
    case Stage::kName:
      return push_name(byte);
    case Stage::kComma:
      return expect(byte, ',', Stage::kArgumentsKey);
    case Stage::kArgumentsKey:
      return push_word(kArgumentsWord, byte, Stage::kArgumentsColon);
    case Stage::kArgumentsColon:
      return expect(byte, ':', Stage::kArguments);
    case Stage::kArguments:
      return push_arguments(byte);
    case Stage::kCallEnd:
      return expect(byte, '}', in_list ? Stage::kAfterCall : Stage::kDone);
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

bool ToolCallGrammar::State::push_name(char byte) {
  if (!prefix_.narrow(grammar_->names_, byte)) return false;
  if (prefix_.is_whole(grammar_->names_)) {
    value_ = SchemaValue(grammar_->arguments_[prefix_.first()]);
    stage_ = Stage::kComma;
  }
  return true;
}

bool ToolCallGrammar::State::push_arguments(char byte) {
  stage_ = Stage::kValue;
  const JsonValue::Step step = value_.push(byte);
  if (step != JsonValue::Step::kEnded) return step == JsonValue::Step::kTaken;
  stage_ = Stage::kCallEnd;
  return push(byte);
}

}  // namespace hearth::protocol

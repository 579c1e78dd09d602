// Which bytes a tool call may have, by the definitions that were offered: while a model writes one,
// only what can become a valid call may come next.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/chat.h"
#include "protocol/json_schema.h"
#include "protocol/json_value.h"
#include "protocol/schema_value.h"
#include "protocol/spellings.h"

namespace hearth::protocol {

/// How a family of models wraps its calls. Between the two markers stands JSON.
enum class CallWrapper {
  kList,    ///< Phi: <|tool_call|>[{"name": ..., "arguments": {...}}, ...]<|/tool_call|>
  kObject,  ///< Qwen: <tool_call>{"name": ..., "arguments": {...}}</tool_call>
};

/// The language between the markers: calls of tools that were offered, with "name" and "arguments"
/// in this order. Arguments are those of the definition, each at most once, in any order, all that
/// it requires among them, with values of their types, and so inside of lists and objects; see
/// JsonSchema for what is followed.
///
/// Nothing is chosen here: which of the possible bytes come is the model's business. From every
/// state some byte leads on, of ASCII or of the definitions' spellings. Immutable, any thread;
/// states refer to it.
class ToolCallGrammar {
 public:
  ToolCallGrammar(const std::vector<ToolDefinition>& offered, CallWrapper wrapper);

  class State;
  /// At the marker that opens the calls.
  State begin() const;

 private:
  Spellings names_;                    // of the tools, quotes included
  std::vector<JsonSchema> arguments_;  // of each tool
  CallWrapper wrapper_;
};

/// How far a call has come. A small value type: copies try what may come next. Must not outlive the
/// grammar.
class ToolCallGrammar::State {
 public:
  /// False when no call goes on with this byte; the state is of no use then.
  bool push(char byte);
  /// All of `bytes`.
  bool push(std::string_view bytes);
  /// True when the marker that closes the calls may come.
  bool complete() const { return stage_ == Stage::kDone; }
  /// As JsonValue::in_text(), of the value that is being written; not of what definitions spell.
  bool in_text() const { return stage_ == Stage::kValue && value_.in_text(); }

 private:
  friend class ToolCallGrammar;
  enum class Stage : std::uint8_t {
    kList,
    kCall,
    kNameKey,
    kNameColon,
    kName,
    kComma,
    kArgumentsKey,
    kArgumentsColon,
    kArguments,
    kValue,  ///< inside the arguments
    kCallEnd,
    kAfterCall,
    kDone,
  };
  explicit State(const ToolCallGrammar& grammar);

  bool push_token(char byte);
  bool push_name(char byte);
  bool push_arguments(char byte);
  bool expect(char byte, char expected, Stage next);
  bool push_word(std::string_view word, char byte, Stage next);

  const ToolCallGrammar* grammar_;
  SchemaValue value_;      ///< the arguments
  SpellingPrefix prefix_;  ///< of the tool's name
  std::size_t at_ = 0;     ///< bytes of "name" or "arguments" that came
  Stage stage_;
  JsonSpaces spaces_;
};

}  // namespace hearth::protocol

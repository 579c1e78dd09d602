// Which bytes a tool call may have, by the definitions that were offered: while a model writes one,
// only what can become a valid call may come next.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/chat.h"
#include "protocol/json_value.h"
#include "protocol/tool_schema.h"

namespace hearth::protocol {

/// How a family of models wraps its calls. Between the two markers stands JSON.
enum class CallWrapper {
  kList,    ///< Phi: <|tool_call|>[{"name": ..., "arguments": {...}}, ...]<|/tool_call|>
  kObject,  ///< Qwen: <tool_call>{"name": ..., "arguments": {...}}</tool_call>
};

/// The language between the markers: calls of tools that were offered, with "name" and "arguments"
/// in this order. Arguments are those of the definition, each at most once, in any order, all that
/// it requires among them, with values of their types; see ToolSchema for what is followed. Inside
/// of lists and objects any JSON may stand.
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
  Spellings names_;  // of the tools, quotes included
  std::vector<ToolSchema> tools_;
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
  bool in_text() const {
    return (stage_ == Stage::kValue || stage_ == Stage::kAnyObject) && value_.in_text();
  }

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
    kAnyObject,
    kFirstKey,
    kKey,
    kKeyColon,
    kValueBegin,
    kValue,
    kChoice,
    kAfterValue,
    kCallEnd,
    kAfterCall,
    kDone,
  };
  explicit State(const ToolCallGrammar& grammar);

  bool push_punctuation(char byte);
  bool expect(char byte, char expected, Stage next);
  bool push_word(std::string_view word, char byte, Stage next);
  bool push_key(char byte);
  bool push_value(char byte);
  bool begin_arguments(char byte);
  bool begin_value(char byte);
  bool end_arguments();
  bool is_used(std::size_t property) const { return (used_ >> property & 1U) != 0; }
  bool narrow(const Spellings& spellings, char byte);
  void begin_choice(std::size_t count);
  const ToolSchema& tool() const { return grammar_->tools_[tool_]; }

  const ToolCallGrammar* grammar_;
  JsonValue value_;
  std::uint64_t used_ = 0;  ///< properties of this call that have come
  std::size_t tool_ = 0;
  std::size_t property_ = 0;
  /// Of the spellings that may be meant: those in [first_, end_) begin with what came, `at_` bytes.
  std::size_t first_ = 0;
  std::size_t end_ = 0;
  std::size_t at_ = 0;
  Stage stage_;
  JsonSpaces spaces_;
};

}  // namespace hearth::protocol

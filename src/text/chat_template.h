// ChatTemplate: a model's own Jinja chat template, compiled once and rendered for each request.
#pragma once

#include <cstddef>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/json_reader.h"
#include "base/result.h"

namespace hearth::text {

namespace jinja {
struct Program;
}

/// What a template is given, under the names that published templates use.
struct TemplateInput {
  OrderedJson messages = OrderedJson::array();  ///< list of objects: role, content, ...
  OrderedJson tools;                            ///< list of definitions, or null for none
  bool add_generation_prompt = true;
  std::string bos_token;
  std::string eos_token;
  /// Further variables (`enable_thinking`, `documents`, ...): an object or null. Must not repeat a
  /// name above.
  OrderedJson extra;
  /// The local time that strftime_now() prints; empty for the system's.
  std::function<std::tm()> local_time;
};

/// What one rendering may use. A template that wants more is refused, with the limit named.
struct TemplateLimits {
  std::size_t output_bytes_max = std::size_t{64} << 20;
  std::size_t steps_max = 20'000'000;  ///< statements and expressions evaluated, bytes made / 8
};

/// A compiled template. Immutable, cheap to copy, any thread may render. No template is recognised
/// by name: each runs through the interpreter in text/jinja with trim_blocks and lstrip_blocks on,
/// as Hugging Face sets them.
class ChatTemplate {
 public:
  /// kUnsupported or kCorrupt naming `name`, line and construct.
  static Result<ChatTemplate> compile(std::string_view source, std::string name);

  /// kInvalidArgument with the template's words when it calls raise_exception() (a conversation
  /// that it does not allow); kUnsupported naming line and construct for what cannot be evaluated.
  Result<std::string> render(const TemplateInput& input, const TemplateLimits& limits = {}) const;

  const std::string& source() const;
  const std::string& name() const;

 private:
  explicit ChatTemplate(std::shared_ptr<const jinja::Program> program)
      : program_(std::move(program)) {}

  std::shared_ptr<const jinja::Program> program_;
};

}  // namespace hearth::text

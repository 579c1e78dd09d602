// ChatTemplate: from TemplateInput to the interpreter's variables.
#include "text/chat_template.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "text/jinja/interpreter.h"
#include "text/jinja/parser.h"

namespace hearth::text {

namespace {

constexpr std::string_view kOwnVariables[] = {"messages", "tools", "add_generation_prompt",
                                              "bos_token", "eos_token"};

std::tm system_local_time() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  localtime_r(&now, &local);
  return local;
}

}  // namespace

Result<ChatTemplate> ChatTemplate::compile(std::string_view source, std::string name) {
  HEARTH_TRY(jinja::Program program, jinja::parse(source, std::move(name)));
  return ChatTemplate(std::make_shared<const jinja::Program>(std::move(program)));
}

Result<std::string> ChatTemplate::render(const TemplateInput& input,
                                         const TemplateLimits& limits) const {
  std::vector<std::pair<std::string, jinja::Value>> variables;
  const auto add = [&](const std::string& key, const OrderedJson& json) -> Result<void> {
    if (program_->symbols.find(key) == nullptr) return {};  // never asked for
    auto value = jinja::Value::from_json(json);
    if (!value) return fail_within("chat template " + name() + ": " + key, value.error());
    variables.emplace_back(key, std::move(*value));
    return {};
  };
  HEARTH_TRY_VOID(add("messages", input.messages));
  HEARTH_TRY_VOID(add("tools", input.tools));
  HEARTH_TRY_VOID(add("add_generation_prompt", input.add_generation_prompt));
  HEARTH_TRY_VOID(add("bos_token", input.bos_token));
  HEARTH_TRY_VOID(add("eos_token", input.eos_token));
  if (!input.extra.is_null() && !input.extra.is_object()) {
    return fail(ErrorCode::kInvalidArgument,
                "chat template " + name() + ": extra variables must be an object");
  }
  for (const auto& [key, json] : input.extra.items()) {
    if (std::find(std::begin(kOwnVariables), std::end(kOwnVariables), key) !=
        std::end(kOwnVariables)) {
      return fail(ErrorCode::kInvalidArgument, "chat template " + name() + ": the extra variable " +
                                                   key + " is one of the template's own");
    }
    HEARTH_TRY_VOID(add(key, json));
  }
  return jinja::run(*program_, std::move(variables), {limits.output_bytes_max, limits.steps_max},
                    input.local_time ? input.local_time : system_local_time);
}

const std::string& ChatTemplate::source() const { return program_->source; }
const std::string& ChatTemplate::name() const { return program_->name; }

}  // namespace hearth::text

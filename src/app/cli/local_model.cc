#include "app/cli/local_model.h"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <random>

#include "app/cli/command.h"
#include "app/io/packing_line.h"
#include "app/request_settings.h"

namespace hearth::app {

Result<std::unique_ptr<provider::LocalProvider>> load_provider(const LocatedModel& located,
                                                               const Settings& settings,
                                                               const Environment& environment) {
  provider::LocalProviderOptions options;
  options.model_folder = located.folder;
  options.session = session_options(settings);
  options.cache_folder = environment.cache_folder();
  options.session.accelerated.cache_folder = options.cache_folder;
  options.session.accelerated.on_packing = [line = std::make_shared<PackingLine>(STDERR_FILENO)](
                                               std::uint64_t done, std::uint64_t total) {
    line->show(done, total);
  };
  options.reuse_prefix = settings.boolean_or(SettingId::kCacheSystemPrompts, options.reuse_prefix);
  auto loaded = as_model_failure(provider::LocalProvider::load(options));
  if (!loaded) return loaded;
  HEARTH_TRY_VOID(check_named_file(located, (*loaded)->model().model_file));
  return loaded;
}

std::vector<std::string> unused_executor_settings(const runtime::ExecutionReport& report,
                                                  const Settings& settings, bool beside_another) {
  std::vector<std::string> notes;
  if (!report.kv_cache.empty()) return notes;
  for (const SettingId id :
       {SettingId::kIsa, SettingId::kRecipe, SettingId::kKvCacheType, SettingId::kWeightMemory}) {
    const ResolvedValue* wished = settings.find(id);
    if (wished == nullptr || (beside_another && id != SettingId::kKvCacheType)) continue;
    notes.push_back(fmt::format(
        "{} {} ({}) has no effect: the stock executor runs this model{}", setting(id).name,
        value_in_words(wished->value), wished->origin.words,
        id == SettingId::kKvCacheType ? ", and keeps keys and values as its graph says" : ""));
  }
  return notes;
}

namespace {

/// Said on the command line, but nothing to say it about; or nothing to do it with.
std::optional<std::string> unused_tool_calls(const provider::LocalProvider& provider,
                                             const Settings& settings, bool offers_tools) {
  const ResolvedValue* wished = settings.find(SettingId::kToolCalls);
  if (wished == nullptr) return std::nullopt;
  const bool no_markers = strict_tool_calls(settings) && !provider.can_keep_calls_strict();
  const bool no_tools = !offers_tools && wished->origin.level == OriginLevel::kFlag;
  if (!no_markers && !no_tools) return std::nullopt;
  return fmt::format(
      "{} {} ({}) has no effect: {}", setting(SettingId::kToolCalls).name,
      value_in_words(wished->value), wished->origin.words,
      no_tools ? "no tools are offered" : "the model's vocabulary has no tokens that mark a call");
}

}  // namespace

std::vector<std::string> loading_notes(const provider::LocalProvider& provider,
                                       const Settings& settings, bool offers_tools) {
  std::vector<std::string> notes;
  // Devices that were merely detected may fail without a word; hearth doctor tells why.
  if (settings.find(SettingId::kExecutionProviders) != nullptr) {
    for (const std::string& message : provider.execution_report().messages) {
      notes.push_back("execution provider " + message);
    }
  }
  const std::int64_t context = provider.model().config.context_length;
  const ResolvedValue* wished = settings.find(SettingId::kMaxContextTokens);
  if (wished != nullptr && std::get<std::int64_t>(wished->value) > context) {
    notes.push_back(fmt::format("{} {} ({}) is more than the model's context; {} are used",
                                setting(SettingId::kMaxContextTokens).name,
                                value_in_words(wished->value), wished->origin.words, context));
  }
  for (std::string& note : settings_without_effect(settings)) notes.push_back(std::move(note));
  if (auto note = unused_tool_calls(provider, settings, offers_tools)) {
    notes.push_back(*std::move(note));
  }
  for (std::string& note : unused_executor_settings(provider.execution_report(), settings)) {
    notes.push_back(std::move(note));
  }
  return notes;
}

std::vector<std::string> reply_notes(const provider::ChatReply& reply, std::int64_t max_tokens,
                                     const Settings& settings) {
  std::vector<std::string> notes;
  if (reply.context.messages > 0) {
    notes.push_back(
        fmt::format("the conversation was too long; the {} oldest messages ({} tokens) were "
                    "left out",
                    reply.context.messages, reply.context.tokens));
  }
  if (reply.recomputed_tokens > 0) {
    notes.push_back(
        fmt::format("{} tokens were computed again, because the conversation changed "
                    "between the model's short and long rotary table",
                    reply.recomputed_tokens));
  }
  const bool cut_off = reply.stop_reason == protocol::StopReason::kMaxTokens;
  if (cut_off && reply.usage.output_tokens < max_tokens) {
    notes.push_back(fmt::format("the answer was cut off after {} tokens: the context is full",
                                reply.usage.output_tokens));
  } else if (cut_off && settings.find(SettingId::kMaxTokens) == nullptr) {
    notes.push_back(fmt::format("the answer was cut off after {} tokens; --max-tokens allows more",
                                reply.usage.output_tokens));
  }
  return notes;
}

std::optional<std::string> system_prompt(const std::optional<std::string>& given,
                                         const Agent* agent) {
  if (given || agent == nullptr) return given;
  return std::string(agent->system_prompt);
}

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace hearth::app

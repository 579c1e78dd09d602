#include "app/chat/local_chat_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/cli/command.h"
#include "app/cli/local_model.h"
#include "app/request_settings.h"
#include "base/file.h"
#include "runtime/model_folder.h"

namespace hearth::app {

Result<std::unique_ptr<LocalChatModel>> LocalChatModel::open(Settings settings,
                                                             Environment environment) {
  auto model = std::unique_ptr<LocalChatModel>(
      new LocalChatModel(std::move(settings), std::move(environment)));
  HEARTH_TRY(const LocatedModel located, locate_model(model->asked_, model->environment_));
  HEARTH_TRY_VOID(model->load(located));
  return model;
}

Result<void> LocalChatModel::load(const LocatedModel& located) {
  HEARTH_TRY(provider_, load_provider(located, asked_, environment_));
  located_ = located;
  settings_ = asked_;
  put_model_defaults(provider_->model().config.search, settings_);
  return {};
}

Result<provider::ChatReply> LocalChatModel::answer(const std::vector<protocol::Message>& messages,
                                                   const provider::TextSink& on_text,
                                                   const std::atomic<bool>& cancelled,
                                                   const provider::ProgressSink& on_progress) {
  if (!provider_) {
    return fail(ErrorCode::kNotFound, "no model is loaded; /model NAME loads one");
  }
  provider::ChatRequest request = request_from(settings_, random_seed());
  request.messages = messages;
  return provider_->chat(request, on_text, cancelled, on_progress);
}

Result<void> LocalChatModel::change(const std::string& name) {
  HEARTH_TRY(const LocatedModel wished, locate_model(name, "/model", environment_));
  if (const auto checked = runtime::open_model_folder(wished.folder, environment_.cache_folder());
      !checked) {
    return tl::unexpected<Error>(checked.error());
  }
  const LocatedModel before = located_;
  provider_.reset();
  const auto loaded = load(wished);
  if (loaded) return {};
  if (const auto again = load(before); !again) {
    return fail(loaded.error().code,
                fmt::format("{}; and the model before it, {}, cannot be loaded any more: {}",
                            loaded.error().message, before.folder.string(), again.error().message));
  }
  return fail(loaded.error().code, loaded.error().message + "; the model before it is back");
}

std::string LocalChatModel::name() const { return provider_ ? provider_->model().name : "none"; }

std::string LocalChatModel::description() const {
  if (!provider_) return "no model is loaded";
  return fmt::format("{} ({}), context {} tokens, on {}", name(), located_.folder.string(),
                     with_thousands(static_cast<std::uint64_t>(context_tokens())),
                     fmt::join(provider_->execution_report().providers, ", "));
}

std::int64_t LocalChatModel::context_tokens() const {
  if (!provider_) return 0;
  const std::int64_t context = provider_->model().config.context_length;
  return std::min(context, settings_.integer_or(SettingId::kMaxContextTokens, context));
}

std::vector<std::string> LocalChatModel::notes(const provider::ChatReply& reply) const {
  return reply_notes(reply, request_from(settings_, 0).max_tokens, settings_);
}

std::vector<std::string> LocalChatModel::loading_notes() const {
  return provider_ ? app::loading_notes(*provider_, settings_, /*offers_tools=*/false)
                   : std::vector<std::string>{};
}

}  // namespace hearth::app

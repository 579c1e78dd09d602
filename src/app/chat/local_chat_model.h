// A conversation's model with weights: the local provider, the settings that go with each request,
// and the change to another one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/chat/chat_model.h"
#include "app/environment.h"
#include "app/model_locator.h"
#include "app/settings/settings.h"
#include "base/result.h"
#include "provider/local_provider.h"

namespace hearth::app {

/// One thread. At most one model is in memory, also while another one is loaded.
class LocalChatModel final : public ChatModel {
 public:
  /// Loads the model that the settings ask for; they come without a model's own defaults.
  static Result<std::unique_ptr<LocalChatModel>> open(Settings settings, Environment environment);

  Result<provider::ChatReply> answer(const std::vector<protocol::Message>& messages,
                                     const provider::TextSink& on_text,
                                     const std::atomic<bool>& cancelled,
                                     const provider::ProgressSink& on_progress) override;

  /// The folder is checked while the old model is still there; then it makes room. When the new one
  /// cannot be loaded after all, the old one is loaded again.
  Result<void> change(const std::string& name) override;

  std::string name() const override;
  std::string description() const override;
  std::int64_t context_tokens() const override;
  std::vector<std::string> notes(const provider::ChatReply& reply) const override;

  /// What to tell about the model in use: settings without effect, devices that failed.
  std::vector<std::string> loading_notes() const;

 private:
  LocalChatModel(Settings settings, Environment environment)
      : asked_(std::move(settings)), environment_(std::move(environment)) {}

  Result<void> load(const LocatedModel& located);

  Settings asked_;     // as the user and the agent said
  Settings settings_;  // with the defaults of the model in use
  Environment environment_;
  LocatedModel located_;
  std::unique_ptr<provider::LocalProvider> provider_;  // none after a change that failed twice
};

}  // namespace hearth::app

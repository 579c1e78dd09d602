// What a conversation needs of a model: the seam between the session, which tests drive with a
// script, and a provider with weights.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/result.h"
#include "protocol/chat.h"
#include "provider/local_provider.h"

namespace hearth::app {

class ChatModel {
 public:
  virtual ~ChatModel() = default;

  /// Answers the whole conversation, which ends with the user's message.
  virtual Result<provider::ChatReply> answer(const std::vector<protocol::Message>& messages,
                                             const provider::TextSink& on_text,
                                             const std::atomic<bool>& cancelled,
                                             const provider::ProgressSink& on_progress) = 0;

  /// Goes on with another model. After an error the one before answers, if it can be loaded still.
  virtual Result<void> change(const std::string& name) = 0;

  virtual std::string name() const = 0;         ///< "ember/int4"
  virtual std::string description() const = 0;  ///< name, folder, devices
  virtual std::int64_t context_tokens() const = 0;

  /// What people should know about a reply: what was left out, why it ended early.
  virtual std::vector<std::string> notes(const provider::ChatReply& reply) const = 0;
};

}  // namespace hearth::app

// Shows an answer while it is generated: the text as it comes, and on a terminal a line below it
// with tokens and speed, which is gone afterwards.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "app/chat/display_column.h"
#include "provider/local_provider.h"

namespace hearth::app {

/// "reading 256 of 1,024 tokens", then "12 tokens, 34.5 tokens/s". `decode_seconds` since the first
/// token.
std::string status_text(const provider::Progress& progress, double decode_seconds);

/// Where answers go.
struct AnswerSinks {
  std::function<bool(std::string_view)> write;  ///< false: nobody reads any more
  /// Columns of the terminal; 0 where there is none, which also means no status line.
  std::function<int()> columns = [] { return 0; };
};

/// One answer. The status line is drawn below the text and the cursor put back, so that scrolling,
/// copying and what comes after are undisturbed. One thread.
class AnswerWriter {
 public:
  using Clock = std::function<double()>;  ///< seconds, from any beginning

  explicit AnswerWriter(const AnswerSinks& sinks, Clock clock = monotonic_seconds);

  /// A piece of the answer, whole characters. False when nobody reads any more.
  bool piece(std::string_view text);

  void progress(const provider::Progress& progress);

  /// Wipes the status line and ends the line that the text left open.
  bool finish();

  static double monotonic_seconds();

 private:
  bool follow_width();
  void draw(const std::string& status);
  void erase();

  const AnswerSinks& sinks_;
  Clock clock_;
  DisplayColumn column_;
  int width_;
  bool drawn_ = false;
  double drawn_at_ = -1;
  double first_token_at_ = -1;
  char last_ = '\n';  // nothing printed yet needs no line break after it
};

}  // namespace hearth::app

// Lines from a person at a terminal, through libedit: editing, history, completion, pasted text.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "app/chat/history_file.h"
#include "app/chat/line_reader.h"
#include "app/io/signal_events.h"

namespace hearth::app {

/// One at a time, the main thread. The terminal is in its usual mode while nobody reads.
///
/// Keys are emacs' (or what ~/.editrc binds); tab completes commands. Where the terminal marks
/// pasted text (bracketed paste), line breaks in it do not end the line. Standard input that is not
/// UTF-8 is dropped byte by byte.
class EditLineReader final : public LineReader {
 public:
  /// `screen` is the terminal to draw on. kIo when libedit cannot use it.
  static Result<std::unique_ptr<EditLineReader>> open(FILE* screen, SignalEvents& signals,
                                                      HistoryFile history);
  ~EditLineReader() override;

  Result<ReadLine> read(std::string_view prompt) override;
  void remember(const std::string& entry) override;

 private:
  struct State;
  explicit EditLineReader(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace hearth::app

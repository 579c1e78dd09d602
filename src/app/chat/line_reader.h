// Where a conversation's lines come from: a terminal with editing, or a pipe.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::app {

struct ReadLine {
  enum class Kind {
    kLine,         ///< `text`, without its line break; from a paste it may hold some
    kInterrupted,  ///< Ctrl-C: what was typed is gone
    kEnd,          ///< end of input, Ctrl-D, or a signal that ends the program
  };
  Kind kind = Kind::kEnd;
  std::string text;
};

class LineReader {
 public:
  virtual ~LineReader() = default;

  /// The next line. kInvalidArgument for one that is too long, kIo when the input fails.
  virtual Result<ReadLine> read(std::string_view prompt) = 0;

  /// Something that the user may want to have again.
  virtual void remember(const std::string& entry) = 0;
};

}  // namespace hearth::app

// Standard output: unbuffered, so that each piece is seen at once, and honest about writes that
// fail.
#pragma once

#include <string_view>

#include "base/result.h"

namespace hearth::app {

/// Opens /dev/null on descriptors 0 to 2 that are closed, in a way that makes writing to them fail:
/// a model file must never get the number of standard output. Call before anything is opened.
void fill_standard_descriptors();

/// Writes answers to a descriptor. The first failure is kept and later writes do nothing. One
/// thread.
class StandardOutput {
 public:
  explicit StandardOutput(int descriptor = 1);

  /// UTF-8; on a terminal without the control characters in it, see for_terminal(). False once a
  /// write has failed.
  bool write(std::string_view text);

  /// The bytes as they are: text made safe already, with sequences that mean to move the cursor.
  bool write_bytes(std::string_view bytes);

  /// The reader went away (a closed pipe); not an error, but a reason to stop.
  bool reader_gone() const { return reader_gone_; }

  /// kResourceExhausted for a full disk, kIo for other failures; fine when all was written or the
  /// reader went away.
  Result<void> status() const;

 private:
  int descriptor_;
  bool terminal_;
  int error_ = 0;
  bool reader_gone_ = false;
};

}  // namespace hearth::app

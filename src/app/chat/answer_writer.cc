#include "app/chat/answer_writer.h"

#include <fmt/format.h>

#include <utility>

#include "base/file.h"
#include "base/terminal_text.h"

namespace hearth::app {
namespace {

constexpr double kDrawSeconds = 0.1;

// Index and reverse index make sure of a line below the cursor, scrolling if they must, and come
// back to the same column.
constexpr std::string_view kMakeRoomBelow =
    "\x1b"
    "D\x1bM";
constexpr std::string_view kSaveCursor =
    "\x1b"
    "7";
constexpr std::string_view kRestoreCursor =
    "\x1b"
    "8";
constexpr std::string_view kLineBelow = "\r\x1b[B\x1b[2K";
constexpr std::string_view kFaint = "\x1b[2m";
constexpr std::string_view kNormal = "\x1b[0m";
constexpr std::string_view kEraseBelow = "\x1b[J";

std::string number(std::int64_t value) { return with_thousands(static_cast<std::uint64_t>(value)); }

}  // namespace

std::string status_text(const provider::Progress& progress, double decode_seconds) {
  if (progress.output_tokens == 0) {
    return fmt::format("reading {} of {} tokens", number(progress.prompt_tokens_done),
                       number(progress.prompt_tokens));
  }
  const auto after_first = static_cast<double>(progress.output_tokens - 1);
  if (after_first < 1 || decode_seconds <= 0) return number(progress.output_tokens) + " tokens";
  return fmt::format("{} tokens, {:.1f} tokens/s", number(progress.output_tokens),
                     after_first / decode_seconds);
}

double AnswerWriter::monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

AnswerWriter::AnswerWriter(const AnswerSinks& sinks, Clock clock)
    : sinks_(sinks), clock_(std::move(clock)), width_(sinks.columns()) {}

/// False while there is no place for a status line.
bool AnswerWriter::follow_width() {
  const int width = sinks_.columns();
  if (width != width_) {
    width_ = width;
    erase();
    column_.lose();
  }
  return width_ > 0 && column_.known() && !column_.about_to_wrap(width_);
}

bool AnswerWriter::piece(std::string_view text) {
  if (text.empty()) return true;
  last_ = text.back();
  if (width_ == 0) return sinks_.write(text);
  const std::string safe = for_terminal(text);
  if (drawn_ && column_.fills_line(safe, width_)) erase();
  column_.advance(safe, width_);
  return sinks_.write(safe);
}

void AnswerWriter::progress(const provider::Progress& progress) {
  const double now = clock_();
  if (progress.output_tokens > 0 && first_token_at_ < 0) first_token_at_ = now;
  if (!follow_width() || (drawn_ && now - drawn_at_ < kDrawSeconds)) return;
  drawn_at_ = now;
  draw(status_text(progress, now - first_token_at_));
}

void AnswerWriter::draw(const std::string& status) {
  const auto room = static_cast<std::size_t>(width_ - 1);
  std::string drawn;
  for (const std::string_view part :
       {kMakeRoomBelow, kSaveCursor, kLineBelow, kFaint, std::string_view(status).substr(0, room),
        kNormal, kRestoreCursor}) {
    drawn += part;
  }
  sinks_.write(drawn);
  drawn_ = true;
}

void AnswerWriter::erase() {
  if (std::exchange(drawn_, false)) sinks_.write(kEraseBelow);
}

bool AnswerWriter::finish() {
  erase();
  if (std::exchange(last_, '\n') == '\n') return true;
  return sinks_.write("\n");
}

}  // namespace hearth::app

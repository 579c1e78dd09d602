#include "app/chat/line_assembler.h"

#include <utility>

namespace hearth::app {
namespace {

constexpr std::string_view kQuotes = "\"\"\"";

bool goes_on(std::string_view line) {
  const std::size_t last = line.find_last_not_of('\\');
  const std::size_t backslashes = line.size() - (last == std::string_view::npos ? 0 : last + 1);
  return backslashes % 2 == 1;
}

std::string_view without_leading_spaces(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view{} : line.substr(first);
}

}  // namespace

std::optional<std::string> LineAssembler::push(std::string_view line) {
  const bool opens_block = without_leading_spaces(line).starts_with(kQuotes);
  const std::size_t line_break = line.find('\n');
  if (line_break == std::string_view::npos) return push_one(line);
  if (state_ == State::kIdle && !opens_block) return std::string(line);
  if (auto message = push_one(line.substr(0, line_break))) return message;
  return push(line.substr(line_break + 1));
}

std::optional<std::string> LineAssembler::push_one(std::string_view line) {
  if (state_ == State::kBlock) return push_in_block(line);
  const std::string_view trimmed = without_leading_spaces(line);
  if (state_ == State::kIdle && trimmed.starts_with(kQuotes)) {
    state_ = State::kBlock;
    const std::string_view rest = trimmed.substr(kQuotes.size());
    return rest.empty() ? std::nullopt : push_in_block(rest);
  }
  if (!goes_on(line)) return finish(line);
  state_ = State::kContinued;
  text_.append(line.substr(0, line.size() - 1)) += '\n';
  return std::nullopt;
}

std::optional<std::string> LineAssembler::push_in_block(std::string_view line) {
  if (line.ends_with(kQuotes)) return finish(line.substr(0, line.size() - kQuotes.size()));
  text_.append(line) += '\n';
  return std::nullopt;
}

std::optional<std::string> LineAssembler::finish(std::string_view last) {
  const bool block = state_ == State::kBlock;
  text_ += last;
  // The line break before quotes that stand alone belongs to them.
  if (block && last.empty() && text_.ends_with('\n')) text_.pop_back();
  state_ = State::kIdle;
  return std::exchange(text_, {});
}

std::string LineAssembler::take_unfinished() {
  state_ = State::kIdle;
  if (text_.ends_with('\n')) text_.pop_back();
  return std::exchange(text_, {});
}

}  // namespace hearth::app

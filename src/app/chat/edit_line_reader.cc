#include "app/chat/edit_line_reader.h"

#include <histedit.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cwchar>
#include <utility>

#include "app/chat/chat_command.h"
#include "base/log.h"

namespace hearth::app {
namespace {

constexpr const char* kPasteOn = "\x1b[?2004h";
constexpr const char* kPasteOff = "\x1b[?2004l";
constexpr std::wstring_view kPasteEnd = L"\x1b[201~";
constexpr std::size_t kPasteCharactersMax = std::size_t{4} << 20;

struct EndEditLine {
  void operator()(EditLine* line) const { ::el_end(line); }
};
struct EndHistory {
  void operator()(History* history) const { ::history_end(history); }
};

}  // namespace

struct EditLineReader::State {
  FILE* screen;
  SignalEvents& signals;
  HistoryFile file;
  std::unique_ptr<EditLine, EndEditLine> line;
  std::unique_ptr<History, EndHistory> history;
  std::string prompt;
  bool ended = false;

  void bind_keys();
  void fill_history();
  void send(const char* sequence) const;
  void redraw() const;
  ReadLine without_line(bool empty_read);

  static State& of(EditLine* line) {
    void* data = nullptr;
    ::el_get(line, EL_CLIENTDATA, &data);
    return *static_cast<State*>(data);
  }
  static char* show_prompt(EditLine* line) { return of(line).prompt.data(); }
  static int read_character(EditLine* line, wchar_t* character);
  static unsigned char complete(EditLine* line, int key);
  static unsigned char paste(EditLine* line, int key);
};

/// libedit's own reader would take a signal for an error of the terminal, or not see it at all when
/// another thread gets it. 1: a character, 0: the end, -1: a signal to look at.
int EditLineReader::State::read_character(EditLine* line, wchar_t* character) {
  State& state = of(line);
  std::mbstate_t decoding{};
  for (;;) {
    if (!state.signals.wait_readable(STDIN_FILENO)) {
      if (state.signals.cancelled().load()) return -1;
      if (state.signals.take_redraw()) state.redraw();
      continue;
    }
    char byte = 0;
    const ssize_t n = ::read(STDIN_FILENO, &byte, 1);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) {
      state.ended = true;
      return 0;
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): with a state of the caller's it is safe
    const std::size_t used = std::mbrtowc(character, &byte, 1, &decoding);
    if (used == static_cast<std::size_t>(-1)) decoding = {};  // no UTF-8: dropped
    if (used <= 1) return 1;
  }
}

/// Tab: the command's name as far as it is certain, and a list when it is not.
unsigned char EditLineReader::State::complete(EditLine* line, int) {
  const LineInfo* info = ::el_line(line);
  const std::string before(info->buffer, info->cursor);
  const auto names = complete_chat_command(before);
  if (names.empty()) return CC_ERROR;
  std::string more(common_beginning(names).substr(before.size()));
  if (names.size() == 1) more += ' ';
  if (!more.empty()) return ::el_insertstr(line, more.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  std::string list = "\n";
  for (const std::string_view name : names) list.append(name) += "  ";
  std::fputs((list + "\n").c_str(), of(line).screen);
  return CC_REDISPLAY;
}

/// Everything up to the end mark, line breaks and all, becomes part of the line.
unsigned char EditLineReader::State::paste(EditLine* line, int) {
  std::wstring text;
  wchar_t character = 0;
  while (text.size() < kPasteCharactersMax && ::el_wgetc(line, &character) == 1) {
    if (character == L'\r') character = L'\n';
    text += character;
    if (text.ends_with(kPasteEnd)) {
      text.resize(text.size() - kPasteEnd.size());
      break;
    }
  }
  while (text.ends_with(L'\n')) text.pop_back();
  std::erase_if(text,
                [](wchar_t c) { return (c < 0x20 && c != L'\n' && c != L'\t') || c == 0x7F; });
  if (text.empty()) return CC_REFRESH;
  return ::el_winsertstr(line, text.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
}

void EditLineReader::State::bind_keys() {
  EditLine* const edit = line.get();
  ::el_set(edit, EL_EDITOR, "emacs");
  ::el_set(edit, EL_ADDFN, "hearth-complete", "complete commands", complete);
  ::el_set(edit, EL_ADDFN, "hearth-paste", "insert pasted text", paste);
  const std::pair<const char*, const char*> keys[] = {
      {"^I", "hearth-complete"},         {"\\e[200~", "hearth-paste"},
      {"^R", "em-inc-search-prev"},      {"^W", "ed-delete-prev-word"},
      {"\\e[3~", "ed-delete-next-char"}, {"\\e[H", "ed-move-to-beg"},
      {"\\e[F", "ed-move-to-end"},       {"\\e[1~", "ed-move-to-beg"},
      {"\\e[4~", "ed-move-to-end"},      {"\\e[1;5D", "ed-prev-word"},
      {"\\e[1;5C", "em-next-word"}};
  for (const auto& [key, function] : keys) ::el_set(edit, EL_BIND, key, function, nullptr);
  ::el_source(edit, nullptr);  // the user's own
}

void EditLineReader::State::fill_history() {
  HistEvent event{};
  ::history(history.get(), &event, H_SETSIZE, static_cast<int>(HistoryFile::entries_max));
  ::history(history.get(), &event, H_SETUNIQUE, 1);
  for (const std::string& entry : file.load()) {
    ::history(history.get(), &event, H_ENTER, entry.c_str());
  }
  ::el_set(line.get(), EL_HIST, ::history, history.get());
}

void EditLineReader::State::send(const char* sequence) const {
  std::fputs(sequence, screen);
  std::fflush(screen);
}

/// The window has another width, or the process goes on after a stop, when the shell has put back
/// its own mode of the terminal.
void EditLineReader::State::redraw() const {
  ::el_set(line.get(), EL_PREP_TERM, 1);
  ::el_resize(line.get());
  send("\r\x1b[J");
  ::el_set(line.get(), EL_REFRESH);
}

EditLineReader::EditLineReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
EditLineReader::~EditLineReader() = default;

Result<std::unique_ptr<EditLineReader>> EditLineReader::open(FILE* screen, SignalEvents& signals,
                                                             HistoryFile history) {
  auto state = std::make_unique<State>(
      State{screen, signals, std::move(history), nullptr, nullptr, {}, false});
  state->line.reset(::el_init("hearth", stdin, screen, stderr));
  state->history.reset(::history_init());
  if (!state->line || !state->history) {
    return fail(ErrorCode::kIo, "the terminal cannot be used for editing");
  }
  EditLine* const edit = state->line.get();
  ::el_set(edit, EL_CLIENTDATA, static_cast<void*>(state.get()));
  ::el_set(edit, EL_SIGNAL, 0);
  ::el_set(edit, EL_PROMPT, State::show_prompt);
  ::el_wset(edit, EL_GETCFN, State::read_character);
  state->bind_keys();
  state->fill_history();
  return std::unique_ptr<EditLineReader>(new EditLineReader(std::move(state)));
}

/// Why there is no line: the end, or a signal. What was typed stays on the screen, above.
ReadLine EditLineReader::State::without_line(bool empty_read) {
  const bool interrupted = !empty_read && !signals.ending();
  std::fputs(interrupted ? "^C\n" : "\n", screen);
  std::fflush(screen);
  return {interrupted ? ReadLine::Kind::kInterrupted : ReadLine::Kind::kEnd, {}};
}

Result<ReadLine> EditLineReader::read(std::string_view prompt) {
  State& state = *state_;
  state.prompt = prompt;
  if (state.signals.take_redraw()) ::el_resize(state.line.get());
  // Before the prompt can be seen: libedit itself prepares the terminal only when it reads, and a
  // Ctrl-D typed in between would be a byte that means nothing.
  ::el_set(state.line.get(), EL_PREP_TERM, 1);
  state.send(kPasteOn);
  int count = 0;
  const char* text = ::el_gets(state.line.get(), &count);
  state.send(kPasteOff);
  if (const auto failure = state.file.take_failure()) log::warning(failure->message);
  if (text == nullptr || count <= 0) {
    return state.without_line(state.ended || !state.signals.take_interrupt());
  }
  std::string line(text, static_cast<std::size_t>(count));
  if (line.ends_with('\n')) line.pop_back();
  return ReadLine{ReadLine::Kind::kLine, std::move(line)};
}

void EditLineReader::remember(const std::string& entry) {
  HistEvent event{};
  ::history(state_->history.get(), &event, H_ENTER, entry.c_str());
  state_->file.append(entry);
}

}  // namespace hearth::app

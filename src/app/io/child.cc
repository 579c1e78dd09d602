#include "app/io/child.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <system_error>

#include "base/descriptor.h"

namespace hearth::app {
namespace {

constexpr std::size_t kOutputBytesMax = std::size_t{64} << 20;
constexpr int kLookEveryMs = 50;

tl::unexpected<Error> cannot_start(int error) {
  return fail(ErrorCode::kIo,
              "cannot start hearth for a measurement: " + std::generic_category().message(error));
}

/// The child's descriptors 0 and 1; it inherits 2.
class SpawnActions {
 public:
  SpawnActions() { posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;

  int redirect(int output) {
    const int error =
        posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    return error != 0 ? error : posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

Result<pid_t> spawn(const std::vector<std::string>& arguments, int output) {
  SpawnActions actions;
  if (const int error = actions.redirect(output)) return cannot_start(error);
  std::vector<std::string> words = {"hearth"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t child = 0;
  // The link leads to the running program also when its file was replaced by a newer one.
  const int error =
      posix_spawn(&child, "/proc/self/exe", actions.get(), nullptr, pointers.data(), environ);
  if (error != 0) return cannot_start(error);
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// Reads until the child closes its output; false when it says too much.
bool read_all(int descriptor, pid_t child, const std::atomic<bool>& cancelled,
              std::string& output) {
  bool asked_to_stop = false;
  for (;;) {
    if (cancelled.load() && !asked_to_stop) {
      ::kill(child, SIGINT);
      asked_to_stop = true;
    }
    pollfd readable{descriptor, POLLIN, 0};
    if (::poll(&readable, 1, kLookEveryMs) <= 0) continue;
    std::array<char, 65536> buffer;
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    output.append(buffer.data(), static_cast<std::size_t>(count));
    if (output.size() > kOutputBytesMax) return false;
  }
}

}  // namespace

Result<ChildOutcome> run_child(const std::vector<std::string>& arguments,
                               const std::atomic<bool>& cancelled) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return cannot_start(errno);
  const Descriptor reader(ends[0]);
  std::optional<Descriptor> writer(std::in_place, ends[1]);
  HEARTH_TRY(const pid_t child, spawn(arguments, writer->get()));
  writer.reset();  // the child has the other copy; its end is the end of the output
  ChildOutcome outcome;
  const bool complete = read_all(reader.get(), child, cancelled, outcome.output);
  if (!complete) ::kill(child, SIGKILL);
  outcome.exit_code = wait_for(child);
  if (!complete) return fail(ErrorCode::kCorrupt, "a measurement wrote more than 64 MiB");
  return outcome;
}

}  // namespace hearth::app

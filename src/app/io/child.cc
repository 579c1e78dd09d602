#include "app/io/child.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "base/descriptor.h"

namespace hearth::app {
namespace {

constexpr std::size_t kOutputBytesMax = std::size_t{64} << 20;
constexpr int kLookEveryMs = 50;

/// Tells a child whose it is: the id of the process that runs it.
constexpr const char* kParentVariable = "HEARTH_CHILD_OF";

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

/// What the child does on signals: SIGTERM, by which it is stopped, ends it whatever this process
/// was started with. SIGINT and SIGHUP stay ignored where they are (nohup, a job in the
/// background).
class SpawnAttributes {
 public:
  SpawnAttributes() { posix_spawnattr_init(&attributes_); }
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;

  int let_stop() {
    sigset_t stopping;
    sigset_t blocked;
    sigemptyset(&stopping);
    sigaddset(&stopping, SIGTERM);
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    sigdelset(&blocked, SIGTERM);
    if (const int error = posix_spawnattr_setsigdefault(&attributes_, &stopping)) return error;
    if (const int error = posix_spawnattr_setsigmask(&attributes_, &blocked)) return error;
    return posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

/// This process's environment, and whose the child is.
std::vector<std::string> environment_of_child() {
  std::vector<std::string> variables = {std::string(kParentVariable) + "=" +
                                        std::to_string(::getpid())};
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  return variables;
}

/// As exec wants them; they point into `words`.
std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

Result<pid_t> spawn(const std::vector<std::string>& arguments, int output) {
  SpawnActions actions;
  if (const int error = actions.redirect(output)) return cannot_start(error);
  SpawnAttributes attributes;
  if (const int error = attributes.let_stop()) return cannot_start(error);
  std::vector<std::string> words = {"hearth"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = environment_of_child();
  pid_t child = 0;
  // The link leads to the running program also when its file was replaced by a newer one.
  const int error = posix_spawn(&child, "/proc/self/exe", actions.get(), attributes.get(),
                                pointers_to(words).data(), pointers_to(variables).data());
  if (error != 0) return cannot_start(error);
  return child;
}

/// The running child, which is asked to stop once when `cancelled` is raised.
class Child {
 public:
  Child(pid_t id, const std::atomic<bool>& cancelled) : id_(id), cancelled_(cancelled) {}

  /// Reads until the child closes its output; false when it says too much.
  bool read_all(int descriptor, std::string& output) {
    for (;;) {
      stop_if_cancelled();
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

  void kill() const { ::kill(id_, SIGKILL); }

  /// Waits for its end, which need not come with the end of its output; its exit code.
  int wait() {
    int status = 0;
    for (;;) {
      stop_if_cancelled();
      const pid_t ended = ::waitpid(id_, &status, WNOHANG);
      if (ended == id_) break;
      // Where SIGCHLD is ignored the system keeps no status: then its output has to tell.
      if (ended < 0 && errno != EINTR) return 0;
      ::poll(nullptr, 0, kLookEveryMs);
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  void stop_if_cancelled() {
    if (!cancelled_.load() || asked_to_stop_) return;
    ::kill(id_, SIGTERM);
    asked_to_stop_ = true;
  }

  pid_t id_;
  const std::atomic<bool>& cancelled_;
  bool asked_to_stop_ = false;
};

}  // namespace

Result<ChildOutcome> run_child(const std::vector<std::string>& arguments,
                               const std::atomic<bool>& cancelled) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return cannot_start(errno);
  const Descriptor reader(ends[0]);
  std::optional<Descriptor> writer(std::in_place, ends[1]);
  HEARTH_TRY(const pid_t id, spawn(arguments, writer->get()));
  writer.reset();  // the child has the other copy; its end is the end of the output
  Child child(id, cancelled);
  ChildOutcome outcome;
  const bool complete = child.read_all(reader.get(), outcome.output);
  if (!complete) child.kill();
  outcome.exit_code = child.wait();
  if (!complete) return fail(ErrorCode::kCorrupt, "a measurement wrote more than 64 MiB");
  return outcome;
}

void end_with_parent() {
  // There are no other threads yet. What this process may start is not that one's child.
  const char* parent = std::getenv(kParentVariable);  // NOLINT(concurrency-mt-unsafe)
  if (parent == nullptr) return;
  const std::string id = parent;
  ::unsetenv(kParentVariable);  // NOLINT(concurrency-mt-unsafe)
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It may have ended before that.
  if (id != std::to_string(::getppid())) std::_Exit(128 + SIGKILL);
}

}  // namespace hearth::app

#include "compiler/build/worker.h"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "compiler/build/frame.h"

namespace trireme::compiler {
namespace {

constexpr char kProcess[] = "kernel builder";
constexpr std::chrono::milliseconds kLongestEnd{2000};
constexpr std::chrono::milliseconds kPause{5};

// Starts the program with both of its streams at `socket`. Its process group is its own, so that Ctrl-C is heard by
// this program alone.
int spawn(const std::string& program, int socket, pid_t& process) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, socket, STDOUT_FILENO);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  std::string name = program;
  char* const arguments[] = {name.data(), nullptr};
  const int code = posix_spawn(&process, program.c_str(), &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) {
    const char* const name = sigdescr_np(WTERMSIG(status));
    return fmt::format("it was ended by signal {} ({})", WTERMSIG(status), name ? name : "unknown");
  }
  return fmt::format("it ended with exit code {}", WEXITSTATUS(status));
}

}  // namespace

Result<std::unique_ptr<Worker>> Worker::start(const std::filesystem::path& program) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(ErrorCode::kIo, program.string(), std::string("no socket for it: ") + std::strerror(errno));
  pid_t process = 0;
  const int code = spawn(program.string(), ends[1], process);
  ::close(ends[1]);
  if (code != 0) {
    ::close(ends[0]);
    return fail(ErrorCode::kNotFound, program.string(), std::string("it cannot be started: ") + std::strerror(code),
                "install Trireme anew");
  }
  // make_unique cannot see the constructor.
  return std::unique_ptr<Worker>(new Worker(process, ends[0]));
}

Worker::~Worker() {
  // One that is building would first come to its end.
  if (process_ != 0 && !asked_ && ::shutdown(socket_, SHUT_RDWR) == 0) end();
  kill();
  ::close(socket_);
}

void Worker::kill() {
  if (process_ == 0) return;
  ::kill(process_, SIGKILL);
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) continue;
  process_ = 0;
}

bool Worker::alive() {
  if (process_ != 0 && ::waitpid(process_, nullptr, WNOHANG) == process_) process_ = 0;
  return process_ != 0;
}

Error Worker::end() {
  for (std::chrono::milliseconds waited{0}; waited < kLongestEnd; waited += kPause) {
    int status = 0;
    const pid_t ended = ::waitpid(process_, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    process_ = 0;
    if (ended < 0) break;
    ended_well_ = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return {ErrorCode::kInternal, kProcess, how_it_ended(status)};
  }
  kill();
  return {ErrorCode::kInternal, kProcess, "it closed its output"};
}

Result<BuildAnswer> Worker::ask(const BuildRequest& request, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const auto broken = [&](const Error& error) -> Result<BuildAnswer> {
    // What it sent last may have been cut off because it ended.
    if (error.code() == ErrorCode::kIo) return fail(end());
    kill();
    if (error.code() == ErrorCode::kTimeout)
      return fail(ErrorCode::kTimeout, kProcess, fmt::format("it gave no answer within {} ms", patience.count()));
    return fail(error);
  };
  if (process_ == 0) return fail(ErrorCode::kInternal, kProcess, "it has ended");
  asked_ = true;
  if (const Status sent = write_frame(socket_, encode(request), deadline); !sent) return broken(sent.error());
  const auto payload = read_frame(socket_, deadline);
  if (!payload) return broken(payload.error());
  if (!*payload) return fail(end());
  auto answer = decode_answer(**payload);
  if (!answer) return broken(answer.error());
  asked_ = false;
  return answer;
}

}  // namespace trireme::compiler

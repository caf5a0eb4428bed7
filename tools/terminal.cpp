#include "tools/terminal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "runtime/files/printable.h"

namespace trireme::tools {
namespace {

volatile std::sig_atomic_t was_interrupted = 0;
// What a Ctrl-C writes one end of, so that who waits for the other one misses none; -1 without a pipe.
int wake_pipe[2] = {-1, -1};

void on_interrupt(int) {
  const int before = errno;
  was_interrupted = 1;
  if (::write(wake_pipe[1], "", 1) < 0) errno = before;
}

// The second press finds the system's own handler, which ends the program.
void catch_next_interrupt() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
}

// What to do about an error that does not say so itself.
const char* usual_remedy(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "see 'trireme COMMAND --help'";
    case ErrorCode::kNotFound: return "check the name";
    case ErrorCode::kUnsupported: return "use another model or device";
    case ErrorCode::kCorruptData: return "fetch the file again";
    case ErrorCode::kOutOfMemory: return "use a smaller model, a shorter context or another device";
    case ErrorCode::kIo: return "check the path and the disk";
    case ErrorCode::kTimeout:
    case ErrorCode::kDeviceLost: return "see 'trireme devices', and try again or use another device";
    case ErrorCode::kCancelled: return "start it again";
    case ErrorCode::kContextOverflow: return "use a longer --context or a shorter text";
    case ErrorCode::kInternal: break;
  }
  return "please report this";
}

}  // namespace

void prepare_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream)
    if (fcntl(stream, F_GETFD) < 0) (void)::open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY);
  std::signal(SIGPIPE, SIG_IGN);
  (void)pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK);
  catch_next_interrupt();
}

void start_log(const std::string& level) {
  auto logger = std::make_shared<spdlog::logger>("trireme", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%l: %v");
  logger->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(std::move(logger));
}

Status print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      return fail(ErrorCode::kIo, std::string(kStandardOutput),
                  errno == EPIPE ? "its reader has closed it" : std::strerror(errno),
                  "write to a file or a terminal that has room");
    text.remove_prefix(size_t(written));
  }
  return {};
}

Status print_json(const nlohmann::ordered_json& value) {
  return print(value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void note(std::string_view line) { show(std::string(line) + "\n"); }

void show(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) text.remove_prefix(size_t(written));
  }
}

std::string error_line(const Error& error) {
  constexpr size_t kLongest = 4096;
  std::string line = "error: " + error.message();
  if (error.remedy().empty()) line += std::string("; ") + usual_remedy(error.code());
  return runtime::printable(line, kLongest);
}

bool interrupted() { return was_interrupted != 0; }

void clear_interrupt() {
  char drained[64];
  while (::read(wake_pipe[0], drained, sizeof drained) > 0) {
  }
  if (!interrupted()) return;
  was_interrupted = 0;
  catch_next_interrupt();
}

ssize_t read_input(void* data, size_t size) {
  pollfd waits[2] = {{STDIN_FILENO, POLLIN, 0}, {wake_pipe[0], POLLIN, 0}};
  while (!interrupted()) {
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return -1;
    if (!interrupted() && waits[0].revents != 0) return ::read(STDIN_FILENO, data, size);
  }
  errno = EINTR;
  return -1;
}

std::string format_bytes(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  if (bytes < (1u << 20)) return fmt::format("{:.1f} KiB", double(bytes) / 1024);
  if (bytes < (1u << 30)) return fmt::format("{:.1f} MiB", double(bytes) / (1 << 20));
  return fmt::format("{:.2f} GiB", double(bytes) / (1 << 30));
}

std::string format_rate(double tokens_per_s) { return fmt::format("{:.1f}", tokens_per_s); }

}  // namespace trireme::tools

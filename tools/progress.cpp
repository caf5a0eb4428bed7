#include "tools/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "tools/terminal.h"

namespace trireme::tools {
namespace {

// A line that wraps could not be drawn over.
size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

Progress::Progress(std::string what, int64_t total, std::string unit)
    : what_(std::move(what)),
      total_(std::max<int64_t>(total, 1)),
      unit_(std::move(unit)),
      start_(std::chrono::steady_clock::now()),
      drawn_(start_),
      terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::update(int64_t done) {
  const auto now = std::chrono::steady_clock::now();
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  if (!terminal_ || elapsed < 1.0 || now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  visible_ = true;
  constexpr int kWidth = 30;
  const double share = std::clamp(double(done) / double(total_), 0.0, 1.0);
  const auto filled = size_t(share * kWidth);
  const double rate = double(done) / elapsed;
  std::string line = fmt::format("{} [{}{}] {:3.0f} %  {:.1f} {}/s", what_, std::string(filled, '#'),
                                 std::string(kWidth - filled, '.'), 100 * share, rate, unit_);
  if (rate > 0) line += fmt::format("  {:.0f} s left", double(std::max<int64_t>(total_ - done, 0)) / rate);
  line.resize(std::min(line.size(), terminal_columns() - 1));
  show("\r\033[K" + line);
}

void Progress::finish() {
  if (!visible_) return;
  visible_ = false;
  show("\r\033[K");
}

}  // namespace trireme::tools

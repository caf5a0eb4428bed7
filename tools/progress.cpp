#include "tools/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace trireme::tools {

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
  const double remaining = rate > 0 ? double(total_ - done) / rate : 0;
  fmt::print(stderr, "\r\033[K{} [{}{}] {:3.0f} %  {:.1f} {}/s  {:.0f} s left", what_, std::string(filled, '#'),
             std::string(kWidth - filled, '.'), 100 * share, rate, unit_, remaining);
  std::fflush(stderr);
}

void Progress::finish() {
  if (!visible_) return;
  visible_ = false;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

}  // namespace trireme::tools

// Progress: a bar with rate and remaining time on stderr, for work that takes longer than a second.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace trireme::tools {

// Shows itself only on a terminal, and only once a second has passed.
class Progress {
 public:
  Progress(std::string what, int64_t total, std::string unit);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(int64_t done);
  // Removes the bar.
  void finish();

 private:
  std::string what_;
  int64_t total_;
  std::string unit_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
  bool terminal_;
  bool visible_ = false;
};

}  // namespace trireme::tools

#include "compiler/build/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "hal/start_thread.h"

namespace trireme::compiler {

int usable_core_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
  return int(std::max(1u, std::thread::hardware_concurrency()));
}

void run_parallel(int count, int threads, const std::function<void(int)>& work, const std::function<void(int)>& done) {
  const auto alone = [&] {
    for (int i = 0; i < count; ++i) {
      work(i);
      done(i);
    }
  };
  if (std::min(count, threads) <= 1) return alone();
  std::atomic<int> next = 0;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<int> worked;  // guarded by mutex
  const auto work_on = [&] {
    for (int i = next++; i < count; i = next++) {
      work(i);
      const std::lock_guard lock(mutex);
      worked.push_back(i);
      changed.notify_one();
    }
  };
  std::vector<std::thread> running;
  for (int t = 0; t < std::min(count, threads); ++t) {
    std::thread started;
    // What a system at its limits gives is enough.
    if (!start_thread(started, work_on)) break;
    running.push_back(std::move(started));
  }
  if (running.empty()) return alone();
  for (int told = 0; told < count;) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return !worked.empty(); });
    const std::vector<int> ready = std::exchange(worked, {});
    lock.unlock();
    for (const int i : ready) done(i);
    told += int(ready.size());
  }
  for (std::thread& thread : running) thread.join();
}

}  // namespace trireme::compiler

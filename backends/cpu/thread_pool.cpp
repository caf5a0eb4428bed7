#include "backends/cpu/thread_pool.h"

#include <sched.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include <algorithm>
#include <condition_variable>
#include <utility>

#include "backends/cpu/cgroup.h"

namespace trireme::cpu {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr auto kBurstSpin = microseconds(60);  // more than the longest serial step inside a list
constexpr auto kIdleSpin = microseconds(5);
constexpr auto kStall = microseconds(150);      // a join this much longer than a chunk means a lost core
constexpr auto kPreempted = microseconds(400);  // a spinning thread that sees this pass was off its core
constexpr int kPausesPerClock = 32;

// Politeness: windows of work from the first to the last length, then no more naps.
constexpr auto kShortestWindow = microseconds(700);
constexpr auto kLongestWindow = milliseconds(12);
constexpr auto kTrial = milliseconds(40);  // without incident, until the window doubles

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

std::vector<int> affinity_cores() {
  std::vector<int> cores;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  return cores;
}

// Of the calling thread. A refusal costs speed, never results.
void pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  (void)sched_setaffinity(0, sizeof set, &set);
}

// Whether a region has chunks that nobody has claimed.
bool is_open(uint64_t ticket) { return (ticket & 0xffffffffu) < ticket >> 32; }

}  // namespace

int usable_cores() {
  const std::vector<int> cores = affinity_cores();
  const int count = cores.empty() ? int(std::thread::hardware_concurrency()) : int(cores.size());
  return std::max(1, std::min(count, cgroup_core_limit().value_or(count)));
}

struct alignas(64) ThreadPool::Worker {
  int index = 0;
  int home_core = -1;
  std::atomic<bool> holding{false};  // has claimed a chunk that it has not ended
  std::atomic<bool> warned{false};   // a region waited long for this worker
  std::mutex mutex;                  // guards asleep
  std::condition_variable wake;
  bool asleep = false;
  std::thread thread;

  // Of the worker's own thread.
  int core = -1;
  Clock::duration window = kLongestWindow;
  Clock::time_point window_start;
  Clock::time_point trial_start;

  bool polite() const { return window < kLongestWindow; }
  void start_politeness(Clock::time_point now) {
    window = kShortestWindow;
    trial_start = now;
  }
};

ThreadPool::ThreadPool(int threads) {
  const std::vector<int> cores = affinity_cores();
  for (int i = 1; i < threads; ++i) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->index = i;
    if (int(cores.size()) >= threads) workers_.back()->home_core = cores[size_t(i)];
  }
  if (int(cores.size()) >= threads) spare_core_ = cores[0];
  for (auto& worker : workers_) worker->thread = std::thread([this, w = worker.get()] { worker_loop(*w); });
}

ThreadPool::~ThreadPool() {
  stopping_.store(true);
  for (auto& worker : workers_) {
    {
      std::lock_guard lock(worker->mutex);
      worker->asleep = false;
    }
    worker->wake.notify_all();
  }
  for (auto& worker : workers_) worker->thread.join();
}

void ThreadPool::run(int64_t chunks, FunctionRef<void(int64_t, int)> body) {
  if (chunks <= 0) return;
  if (chunks == 1 || workers_.empty()) {
    std::lock_guard lock(run_mutex_);
    for (int64_t chunk = 0; chunk < chunks; ++chunk) body(chunk, 0);
    return;
  }
  std::lock_guard lock(run_mutex_);
  const auto started = Clock::now();
  caller_core_.store(sched_getcpu(), std::memory_order_relaxed);
  done_.store(0, std::memory_order_relaxed);
  body_ = &body;
  ticket_.store(uint64_t(chunks) << 32, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) > 0) wake_sleepers();
  const int64_t own = run_chunks(body, 0);
  join(chunks - own, started, own);
}

bool ThreadPool::take_chunk(int64_t& chunk) {
  if (!is_open(ticket_.load(std::memory_order_relaxed))) return false;
  const uint64_t ticket = ticket_.fetch_add(1, std::memory_order_acquire);
  chunk = int64_t(ticket & 0xffffffffu);
  return uint64_t(chunk) < ticket >> 32;
}

int64_t ThreadPool::run_chunks(FunctionRef<void(int64_t, int)> body, int worker) {
  int64_t count = 0;
  for (int64_t chunk; take_chunk(chunk); ++count) body(chunk, worker);
  return count;
}

void ThreadPool::join(int64_t pending, Clock::time_point started, int64_t own_chunks) {
  if (done_.load(std::memory_order_acquire) == pending) return;
  const auto claimed_all = Clock::now();
  const auto chunk_time = (claimed_all - started) / std::max<int64_t>(own_chunks, 1);
  const auto patience = own_chunks > 0 ? kStall + 2 * chunk_time : milliseconds(1000);
  bool warned = false;
  for (int pauses = 1; done_.load(std::memory_order_acquire) != pending; ++pauses) {
    pause();
    if (pauses % kPausesPerClock != 0) continue;
    if (Clock::now() - claimed_all < patience) continue;
    if (!warned) warn_holders();
    warned = true;
    std::this_thread::yield();  // the worker that is waited for may need this very core
  }
}

void ThreadPool::warn_holders() {
  for (auto& worker : workers_)
    if (worker->holding.load(std::memory_order_relaxed)) worker->warned.store(true, std::memory_order_relaxed);
}

void ThreadPool::wake_sleepers() {
  for (auto& worker : workers_) {
    {
      std::lock_guard lock(worker->mutex);
      if (!worker->asleep) continue;
      worker->asleep = false;
    }
    worker->wake.notify_one();
  }
}

void ThreadPool::worker_loop(Worker& worker) {
#if defined(__linux__)
  (void)prctl(PR_SET_TIMERSLACK, 1000UL);
#endif
  while (await_work(worker)) {
    worker.holding.store(true, std::memory_order_relaxed);
    int64_t count = 0;
    for (int64_t chunk; take_chunk(chunk); ++count) (*body_)(chunk, worker.index);
    worker.holding.store(false, std::memory_order_relaxed);
    if (count > 0) done_.fetch_add(count, std::memory_order_release);
  }
}

// Returns when a region has chunks left to claim, or false when the pool stops.
bool ThreadPool::await_work(Worker& worker) {
  auto now = Clock::now();
  auto idle_since = now;
  for (int pauses = 1; !stopping_.load(std::memory_order_relaxed); ++pauses) {
    const bool open = is_open(ticket_.load(std::memory_order_relaxed));
    if (open && !worker.polite() && !worker.warned.load(std::memory_order_relaxed)) {
      leave_callers_core(worker);
      return true;
    }
    if (!open) pause();
    if (!open && pauses % kPausesPerClock != 0) continue;
    const auto before = std::exchange(now, Clock::now());
    if (now - before > kPreempted || worker.warned.exchange(false, std::memory_order_relaxed)) {
      worker.start_politeness(now);
      nap(worker);
    } else if (worker.polite() && now - worker.window_start > worker.window) {
      nap(worker);
    } else if (open) {
      leave_callers_core(worker);
      return true;
    } else {
      const bool burst = bursts_.load(std::memory_order_relaxed) > 0;
      if (now - idle_since < (burst ? kBurstSpin : kIdleSpin)) continue;
      sleep(worker);
    }
    idle_since = now = Clock::now();
  }
  return false;
}

void ThreadPool::leave_callers_core(Worker& worker) {
  if (worker.home_core < 0) return;
  const int core = caller_core_.load(std::memory_order_relaxed) == worker.home_core ? spare_core_ : worker.home_core;
  if (core == worker.core) return;
  worker.core = core;
  pin_to(core);
}

void ThreadPool::nap(Worker& worker) {
  naps_.fetch_add(1, std::memory_order_relaxed);
  const auto now = Clock::now();
  if (now - worker.trial_start > kTrial) {
    worker.window *= 2;
    worker.trial_start = now;
  }
  std::unique_lock lock(worker.mutex);
  worker.wake.wait_for(lock, worker.window, [&] { return stopping_.load(); });
  worker.window_start = Clock::now();
}

void ThreadPool::sleep(Worker& worker) {
  std::unique_lock lock(worker.mutex);
  worker.asleep = true;
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  // Pairs with run(), which stores the ticket before it looks for sleepers.
  if (!is_open(ticket_.load(std::memory_order_seq_cst)))
    worker.wake.wait(lock, [&] { return !worker.asleep || stopping_.load(); });
  worker.asleep = false;
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

ThreadPool::Burst::Burst(ThreadPool& pool) : pool_(pool) {
  pool_.bursts_.fetch_add(1, std::memory_order_relaxed);
  if (pool_.sleepers_.load(std::memory_order_relaxed) > 0) pool_.wake_sleepers();
}

ThreadPool::Burst::~Burst() { pool_.bursts_.fetch_sub(1, std::memory_order_relaxed); }

}  // namespace trireme::cpu

#include "backends/cpu/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <condition_variable>

#include "backends/cpu/cgroup.h"

namespace trireme::cpu {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr auto kBurstSpin = microseconds(60);  // more than the longest serial step inside a list
constexpr auto kIdleSpin = microseconds(5);
constexpr auto kStall = microseconds(150);  // a join this much longer than a chunk means a lost core
constexpr auto kBench = milliseconds(30);
constexpr int kPausesPerClock = 32;

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

void pin(std::thread& thread, int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  // A refusal costs speed, never results.
  (void)pthread_setaffinity_np(thread.native_handle(), sizeof set, &set);
}

}  // namespace

int usable_cores() {
  const std::vector<int> cores = affinity_cores();
  const int count = cores.empty() ? int(std::thread::hardware_concurrency()) : int(cores.size());
  return std::max(1, std::min(count, cgroup_core_limit().value_or(count)));
}

struct alignas(64) ThreadPool::Worker {
  int index = 0;
  std::atomic<bool> holding{false};         // has claimed a chunk that it has not ended
  std::atomic<int64_t> benched_until{0};    // Clock ticks
  std::mutex mutex;                         // guards sleeping
  std::condition_variable wake;
  bool asleep = false;
  std::thread thread;
};

ThreadPool::ThreadPool(int threads) {
  const std::vector<int> cores = affinity_cores();
  for (int i = 1; i < threads; ++i) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->index = i;
  }
  for (auto& worker : workers_) {
    worker->thread = std::thread([this, w = worker.get()] { worker_loop(*w); });
    if (int(cores.size()) >= threads) pin(worker->thread, cores[size_t(worker->index)]);
  }
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
  done_.store(0, std::memory_order_relaxed);
  body_ = &body;
  ticket_.store(uint64_t(chunks) << 32, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) > 0) wake_sleepers();
  const int64_t own = run_chunks(body, 0);
  join(chunks - own, started, own);
}

bool ThreadPool::take_chunk(int64_t& chunk) {
  const uint64_t before = ticket_.load(std::memory_order_relaxed);
  if ((before & 0xffffffffu) >= before >> 32) return false;
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
  bool benched = false;
  for (int pauses = 1; done_.load(std::memory_order_acquire) != pending; ++pauses) {
    pause();
    if (pauses % kPausesPerClock != 0) continue;
    const auto now = Clock::now();
    if (now - claimed_all < patience) continue;
    if (!benched) bench_holders(now);
    benched = true;
    std::this_thread::yield();  // the worker that is waited for may need this very core
  }
}

void ThreadPool::bench_holders(Clock::time_point now) {
  const int64_t until = (now + kBench).time_since_epoch().count();
  for (auto& worker : workers_)
    if (worker->holding.load(std::memory_order_relaxed)) worker->benched_until.store(until, std::memory_order_relaxed);
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
  auto idle_since = Clock::now();
  for (int pauses = 1; !stopping_.load(std::memory_order_relaxed); ++pauses) {
    const uint64_t ticket = ticket_.load(std::memory_order_relaxed);
    const bool open = (ticket & 0xffffffffu) < ticket >> 32;
    if (!open) pause();
    if (!open && pauses % kPausesPerClock != 0) continue;
    const int64_t benched_until = worker.benched_until.load(std::memory_order_relaxed);
    if (benched_until != 0) {
      std::unique_lock lock(worker.mutex);
      worker.wake.wait_until(lock, Clock::time_point(Clock::duration(benched_until)), [&] { return stopping_.load(); });
      worker.benched_until.store(0, std::memory_order_relaxed);
      idle_since = Clock::now();
      continue;
    }
    if (open) return true;
    const bool burst = bursts_.load(std::memory_order_relaxed) > 0;
    if (Clock::now() - idle_since < (burst ? kBurstSpin : kIdleSpin)) continue;
    std::unique_lock lock(worker.mutex);
    worker.asleep = true;
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    // Pairs with run(), which stores the ticket before it looks for sleepers.
    const uint64_t last_look = ticket_.load(std::memory_order_seq_cst);
    if ((last_look & 0xffffffffu) >= last_look >> 32)
      worker.wake.wait(lock, [&] { return !worker.asleep || stopping_.load(); });
    worker.asleep = false;
    sleepers_.fetch_sub(1, std::memory_order_relaxed);
    lock.unlock();
    idle_since = Clock::now();
  }
  return false;
}

ThreadPool::Burst::Burst(ThreadPool& pool) : pool_(pool) {
  pool_.bursts_.fetch_add(1, std::memory_order_relaxed);
  if (pool_.sleepers_.load(std::memory_order_relaxed) > 0) pool_.wake_sleepers();
}

ThreadPool::Burst::~Burst() { pool_.bursts_.fetch_sub(1, std::memory_order_relaxed); }

}  // namespace trireme::cpu

// ThreadPool: the threads that help the calling thread through parallel regions of a few microseconds.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "backends/cpu/function_ref.h"

namespace trireme::cpu {

// Cores that this process may use: its affinity mask, cut down to the cgroup's cpu quota (v1 and v2), at least 1.
int usable_cores();

// A region's chunks are claimed one by one, so that a thread whose core was taken away costs its share and no more.
// Between regions workers spin for some tens of microseconds and then sleep. A worker whose core is contended would
// stall everyone whenever it is preempted with a chunk in hand. Once that is seen, it becomes polite: it works for a
// window that is shorter than a scheduler's time slice and then naps as long, so that it is not preempted while it
// works; the window grows back when nothing happens.
class ThreadPool {
 public:
  // Starts threads - 1 workers (threads >= 1), each pinned to one core of the process's affinity mask when there are
  // at least as many cores as threads. The calling thread takes part in every region and is never pinned; a worker on
  // whose core it turns up moves to the spare one.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return int(workers_.size()) + 1; }

  // How often workers have stepped aside because their core is contended.
  uint64_t naps() const { return naps_.load(std::memory_order_relaxed); }

  // Calls body(chunk, worker) once for each chunk in [0, chunks), in any order, and returns when all have ended. The
  // caller is worker 0. Everything written before is visible to the body, and everything that the body writes is
  // visible after. Regions of several calling threads run one after the other; a body must not call run().
  void run(int64_t chunks, FunctionRef<void(int64_t chunk, int worker)> body);

  // While one lives, workers expect the next region soon and spin for it; else they go to sleep at once.
  class Burst {
   public:
    explicit Burst(ThreadPool& pool);
    ~Burst();
    Burst(const Burst&) = delete;
    Burst& operator=(const Burst&) = delete;

   private:
    ThreadPool& pool_;
  };

 private:
  struct Worker;

  bool take_chunk(int64_t& chunk);
  int64_t run_chunks(FunctionRef<void(int64_t, int)> body, int worker);
  void join(int64_t pending, std::chrono::steady_clock::time_point started, int64_t own_chunks);
  void warn_holders();
  void wake_sleepers();
  void worker_loop(Worker& worker);
  bool await_work(Worker& worker);
  void leave_callers_core(Worker& worker);
  void nap(Worker& worker);
  void sleep(Worker& worker);

  std::vector<std::unique_ptr<Worker>> workers_;
  std::mutex run_mutex_;  // held by the thread whose region runs

  // The open region: total chunks in the upper half, the next one to claim in the lower. Claims past the total are
  // refused, so a late worker can never touch a region that has ended.
  alignas(64) std::atomic<uint64_t> ticket_{0};
  const FunctionRef<void(int64_t, int)>* body_ = nullptr;  // written before ticket_, read after a claim
  alignas(64) std::atomic<int64_t> done_{0};               // chunks that workers have ended in this region
  alignas(64) std::atomic<int> sleepers_{0};
  std::atomic<int> bursts_{0};
  std::atomic<uint64_t> naps_{0};
  std::atomic<int> caller_core_{-1};
  int spare_core_ = -1;  // -1: workers are not pinned
  std::atomic<bool> stopping_{false};
};

}  // namespace trireme::cpu

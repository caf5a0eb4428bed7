#include "compiler/build/worker_pool.h"

namespace trireme::compiler {

Result<std::unique_ptr<Worker>> WorkerPool::started() const {
  TRIREME_ASSIGN(std::unique_ptr<Worker> worker, Worker::start(program_));
  TRIREME_ASSIGN(const BuildAnswer opened, worker->ask(opening_, patience_));
  if (!opened) return fail(opened.error());
  return worker;
}

std::unique_ptr<Worker> WorkerPool::idle() {
  const std::lock_guard lock(mutex_);
  while (!idle_.empty()) {
    std::unique_ptr<Worker> worker = std::move(idle_.back());
    idle_.pop_back();
    if (worker->alive()) return worker;
  }
  return nullptr;
}

Result<std::vector<std::byte>> WorkerPool::build(const KernelSource& source) {
  const auto build = [&]() -> Result<BuildAnswer> {
    std::unique_ptr<Worker> worker = idle();
    const bool waited = worker != nullptr;
    if (!waited) {
      TRIREME_ASSIGN(worker, started());
    }
    Result<BuildAnswer> answer = worker->ask(source, patience_);
    // It had waited for so long that it went.
    if (!answer && waited && worker->ended_well()) {
      TRIREME_ASSIGN(worker, started());
      answer = worker->ask(source, patience_);
    }
    if (!answer) return answer;
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(worker));
    return answer;
  };
  Result<BuildAnswer> answer = build();
  if (answer) return std::move(*answer);
  const Error& error = answer.error();
  return fail(Error(error.code(), "kernel " + source.entry + " for " + opening_.device,
                    error.what() + ": " + error.why(),
                    error.remedy().empty() ? "update the device's driver, or use another device" : error.remedy()));
}

}  // namespace trireme::compiler

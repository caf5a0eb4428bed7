#include "compiler/build/kernel_builder.h"

#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <unordered_map>

#include "compiler/build/parallel.h"
#include "compiler/build/worker_pool.h"

namespace trireme::compiler {

struct KernelBuilder::Job {
  const KernelSource* source = nullptr;
  Built kernel = nullptr;
};

KernelBuilder::KernelBuilder(std::shared_ptr<KernelDevice> device, BuildOptions options)
    : device_(std::move(device)), options_(std::move(options)) {
  if (options_.threads <= 0) options_.threads = usable_core_count();
  if (options_.worker.empty() || !device_->target().compiler_may_abort) return;
  const std::string& id = device_->info().id;
  const auto library = options_.libraries.find(id.substr(0, id.find(':')));
  workers_ = std::make_unique<WorkerPool>(
      options_.worker,
      OpenRequest{id, library == options_.libraries.end() ? std::string() : library->second,
                  device_->target().build_key},
      options_.patience);
}

KernelBuilder::~KernelBuilder() = default;

void KernelBuilder::take_kept(Job& job, const KernelCache* cache) const {
  const auto kept = cache ? cache->find(device_->target(), *job.source) : std::nullopt;
  if (!kept) return;
  Built kernel = device_->load_kernel(*job.source, *kept);
  if (kernel)
    job.kernel = std::move(kernel);
  else
    spdlog::debug("kernel cache: {} is built again: {}", job.source->entry, kernel.error().message());
}

Result<std::vector<std::byte>> KernelBuilder::build_bytes(const KernelSource& source) const {
  return workers_ ? workers_->build(source) : device_->build_kernel(source);
}

KernelBuilder::Built KernelBuilder::load_built(const KernelSource& source, std::span<const std::byte> built) const {
  Built kernel = device_->load_kernel(source, built);
  if (kernel || kernel.error().code() != ErrorCode::kCorruptData) return kernel;
  // Nobody kept it: the driver refuses its own work, and would again.
  const Error& error = kernel.error();
  return fail(
      Error(ErrorCode::kInternal, error.what(), error.why(), "update the device's driver, or use another device"),
      "loading kernel " + source.entry + ", which was just built");
}

void KernelBuilder::build_missing(std::span<Job*> jobs, const KernelCache* cache) {
  const bool concurrent = device_->target().concurrent_builds;
  std::vector<std::string> names;
  for (const Job* job : jobs) names.push_back(job->source->entry);
  spdlog::debug("{}: kernels to build: {}, by {}: {}", device_->info().id, jobs.size(),
                workers_ ? options_.worker.string() : "this process", fmt::join(names, ", "));
  std::vector<Result<std::vector<std::byte>>> built(jobs.size());
  const auto load = [&](size_t i) {
    Job& job = *jobs[i];
    if (!built[i]) {
      job.kernel = fail(std::move(built[i]).error());
      return;
    }
    job.kernel = load_built(*job.source, *built[i]);
    if (job.kernel && cache) cache->store(device_->target(), *job.source, *built[i]);
    built[i]->clear();
  };
  int told = 0;
  std::atomic<bool> cancelled = false;
  const auto tell = [&] {
    if (options_.progress && !options_.progress(told++, int(jobs.size()))) cancelled = true;
  };
  tell();
  run_parallel(
      int(jobs.size()), workers_ || concurrent ? options_.threads : 1,
      [&](int i) {
        const KernelSource& source = *jobs[size_t(i)]->source;
        built[size_t(i)] = cancelled ? fail(ErrorCode::kCancelled, "building kernel " + source.entry,
                                            "it was interrupted", "start it again")
                                     : build_bytes(source);
        if (concurrent) load(size_t(i));
      },
      [&](int i) {
        if (!concurrent) load(size_t(i));
        tell();
      });
}

std::vector<KernelBuilder::Built> KernelBuilder::build(std::span<const KernelSource> sources,
                                                       const KernelCache* cache) {
  std::vector<Job> jobs;
  std::vector<size_t> job_of;
  std::unordered_map<std::string, size_t> known;
  for (const KernelSource& source : sources) {
    const auto [found, added] = known.try_emplace(kernel_key(device_->target(), source), jobs.size());
    if (added) jobs.push_back({&source});
    job_of.push_back(found->second);
  }
  run_parallel(
      int(jobs.size()), cache && device_->target().concurrent_builds ? options_.threads : 1,
      [&](int i) { take_kept(jobs[size_t(i)], cache); }, [](int) {});
  std::vector<Job*> missing;
  for (Job& job : jobs)
    if (!*job.kernel) missing.push_back(&job);
  // The long ones first, so that no thread is left alone with one at the end.
  std::ranges::stable_sort(missing, std::greater(), [](const Job* job) { return job->source->code.size(); });
  if (!missing.empty()) build_missing(missing, cache);
  std::vector<Built> kernels;
  for (const size_t job : job_of) kernels.push_back(jobs[job].kernel);
  return kernels;
}

}  // namespace trireme::compiler

// Compiled as a part of small_kernels.cpp, once a target.
#include <cstring>

#include "backends/cpu/ops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {

float sum_all(const float* x, int64_t count) {
  const F32 d;
  VecF32 sums[4];
  for (auto& sum : sums) sum = hn::Zero(d);
  for (int64_t i = 0; i + 4 * kLanes <= count; i += 4 * kLanes)
    for (int j = 0; j < 4; ++j) sums[j] = hn::Add(sums[j], hn::LoadU(d, x + i + j * kLanes));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]))));
}

// Returns how many multiply-adds it did, and leaves their result in `result`.
int64_t multiply_add(int64_t rounds, float* result) {
  const F32 d;
  const auto factor = hn::Set(d, 0.5f), addend = hn::Set(d, *result);
  constexpr int kChains = 10;
  VecF32 sums[kChains];
  for (int j = 0; j < kChains; ++j) sums[j] = hn::Set(d, float(j));
  for (int64_t i = 0; i < rounds; ++i)
    for (int j = 0; j < kChains; ++j) sums[j] = hn::MulAdd(sums[j], factor, addend);
  for (int j = 0; j < kChains; ++j) *result += hn::GetLane(sums[j]);
  return rounds * kChains * kLanes;
}

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <atomic>
#include <chrono>
#include <vector>

#include "backends/cpu/buffer.h"
#include "backends/cpu/speed.h"

namespace trireme::cpu {
namespace {

HWY_EXPORT(sum_all);
HWY_EXPORT(multiply_add);

double seconds(FunctionRef<void()> work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The best of a few runs: other programs only ever slow one down.
double best_seconds(int runs, FunctionRef<void()> work) {
  double best = seconds(work);
  for (int i = 1; i < runs; ++i) best = std::min(best, seconds(work));
  return best;
}

}  // namespace

MeasuredSpeed measure_speed(ThreadPool& pool) {
  constexpr int64_t kFloats = int64_t{16} << 20, kChunk = 64 << 10;
  auto memory = CpuBuffer::allocate(nullptr, kFloats * sizeof(float));
  if (!memory) return {};
  auto* values = reinterpret_cast<float*>((*memory)->data());
  const ThreadPool::Burst burst(pool);
  std::atomic<float> sink{0};
  MeasuredSpeed speed;
  pool.run(kFloats / kChunk,
           [&](int64_t chunk, int) { std::memset(values + chunk * kChunk, 0, kChunk * sizeof(float)); });
  speed.read_bytes_per_s = double(kFloats * sizeof(float)) / best_seconds(3, [&] {
                             pool.run(kFloats / kChunk, [&](int64_t chunk, int) {
                               sink = HWY_DYNAMIC_DISPATCH(sum_all)(values + chunk * kChunk, kChunk);
                             });
                           });
  std::atomic<int64_t> multiply_adds{0};
  const double multiply_seconds = best_seconds(3, [&] {
    multiply_adds = 0;
    pool.run(8 * pool.threads(), [&](int64_t chunk, int) {
      float result = float(chunk);
      multiply_adds += HWY_DYNAMIC_DISPATCH(multiply_add)(20000, &result);
      sink = result;
    });
  });
  speed.multiply_adds_per_s = double(multiply_adds) / multiply_seconds;
  constexpr int kLaunches = 500;
  speed.launch_s = best_seconds(3,
                                [&] {
                                  for (int i = 0; i < kLaunches; ++i) pool.run(pool.threads(), [&](int64_t, int) {});
                                }) /
                   kLaunches;
  return speed;
}

}  // namespace trireme::cpu
#endif  // HWY_ONCE

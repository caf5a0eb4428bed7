// What this machine can do at best, to hold measured speeds against: bytes read from memory, f32 multiply-adds and int8
// multiply-adds a second (one multiply-add is two operations), at 1 to all threads.
//
//   bench_roofline
//   bench_roofline --benchmark_format=json
#include "backends/cpu/quantized/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/roofline.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After foreach_target.h:
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
#include "backends/cpu/quantized/dot4-inl.h"
#else
#undef TRIREME_BEFORE_NAMESPACE
#define TRIREME_BEFORE_NAMESPACE() HWY_BEFORE_NAMESPACE()
#endif

TRIREME_BEFORE_NAMESPACE();
namespace trireme::cpu::quantized::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kChains = 12;  // independent sums, more than latency times throughput

#define TRIREME_EACH_CHAIN _Pragma("GCC unroll 16") for (int chain = 0; chain < kChains; ++chain)

float sum_floats(const float* values, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  auto a = hn::Zero(d), b = a, c = a, e = a;
  for (size_t i = 0; i + 4 * lanes <= count; i += 4 * lanes) {
    a = hn::Add(a, hn::LoadU(d, values + i));
    b = hn::Add(b, hn::LoadU(d, values + i + lanes));
    c = hn::Add(c, hn::LoadU(d, values + i + 2 * lanes));
    e = hn::Add(e, hn::LoadU(d, values + i + 3 * lanes));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
}

// Both return how many multiply-adds a round does.
size_t multiply_add_floats(size_t rounds, float* result) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, *result), addend = hn::Set(d, *result);
  decltype(hn::Zero(d)) sums[kChains];
  TRIREME_EACH_CHAIN sums[chain] = hn::Set(d, float(chain));
  for (size_t round = 0; round < rounds; ++round) {
    TRIREME_EACH_CHAIN sums[chain] = hn::MulAdd(sums[chain], factor, addend);
  }
  TRIREME_EACH_CHAIN* result += hn::GetLane(sums[chain]);
  return kChains * hn::Lanes(d);
}

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
// The dot product of four-bit codes, the cheapest that the integer kernels use.
size_t multiply_add_bytes(size_t rounds, float* result) {
  using Dot = Dot4<15>;
  const D8 d;
  const auto weight = Dot::weight(hn::Set(d, uint8_t(*result)));
  const auto activations = hn::Set(d, uint8_t(*result));
  Dot::Sum sums[kChains];
  TRIREME_EACH_CHAIN sums[chain] = Dot::begin(hn::Set(D32(), chain));
  for (size_t round = 0; round < rounds; ++round) {
    TRIREME_EACH_CHAIN Dot::add(sums[chain], weight, activations);
    if ((round + 1) % 8 == 0) {
      TRIREME_EACH_CHAIN Dot::flush(sums[chain]);
    }
  }
  TRIREME_EACH_CHAIN Dot::flush(sums[chain]);
  TRIREME_EACH_CHAIN* result += float(hn::GetLane(sums[chain].lanes));
  return kChains * hn::Lanes(d);
}
#else
size_t multiply_add_bytes(size_t rounds, float* result) {
  int32_t sums[kChains] = {};
  const auto value = int32_t(*result);
  for (size_t round = 0; round < rounds; ++round) TRIREME_EACH_CHAIN sums[chain] += value * value;
  TRIREME_EACH_CHAIN* result += float(sums[chain]);
  return kChains;
}
#endif

const char* target() { return hwy::TargetName(HWY_TARGET); }

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace trireme::cpu::quantized::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <benchmark/benchmark.h>

#include <thread>
#include <vector>

namespace trireme::cpu::quantized {
namespace {

HWY_EXPORT(sum_floats);
HWY_EXPORT(multiply_add_floats);
HWY_EXPORT(multiply_add_bytes);
HWY_EXPORT(target);

constexpr size_t kRounds = 100000;

void read_bandwidth(benchmark::State& state) {
  const std::vector<float> values(size_t{32} << 20, 1.0f);  // far more than any cache
  for (auto _ : state) benchmark::DoNotOptimize(HWY_DYNAMIC_DISPATCH(sum_floats)(values.data(), values.size()));
  state.SetBytesProcessed(int64_t(state.iterations() * values.size() * sizeof(float)));
}

template <typename Work>
void multiply_adds(benchmark::State& state, Work work) {
  float result = 1;
  size_t count = 0;
  for (auto _ : state) {
    count = work(kRounds, &result);
    benchmark::DoNotOptimize(result);
    result = 1;
  }
  state.counters["ops"] =
      benchmark::Counter(2.0 * double(count) * kRounds * double(state.iterations()), benchmark::Counter::kIsRate);
  state.SetLabel(HWY_DYNAMIC_DISPATCH(target)());
}

void f32_multiply_add(benchmark::State& state) {
  multiply_adds(state,
                [](size_t rounds, float* result) { return HWY_DYNAMIC_DISPATCH(multiply_add_floats)(rounds, result); });
}

void int8_multiply_add(benchmark::State& state) {
  multiply_adds(state,
                [](size_t rounds, float* result) { return HWY_DYNAMIC_DISPATCH(multiply_add_bytes)(rounds, result); });
}

void at_each_thread_count(benchmark::internal::Benchmark* benchmark) {
  const int most = int(std::max(1u, std::thread::hardware_concurrency()));
  for (int threads = 1; threads < most; threads *= 2) benchmark->Threads(threads);
  benchmark->Threads(most)->UseRealTime();
}

BENCHMARK(read_bandwidth)->Apply(at_each_thread_count)->Unit(benchmark::kMillisecond);
BENCHMARK(f32_multiply_add)->Apply(at_each_thread_count)->Unit(benchmark::kMillisecond);
BENCHMARK(int8_multiply_add)->Apply(at_each_thread_count)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace trireme::cpu::quantized

BENCHMARK_MAIN();
#endif  // HWY_ONCE

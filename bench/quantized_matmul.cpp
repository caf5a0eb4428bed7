// Quantised matmul on one thread: weight bytes per second with one row (decode), operations per second with 512 rows
// (prefill), for the shapes of SmolLM2-135M and Gemma 3 270M.
//
//   bench_quantized_matmul --benchmark_filter=Q4_0
//   --target=NAME runs the kernels of one of Highway's targets, such as AVX2.
#include <benchmark/benchmark.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "backends/cpu/quantized/matmul.h"
#include "backends/cpu/quantized/panel.h"
#include "backends/cpu/quantized/targets.h"
#include "hwy/highway.h"

namespace trireme::cpu::quantized {
namespace {

struct Shape2 {
  int64_t outputs, columns;
};

// Random bytes: speed does not depend on values, and no scale is worse than a NaN.
std::shared_ptr<const PackedWeight> draw_weight(const Format& format, Shape2 shape, WeightArena& arena) {
  const TensorDesc desc{{shape.outputs, shape.columns}, &format};
  std::vector<std::byte> data(size_t(desc.bytes()));
  std::mt19937_64 random(1);
  for (size_t i = 0; i + 8 <= data.size(); i += 8) {
    const uint64_t bits = random();
    std::memcpy(data.data() + i, &bits, 8);
  }
  auto weight = PackedWeight::pack({desc, data, {}, "w"}, arena, [](int64_t count, FunctionRef<void(int64_t)> body) {
    for (int64_t i = 0; i < count; ++i) body(i);
  });
  return weight ? *weight : nullptr;
}

// Each step uses the next of several copies, more than caches hold, as a token's walk through the layers does.
void run_matmul(benchmark::State& state, const Format& format, Shape2 shape, int64_t rows, int64_t copies) {
  WeightArena arena;
  std::vector<std::shared_ptr<const PackedWeight>> weights;
  std::vector<std::unique_ptr<const Kernel>> kernels;
  for (int64_t i = 0; i < copies; ++i) {
    weights.push_back(draw_weight(format, shape, arena));
    kernels.push_back(make_matmul(weights.back(), {}, false, 1));
  }
  const Q8Rows layout{nullptr, shape.columns};
  std::vector<std::byte> x(layout.row_bytes() * size_t(rows), std::byte(1));
  std::vector<std::byte> y(size_t(rows * shape.outputs) * sizeof(float));
  std::vector<std::byte> workspace(kernels[0]->workspace_bytes() + 64);
  auto* aligned = reinterpret_cast<std::byte*>((reinterpret_cast<uintptr_t>(workspace.data()) + 63) / 64 * 64);
  const std::vector<std::byte*> operands = {x.data(), y.data()};
  const KernelArgs args{operands, aligned, rows};
  size_t next = 0;
  for (auto _ : state) {
    const Kernel& kernel = *kernels[next];
    next = (next + 1) % kernels.size();
    const int64_t chunks = kernel.chunks(0, args);
    for (int64_t chunk = 0; chunk < chunks; ++chunk) kernel.run(0, chunk, 0, args);
    benchmark::ClobberMemory();
  }
  if (rows == 1) state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(weights[0]->device_bytes()));
  state.counters["ops"] = benchmark::Counter(
      double(state.iterations()) * 2 * double(rows * shape.outputs * shape.columns), benchmark::Counter::kIsRate);
  state.SetLabel(kernel_target());
}

void read_bandwidth(benchmark::State& state) {
  constexpr size_t kBytes = size_t(256) << 20;
  WeightArena arena;
  const auto memory = arena.allocate(kBytes);
  if (!memory) return state.SkipWithError("no memory");
  std::memset(memory->get(), 1, kBytes);
  const auto* words = reinterpret_cast<const uint64_t*>(memory->get());
  for (auto _ : state) {
    uint64_t sums[8] = {};
    for (size_t i = 0; i < kBytes / 8; i += 64)
      for (size_t j = 0; j < 64; ++j) sums[j % 8] += words[i + j];
    for (const uint64_t sum : sums) benchmark::DoNotOptimize(sum);
  }
  state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(kBytes));
}

void register_all() {
  benchmark::RegisterBenchmark("read_bandwidth", read_bandwidth)->Unit(benchmark::kMillisecond);
  for (const Format* format : builtin_formats()) {
    if (!find_codec(*format) || !format->planes.empty()) continue;
    std::vector<Shape2> shapes = {{576, 1536}, {1536, 576}, {640, 2048}, {2048, 640}, {2048, 2048}};
    if (format->name == "Q8_0") shapes.insert(shapes.end(), {{49152, 576}, {262144, 640}});
    for (const Shape2 shape : shapes) {
      if (shape.columns % format->block_elements != 0) continue;
      const std::string size = std::to_string(shape.outputs) + "x" + std::to_string(shape.columns);
      const std::string name = format->name + "/" + size;
      const int64_t copies = std::max<int64_t>(1, (int64_t(96) << 20) / (shape.outputs * shape.columns));
      benchmark::RegisterBenchmark((name + "/decode").c_str(), [format, shape, copies](benchmark::State& state) {
        run_matmul(state, *format, shape, 1, copies);
      });
      if (shape.outputs > 4096) continue;
      for (const int64_t rows : {4, 16, 512})
        benchmark::RegisterBenchmark(
            (name + "/rows" + std::to_string(rows)).c_str(),
            [format, shape, rows](benchmark::State& state) { run_matmul(state, *format, shape, rows, 1); });
    }
  }
}

}  // namespace
}  // namespace trireme::cpu::quantized

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (int i = 1; i < argc; ++i)
    for (const int64_t target : hwy::SupportedAndGeneratedTargets())
      if (std::string("--target=") + hwy::TargetName(target) == argv[i]) hwy::SetSupportedTargetsForTest(target);
  trireme::cpu::quantized::register_all();
  benchmark::RunSpecifiedBenchmarks();
}

// Compiled as a part of small_kernels.cpp, once a target.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {

int64_t chosen_target() { return HWY_TARGET; }

bool has_fused_multiply_add() { return HWY_TARGET <= HWY_AVX2 || HWY_TARGET == HWY_NEON; }

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <cctype>
#include <fstream>

#include "backends/cpu/features.h"
#include "backends/cpu/onednn.h"
#include "backends/cpu/quantized/matmul.h"

namespace trireme::cpu {
namespace {

HWY_EXPORT(chosen_target);
HWY_EXPORT(has_fused_multiply_add);

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return text;
}

// The value of the first line "key<spaces>: value" of /proc/cpuinfo.
std::string cpuinfo(const std::string& key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || line.compare(0, key.size(), key) != 0) continue;
    const size_t begin = line.find_first_not_of(' ', colon + 1);
    if (begin != std::string::npos) return line.substr(begin);
  }
  return {};
}

}  // namespace

std::string processor_name() {
  for (const char* key : {"model name", "Model", "Hardware"})
    if (std::string name = cpuinfo(key); !name.empty()) return name;
#if defined(__aarch64__)
  return "AArch64 processor";
#else
  return "processor";
#endif
}

std::string driver_text() {
  return "Highway " + std::to_string(HWY_MAJOR) + "." + std::to_string(HWY_MINOR) + "." + std::to_string(HWY_PATCH) +
         ", oneDNN " + onednn_version();
}

std::vector<std::string> kernel_features() {
  const int64_t target = HWY_DYNAMIC_DISPATCH(chosen_target)();
  std::vector<std::string> features = {lower(hwy::TargetName(target))};
  const std::string quantized = lower(quantized::kernel_target());
  if (quantized != features.front()) features.push_back("quantised " + quantized);
#if defined(__x86_64__)
  if (target <= HWY_AVX3) {
    if (__builtin_cpu_supports("avx512vnni")) features.push_back("avx512_vnni");
    if (__builtin_cpu_supports("avx512vbmi")) features.push_back("avx512_vbmi");
  }
#endif
  return features;
}

bool has_native_bf16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

bool kernels_fuse_multiply_add() { return HWY_DYNAMIC_DISPATCH(has_fused_multiply_add)(); }

SystemMemory system_memory() {
  SystemMemory memory;
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  uint64_t kibibytes = 0;
  while (file >> key >> kibibytes && std::getline(file, unit)) {
    if (key == "MemTotal:") memory.total_bytes = kibibytes * 1024;
    if (key == "MemAvailable:") memory.free_bytes = kibibytes * 1024;
  }
  return memory;
}

}  // namespace trireme::cpu
#endif  // HWY_ONCE

// MicroKernel: 16 output rows times a few activation columns, for one codec on one instruction set.
#pragma once

#include <array>
#include <cstdint>

#include "backends/cpu/quantized/panel.h"

namespace trireme::cpu::quantized {

struct Tile {
  const std::byte* data;
  const CodeValues& values;  // the weight's own table, less its first value if the kernel has offsets; 16-byte aligned
};

// sums[C][32], the first 16 of each: the dot products of the tile's rows with the panel's columns, K = 32 * groups.
constexpr int kSumsStride = 2 * kTileRows;  // tiles are worked on in pairs
using MicroKernelFunction = void (*)(const Tile& tile, int64_t groups, const Panel& panel, float* sums);

struct MicroKernel {
  const char* target = "";                        // the instruction set, as Highway names it
  CodeOffset offset{};                            // of the codes that the dot products see, but for own tables
  std::array<MicroKernelFunction, 3> by_width{};  // for 1, 4 and 8 columns; null where the registers do not suffice
};
constexpr std::array<int, 3> kWidths = {1, 4, kMaxWidth};

// The best micro kernel for this machine.
MicroKernel find_micro_kernel(Codec codec);

}  // namespace trireme::cpu::quantized

// MemoryPlan: an offset in one arena for everything that lives inside a step.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace trireme::compiler {

// Offsets of all buffers inside larger ones: the strictest alignment that a device here asks for.
constexpr uint64_t kOffsetAlignment = 256;

constexpr uint64_t align_offset(uint64_t offset) {
  return (offset + kOffsetAlignment - 1) / kOffsetAlignment * kOffsetAlignment;
}

// A block of memory that is in use from level `first` to level `last`, inclusive.
struct Lifetime {
  uint64_t bytes = 0;
  int64_t first = 0;
  int64_t last = 0;
};

struct MemoryPlan {
  std::vector<uint64_t> offsets;  // one a lifetime, multiples of kOffsetAlignment
  uint64_t peak_bytes = 0;        // the arena's size
};

// No two lifetimes that share a level share a byte. Greedy by size, into the lowest gap that fits
// (Pisarchyk and Lee, arXiv 2001.03288, "greedy by size").
MemoryPlan plan_memory(std::span<const Lifetime> lifetimes);

}  // namespace trireme::compiler

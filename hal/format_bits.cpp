#include "hal/format_bits.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace trireme {
namespace {

static_assert(std::endian::native == std::endian::little, "packed bits are read as little-endian words");

// Reads runs of fields that begin at the same bit of evenly spaced bytes and fit into a Word.
template <typename Word>
void gather_words(const BitRun& run, const std::byte* base, int64_t count, uint32_t* out) {
  const std::byte* source = base + run.bit_offset / 8;
  const int64_t stride = run.bit_stride / 8;
  // In variables of their own, which no store to `out` can change: else compilers take the loop as it is.
  const int right = int(run.bit_offset % 8), shift = run.shift;
  const uint32_t mask = run.width == 32 ? ~0u : (1u << run.width) - 1;
  if (stride == int64_t(sizeof(Word))) {
    for (int64_t i = 0; i < count; ++i) {
      Word word;
      std::memcpy(&word, source + size_t(i) * sizeof(Word), sizeof(Word));
      out[i] |= ((uint32_t(word) >> right) & mask) << shift;
    }
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    Word word;
    std::memcpy(&word, source + i * stride, sizeof(Word));
    out[i] |= ((uint32_t(word) >> right) & mask) << shift;
  }
}

void gather_digits(const BitRun& run, const std::byte* base, int64_t count, uint32_t* out) {
  const std::byte* source = base + run.bit_offset / 8;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t fraction = (uint32_t(source[i * (run.bit_stride / 8)]) * run.radix_power) & 0xffu;
    out[i] |= (fraction * run.radix / 256) << run.shift;
  }
}

// Fields that never cross a byte.
void gather_in_bytes(const BitRun& run, const std::byte* base, int64_t count, uint32_t* out) {
  const uint32_t mask = (1u << run.width) - 1;
  int64_t address = run.bit_offset;
  for (int64_t i = 0; i < count; ++i, address += run.bit_stride)
    out[i] |= ((uint32_t(base[address / 8]) >> (address % 8)) & mask) << run.shift;
}

}  // namespace

uint32_t load_bits(const std::byte* base, int64_t address, int width) {
  const std::byte* source = base + address / 8;
  const int right = int(address % 8);
  uint64_t word = 0;
  std::memcpy(&word, source, size_t((right + width + 7) / 8));
  return uint32_t((word >> right) & ((uint64_t{1} << width) - 1));
}

void gather(const BitRuns& runs, const std::byte* base, int64_t entries, uint32_t* out) {
  std::fill_n(out, entries, 0u);
  for (const BitRun& run : runs) {
    const int64_t count = std::min(run.count, entries - run.first);
    if (count <= 0) continue;
    uint32_t* const target = out + run.first;
    const int64_t bytes = run.bit_stride % 8 == 0 ? (run.bit_offset % 8 + run.width + 7) / 8 : 0;
    if (run.radix != 0) {
      gather_digits(run, base, count, target);
    } else if (bytes == 1) {
      gather_words<uint8_t>(run, base, count, target);
    } else if (bytes == 2) {
      gather_words<uint16_t>(run, base, count, target);
    } else if (bytes == 4) {
      gather_words<uint32_t>(run, base, count, target);
    } else if (8 % run.width == 0 && run.bit_offset % run.width == 0 && run.bit_stride % run.width == 0) {
      gather_in_bytes(run, base, count, target);
    } else {
      for (int64_t i = 0; i < count; ++i)
        target[i] |= load_bits(base, run.bit_offset + i * run.bit_stride, run.width) << run.shift;
    }
  }
}

}  // namespace trireme

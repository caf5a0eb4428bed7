#include "backends/cpu/quantized/panel.h"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace trireme::cpu::quantized {
namespace {

struct Parts {
  int8_t* codes;
  float* scales;
  int32_t* offsets;
  float* sums;
};

Parts parts_of(std::byte* scratch, int64_t columns, int width) {
  const size_t groups = size_t(columns / kActGroup), wide = size_t(width);
  auto* codes = reinterpret_cast<int8_t*>(scratch);
  auto* scales = reinterpret_cast<float*>(scratch + size_t(columns) * wide);
  auto* offsets = reinterpret_cast<int32_t*>(scales + groups * wide);
  return {codes, scales, offsets, reinterpret_cast<float*>(offsets + 2 * groups * wide)};
}

int32_t sum_of_16(const int8_t* codes) {
#if defined(__SSE2__)
  // Differences to -128 are what the instruction can add.
  const __m128i bytes = _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)), _mm_set1_epi8(-128));
  const __m128i halves = _mm_sad_epu8(bytes, _mm_setzero_si128());
  return _mm_cvtsi128_si32(_mm_add_epi32(halves, _mm_unpackhi_epi64(halves, halves))) - 16 * 128;
#else
  int32_t sum = 0;
  for (int i = 0; i < 16; ++i) sum += codes[i];
  return sum;
#endif
}

// Offsets and sums of one column; entries are kWidth apart.
template <int kWidth>
void fill_corrections(const int8_t* codes, const int32_t* sums, int64_t groups, const PanelNeeds& needs,
                      int32_t* offsets, float* floats) {
  const auto put = [&](int64_t at, int32_t sum) {
    if (needs.offset.exists) offsets[at * kWidth] = -needs.offset.value * sum;
    if (needs.sums) floats[at * kWidth] = float(sum);
  };
  if (!needs.offset.exists && !needs.sums) return;
  if (needs.group == kActGroup) {
    for (int64_t group = 0; group < groups; ++group) put(group, sums[group]);
    return;
  }
  for (int64_t group = 0; group < groups; ++group) {
    const int32_t first = sum_of_16(codes + group * kActGroup);
    put(2 * group, first);
    put(2 * group + 1, sums[group] - first);
  }
}

template <int kWidth>
Panel fill_panel(const Q8Rows& rows, int count, const PanelNeeds& needs, std::byte* scratch) {
  const int64_t groups = rows.columns / kActGroup;
  const Parts parts = parts_of(scratch, rows.columns, kWidth);
  for (int column = 0; column < count; ++column) {
    const std::byte* row = rows.row(column);
    const auto* codes = reinterpret_cast<const int8_t*>(row);
    const auto* scales = reinterpret_cast<const float*>(row + rows.columns);
    const auto* sums = reinterpret_cast<const int32_t*>(scales + groups);
    fill_corrections<kWidth>(codes, sums, groups, needs, parts.offsets + column, parts.sums + column);
    if (kWidth == 1) return {codes, scales, parts.offsets, parts.sums};
    for (int64_t group = 0; group < groups; ++group) {
      std::memcpy(parts.codes + (group * kWidth + column) * kActGroup, codes + group * kActGroup, kActGroup);
      parts.scales[group * kWidth + column] = scales[group];
    }
  }
  for (int column = count; column < kWidth; ++column) {
    for (int64_t group = 0; group < groups; ++group) {
      std::memset(parts.codes + (group * kWidth + column) * kActGroup, 0, kActGroup);
      parts.scales[group * kWidth + column] = 0;
    }
    for (int64_t i = 0; i < 2 * groups; ++i) {
      parts.offsets[i * kWidth + column] = 0;
      parts.sums[i * kWidth + column] = 0;
    }
  }
  return {parts.codes, parts.scales, parts.offsets, parts.sums};
}

}  // namespace

size_t panel_bytes(int64_t columns) {
  const size_t bytes = size_t(kMaxWidth) * (size_t(columns) + size_t(columns / kActGroup) * 4 * (1 + 2 + 2));
  return (bytes + 63) / 64 * 64;
}

Panel make_panel(const Q8Rows& rows, int count, int width, const PanelNeeds& needs, std::byte* scratch) {
  switch (width) {
    case 1: return fill_panel<1>(rows, count, needs, scratch);
    case 4: return fill_panel<4>(rows, count, needs, scratch);
    default: return fill_panel<kMaxWidth>(rows, count, needs, scratch);
  }
}

}  // namespace trireme::cpu::quantized

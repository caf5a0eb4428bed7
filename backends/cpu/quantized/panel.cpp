#include "backends/cpu/quantized/panel.h"

#include <cstring>

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

// Offsets and sums of one column; entries are `width` apart.
void fill_corrections(const int8_t* codes, const int32_t* sums, int64_t groups, int width,
                      const PanelNeeds& needs, int32_t* offsets, float* floats) {
  const auto put = [&](int64_t at, int32_t sum) {
    if (needs.offset != 0) offsets[at * width] = -needs.offset * sum;
    if (needs.sums) floats[at * width] = float(sum);
  };
  for (int64_t group = 0; group < groups; ++group) {
    if (needs.group == kActGroup) {
      put(group, sums[group]);
      continue;
    }
    int32_t first = 0;
    for (int i = 0; i < kActGroup / 2; ++i) first += codes[group * kActGroup + i];
    put(2 * group, first);
    put(2 * group + 1, sums[group] - first);
  }
}

}  // namespace

size_t panel_bytes(int64_t columns) {
  const size_t bytes = size_t(kMaxWidth) * (size_t(columns) + size_t(columns / kActGroup) * 4 * (1 + 2 + 2));
  return (bytes + 63) / 64 * 64;
}

Panel make_panel(const Q8Rows& rows, int count, int width, const PanelNeeds& needs, std::byte* scratch) {
  const int64_t groups = rows.columns / kActGroup;
  const Parts parts = parts_of(scratch, rows.columns, width);
  for (int column = 0; column < width; ++column) {
    if (column >= count) {
      for (int64_t group = 0; group < groups; ++group) {
        std::memset(parts.codes + (group * width + column) * kActGroup, 0, kActGroup);
        parts.scales[group * width + column] = 0;
      }
      for (int64_t i = 0; i < 2 * groups; ++i) {
        parts.offsets[i * width + column] = 0;
        parts.sums[i * width + column] = 0;
      }
      continue;
    }
    const std::byte* row = rows.data + size_t(column) * rows.row_bytes();
    const auto* codes = reinterpret_cast<const int8_t*>(row);
    const auto* scales = reinterpret_cast<const float*>(row + rows.columns);
    const auto* sums = reinterpret_cast<const int32_t*>(scales + groups);
    fill_corrections(codes, sums, groups, width, needs, parts.offsets + column, parts.sums + column);
    if (width == 1) return {codes, scales, parts.offsets, parts.sums};
    for (int64_t group = 0; group < groups; ++group) {
      std::memcpy(parts.codes + (group * width + column) * kActGroup, codes + group * kActGroup, kActGroup);
      parts.scales[group * width + column] = scales[group];
    }
  }
  return {parts.codes, parts.scales, parts.offsets, parts.sums};
}

}  // namespace trireme::cpu::quantized

// Panel: a few rows of quantised activations, laid out in the order in which a micro kernel reads them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cpu/quantized/codec.h"

namespace trireme::cpu::quantized {

constexpr int kMaxWidth = 8;  // columns of the widest panel

// Columns are rows of activations, interleaved by group of 32 along K; C of them.
struct Panel {
  const int8_t* codes = nullptr;     // [K / 32][C][32]
  const float* scales = nullptr;     // [K / 32][C]
  const int32_t* offsets = nullptr;  // [K / group][C]: -offset * sum of the codes; unset without an offset
  const float* sums = nullptr;       // [K / group][C]: sums of the codes; unset without minima
};

// Rows of Q8_ACT[.., K].
struct Q8Rows {
  const std::byte* data;
  int64_t columns;                   // K
  const int32_t* numbers = nullptr;  // of the rows, where they do not follow one another

  const std::byte* row(int64_t i) const { return data + size_t(numbers == nullptr ? i : numbers[i]) * row_bytes(); }
  size_t row_bytes() const { return size_t(columns) + size_t(columns) / kActGroup * 8; }
};

// What codes are too large by; a kernel that has none reads no offsets.
struct CodeOffset {
  bool exists = false;
  int value = 0;
  bool operator==(const CodeOffset&) const = default;
};

// What a micro kernel asks of its panels.
struct PanelNeeds {
  int group = kActGroup;  // of the weight: 16 or 32
  CodeOffset offset{};
  bool sums = false;
  bool operator==(const PanelNeeds&) const = default;
};

// Scratch bytes for the widest panel of K columns.
size_t panel_bytes(int64_t columns);

// A panel of `width` columns, the first `count` of them from these rows and the rest zero. With one column codes
// and scales stay where they are. `scratch` is 64-byte aligned and holds panel_bytes(K).
Panel make_panel(const Q8Rows& rows, int count, int width, const PanelNeeds& needs, std::byte* scratch);

}  // namespace trireme::cpu::quantized

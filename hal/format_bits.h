// Reading of packed bits. Private to the decoder.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hal/format_plan.h"

namespace trireme {

// `width` bits, 1 to 32, from bit `address` of base.
uint32_t load_bits(const std::byte* base, int64_t address, int width);

// Assembles the entries [0, entries) of the runs; `base` is where their section's part of the span begins.
void gather(const BitRuns& runs, const std::byte* base, int64_t entries, uint32_t* out);

}  // namespace trireme

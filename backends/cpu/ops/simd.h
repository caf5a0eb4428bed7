// Which of Highway's targets the kernels are built for. Include before any other Highway header.
#pragma once

// SSSE3 without SSE4 is no machine of today, and scalable vectors cannot be members of arrays, which the register
// tiles are made of; both fall back to the next target.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

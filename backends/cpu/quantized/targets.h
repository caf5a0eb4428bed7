// Which instruction sets the integer kernels are compiled for. Included before any of Highway's headers.
#pragma once

#define HWY_WANT_AVX3_DL  // AVX-512 with VNNI
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

// Target: what a programmable device's kernels are written for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hal/matrix_tile.h"

namespace trireme {

enum class TargetLanguage : uint8_t {
  kOpenClC,
  kSpirV,
  kKernelText,  // the text form of compiler/kernel/, for an interpreter
};

struct Target {
  TargetLanguage language = TargetLanguage::kOpenClC;
  int version = 120;  // OpenCL C 1.2: 120; SPIR-V 1.3: 103
  // What compiled kernels depend on besides their source: device, driver and its version.
  std::string build_key;

  uint32_t compute_units = 1;
  uint32_t max_group_size = 64;
  uint32_t shared_bytes = 16384;
  uint64_t max_buffer_bytes = 0;  // of one bound range
  uint32_t max_buffers = 16;      // that a kernel is given
  uint32_t subgroup_size = 0;     // that every group is surely cut into; 0: kernels may not rely on any
  bool small_stores = false;      // 8- and 16-bit elements of buffers can be loaded and stored
  bool integer_dot = false;       // a dot product of four int8 is one instruction
  bool exact_division = false;    // of f32 is correctly rounded, for results in the normal range
  // That subgroups multiply by one instruction. No driver here has such units: kernels with them are run on the
  // interpreter alone, and no backend sets it.
  std::optional<MatrixTile> matrix = {};
  uint32_t vector_lanes = 1;        // of f32 that an item should compute with at once: 1, 2, 4, 8 or 16
  bool compiler_may_abort = false;  // building may end the process or never return: best done in another one
  bool concurrent_builds = false;   // kernels may be built and loaded on several threads at once
  bool repacks_weights = false;     // it brings weights into their layout itself: its memory is not the host's
  bool fetches_texels = false;      // words that are only read come faster as texels of a buffer than from memory
  bool software = false;            // an emulated accelerator: work items are lanes or turns of a loop on a processor
};

}  // namespace trireme

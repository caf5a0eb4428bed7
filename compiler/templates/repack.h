// Repacking: kernels that bring rows from a format's own bytes into the planes of a WeightLayout, bit for bit what
// pack_rows() writes.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "compiler/templates/format_reader.h"
#include "compiler/templates/weight_layout.h"

namespace trireme::compiler {

// Why the host packs the weight in this layout for the target; empty where the device does.
std::optional<std::string> why_packed_by_host(const TensorDesc& weight, const WeightLayout& layout,
                                              const Target& target);

// Rows that are uploaded and repacked at once: whole tiles, of at most kRepackChunkBytes and of what the target binds,
// or the fewest there are.
inline constexpr uint64_t kRepackChunkBytes = 4 << 20;
inline constexpr uint64_t kRepackChunks = 2;  // of which one is filled while the device reads the other
int64_t repack_chunk_rows(const Format& format, int64_t columns, const Target& target);

// Writes one plane. Its buffers are the stored rows, with a word behind them; FormatTables::words, where the format has
// any; and the plane. Shapes are launch constants: one kernel serves every weight of the format and layout.
struct RepackKernel {
  kernel::Function function;
  int64_t columns = 0;    // that each item's number is of: 32, or those of a factor
  int64_t rows_word = 1;  // rows that share a word of the plane
};

// One for each plane of the layout. Errors: kInternal when a kernel does not verify.
Result<std::vector<RepackKernel>> write_repack(const Format& format, const FormatTables& tables,
                                               const WeightLayout& layout);

struct RepackLaunch {
  std::array<uint32_t, 3> groups = {1, 1, 1};
  std::array<uint32_t, 4> words = {};
};
// Of `rows` rows that become those of the plane from row `first` on, a multiple of kTileRows.
RepackLaunch repack_launch(const RepackKernel& kernel, const Format& format, int64_t first, int64_t rows,
                           int64_t columns);

}  // namespace trireme::compiler

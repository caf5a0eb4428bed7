// WeightLayout: how a constant lies in the memory of a programmable device, the same for all uses.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hal/format.h"
#include "hal/prepared.h"
#include "hal/target.h"

namespace trireme::compiler {

// Rows whose words lie side by side, so that neighbouring work items read neighbouring words. Rows are filled up to it.
inline constexpr int64_t kTileRows = 32;
// Columns of a block in a tile.
inline constexpr int64_t kBlockColumns = 32;
// Words of a row of floats that are read at once.
inline constexpr uint32_t kFloatWords = 4;

// Planes in tiles hold, for each tile of rows and each block of 32 columns or each group, the tile's rows side by side:
// word by word, or where items have rows of their own four words of a row together, which are one load.
enum class WeightKind : uint8_t {
  kRows,     // plane 0: f32, or f16 or bf16 two a word, row after row, as stored
  kFloats,   // plane 0: the same words in tiles
  kInteger,  // in tiles, plane 0: codes less `lowest`, signed where they have 8 bits, plane 1: a scale for each group,
             // f16 or f32, plane 2: minima, if any. Factors in two levels have plane 1: whole numbers, a byte each, a
             // minimum's after its scale's, plane 2: f16 for each block, a minimum's after its scale's
};

struct WeightLayout {
  WeightKind kind = WeightKind::kRows;
  const Format* format = nullptr;  // of the elements in plane 0, unless they are codes

  int bits = 8;              // of a code: 2, 4 or 8, or of a float
  int lowest = 0;            // code + lowest is the format's own code
  int together = 1;          // words of a row that lie side by side
  int64_t group = 32;        // elements that share a scale: 16 or 32
  bool half_scales = false;  // scales are f16
  bool has_minimum = false;
  std::optional<FactorLevels> scale_levels;  // of both factors or none; only where an item has one lane
  FactorLevels minimum_levels;
  int planes() const { return kind != WeightKind::kInteger ? 1 : has_minimum || scale_levels ? 3 : 2; }
};

// Whether rows of so many columns lie in tiles: rows of whole blocks do.
bool in_tiles(int64_t columns);

// The layout that a constant gets on a target. What neither are f32, f16 or bf16 nor integer codes in rows of whole
// blocks becomes f32.
WeightLayout weight_layout(const TensorDesc& desc, const Target& target);
// The same by use: vectors are f32, whatever they were, and kernels read them as such.
WeightLayout weight_layout(const TensorDesc& desc, WeightUse use, const Target& target);

// Bytes of each plane for [rows, columns].
std::vector<uint64_t> plane_bytes(const WeightLayout& layout, int64_t rows, int64_t columns);

// Rows of a weight.
struct RowPart {
  uint32_t first = 0;
  uint32_t count = 0;

  bool operator==(const RowPart&) const = default;
};

// The weight in parts of whose planes the target can bind each. All but the last have as many rows.
// Errors: kUnsupported when a plane has too many bytes for the fewest rows that a part can have.
Result<std::vector<RowPart>> row_parts(const TensorDesc& weight, const Target& target);
// What a part has of a plane.
struct PlanePart {
  uint64_t offset = 0;  // a multiple of kBindingAlignment
  uint64_t bytes = 0;
};
PlanePart plane_part(const WeightLayout& layout, const RowPart& part, int64_t columns, int plane);

// Writes rows [first, first + count) of the tensor into the planes' bytes, which begin at row `first`.
Status pack_rows(const WeightLayout& layout, const HostTensor& tensor, int64_t first, int64_t count,
                 const std::vector<std::span<std::byte>>& planes);

}  // namespace trireme::compiler

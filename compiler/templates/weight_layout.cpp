#include "compiler/templates/weight_layout.h"

#include <algorithm>

namespace trireme::compiler {
namespace {

constexpr int64_t kPartGrain = 256;  // rows that fill a binding's alignment in every plane

// Whether every scale of the format is one f16 as it is.
bool has_half_scales(const Format& format) {
  return format.scale.size() == 1 && format.scale[0].type == NumberType::kF16 && format.scale[0].multiplier == 1.0f &&
         format.scale[0].offset == 0.0f && !format.scale[0].reciprocal && format.codes.table.empty() &&
         format.codes.multiplier == 1;
}

WeightLayout float_layout(const Format& format, int64_t columns, const Target& target) {
  WeightLayout layout;
  layout.format = &format;
  if (!in_tiles(columns)) return layout;
  layout.kind = WeightKind::kFloats;
  layout.bits = &format == &formats::f32() ? 32 : 16;
  layout.together = target.vector_lanes > 1 ? 1 : int(kFloatWords);
  return layout;
}

int64_t padded(int64_t rows) { return (rows + kTileRows - 1) / kTileRows * kTileRows; }

}  // namespace

bool in_tiles(int64_t columns) { return columns % kBlockColumns == 0; }

WeightLayout weight_layout(const TensorDesc& desc, const Target& target) {
  const Format& format = *desc.format;
  const int64_t columns = desc.shape.back();
  if (&format == &formats::f32() || &format == &formats::f16() || &format == &formats::bf16())
    return float_layout(format, columns, target);
  const auto codes = integer_codes(format);
  if (!codes || !in_tiles(columns)) return float_layout(formats::f32(), columns, target);
  WeightLayout layout;
  layout.format = &format;
  layout.kind = WeightKind::kInteger;
  const int span = codes->highest - codes->lowest;
  layout.bits = span <= 3 ? 2 : span <= 15 ? 4 : 8;
  layout.lowest = layout.bits == 8 ? 0 : codes->lowest;
  layout.together = target.vector_lanes > 1 ? 1 : std::min(4, layout.bits);
  layout.group = codes->group;
  layout.has_minimum = codes->has_minimum;
  layout.half_scales = has_half_scales(format);
  if (target.vector_lanes > 1) return layout;  // to a processor's vectors, bytes saved are worth less than conversions
  const auto scale = factor_levels(format, Factor::kScale), minimum = factor_levels(format, Factor::kMinimum);
  if (scale && (!layout.has_minimum || (minimum && minimum->columns == scale->columns))) {
    layout.scale_levels = scale;
    if (minimum) layout.minimum_levels = *minimum;
  }
  return layout;
}

WeightLayout weight_layout(const TensorDesc& desc, WeightUse use, const Target& target) {
  if (use != WeightUse::kVector) return weight_layout(desc, target);
  WeightLayout layout;
  layout.format = &formats::f32();
  return layout;
}

std::vector<uint64_t> plane_bytes(const WeightLayout& layout, int64_t rows, int64_t columns) {
  const auto words = [](int64_t bytes) { return uint64_t((bytes + 3) / 4 * 4); };
  if (layout.kind == WeightKind::kRows) return {words(layout.format->tensor_bytes(rows, columns))};
  if (layout.kind == WeightKind::kFloats) return {words(layout.format->tensor_bytes(padded(rows), columns))};
  const int64_t groups = padded(rows) * (columns / layout.group), factors = layout.has_minimum ? 2 : 1;
  if (layout.scale_levels)
    return {words(padded(rows) * columns * layout.bits / 8), words(groups * factors),
            words(padded(rows) * (columns / layout.scale_levels->columns) * factors * 2)};
  std::vector<uint64_t> bytes = {words(padded(rows) * columns * layout.bits / 8),
                                 words(groups * (layout.half_scales ? 2 : 4))};
  if (layout.has_minimum) bytes.push_back(words(groups * 4));
  return bytes;
}

Result<std::vector<RowPart>> row_parts(const TensorDesc& weight, const Target& target) {
  const WeightLayout layout = weight_layout(weight, target);
  // Words are counted in 32 bits.
  const uint64_t most_bytes =
      target.max_buffer_bytes > 0 ? std::min<uint64_t>(target.max_buffer_bytes, UINT32_MAX) : UINT32_MAX;
  const int64_t rows = weight.shape.rows(), columns = weight.shape.back();
  const auto largest = [&](int64_t count) {
    const std::vector<uint64_t> bytes = plane_bytes(layout, count, columns);
    return *std::max_element(bytes.begin(), bytes.end());
  };
  if (largest(rows) <= most_bytes) return std::vector<RowPart>{{0, uint32_t(rows)}};
  const int64_t grains = int64_t(most_bytes / largest(kPartGrain));
  if (grains == 0)
    return fail(ErrorCode::kUnsupported, "a weight of " + std::to_string(columns) + " columns",
                std::to_string(kPartGrain) + " rows have " + std::to_string(largest(kPartGrain)) +
                    " bytes, and the device binds at most " + std::to_string(most_bytes));
  std::vector<RowPart> parts;
  for (int64_t first = 0; first < rows; first += grains * kPartGrain)
    parts.push_back({uint32_t(first), uint32_t(std::min(grains * kPartGrain, rows - first))});
  return parts;
}

PlanePart plane_part(const WeightLayout& layout, const RowPart& part, int64_t columns, int plane) {
  return {part.first == 0 ? 0 : plane_bytes(layout, part.first, columns)[size_t(plane)],
          plane_bytes(layout, part.count, columns)[size_t(plane)]};
}

}  // namespace trireme::compiler

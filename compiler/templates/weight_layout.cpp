#include "compiler/templates/weight_layout.h"

#include <algorithm>

namespace trireme::compiler {

using kernel::Builder;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

namespace {

constexpr int64_t kBlock = 32;
constexpr uint32_t kFloatWords = 4;  // of a row, that are read at once
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

bool in_tiles(int64_t columns) { return columns % kBlock == 0; }

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
  const uint64_t most_bytes = target.max_buffer_bytes;
  const int64_t rows = weight.shape.rows(), columns = weight.shape.back();
  const auto largest = [&](int64_t count) {
    const std::vector<uint64_t> bytes = plane_bytes(layout, count, columns);
    return *std::max_element(bytes.begin(), bytes.end());
  };
  if (most_bytes == 0 || largest(rows) <= most_bytes) return std::vector<RowPart>{{0, uint32_t(rows)}};
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

Term WeightReader::small_at(uint32_t buffer, Term index, uint32_t bits) const {
  const uint32_t shift = bits == 8 ? 2 : 1;  // from a number's index to its word's
  const Term word = b_.load(buffer, index >> shift, kernel::kU32);
  return (word >> ((index & ((1u << shift) - 1)) << (bits == 8 ? 3u : 4u))) & ((1u << bits) - 1);
}

Term WeightReader::half_at(uint32_t buffer, Term index, uint32_t lanes) const {
  if (lanes == 1) return half_to_float(small_at(buffer, index, 16));
  return half_to_float(convert(b_.load(buffer, index, {Scalar::kU16, int(lanes)}), Scalar::kU32));
}

// Where word `word` of a block lies, of row `lane` of a tile.
Term WeightReader::word_place(Term tile, Term lane, Term block, Term word) const {
  const auto bits = uint32_t(layout_.bits), together = uint32_t(layout_.together);
  const Term first = (tile * uint32_t(columns_ / kBlock) + block) * (bits << 5u);
  const Term strip = first + word / together * (together << 5u), own = strip + lane * together;
  return own + word % together;
}

// Of a word of f16 or bf16, the lower or the upper one.
Term WeightReader::float_of(uint32_t buffer, Term index, Term place) const {
  const Term bits = b_.load(buffer, index, kernel::kU32) >> (place << 4u);
  return layout_.format == &formats::f16() ? half_to_float(bits & 0xffffu) : bitcast(bits << 16u, Scalar::kF32);
}

// The floats of a word, or of a vector of words.
Terms WeightReader::floats_of(Term words) const {
  if (layout_.format == &formats::f32()) return {bitcast(words, Scalar::kF32)};
  if (layout_.format == &formats::bf16())
    return {bitcast(words << 16u, Scalar::kF32), bitcast(words & 0xffff0000u, Scalar::kF32)};
  return {half_to_float(words & 0xffffu), half_to_float(words >> 16u)};
}

Term WeightReader::element(Term row, Term column) const {
  const bool is_f32 = layout_.format == &formats::f32();
  if (layout_.kind == WeightKind::kRows) {
    const Term index = row * uint32_t(columns_) + column;
    return is_f32 ? b_.load(planes_[0], index, kernel::kF32) : float_of(planes_[0], index >> 1u, index & 1u);
  }
  const Term tile = row >> 5u, lane = row & 31u, block = column >> 5u, in_block = column & 31u;
  if (layout_.kind == WeightKind::kFloats) {
    const Term place = word_place(tile, lane, block, is_f32 ? in_block : in_block >> 1u);
    return is_f32 ? b_.load(planes_[0], place, kernel::kF32) : float_of(planes_[0], place, in_block & 1u);
  }
  const auto bits = uint32_t(layout_.bits), per_byte = 8 / bits;
  const Term quad = in_block >> 2u;
  const Term place = word_place(tile, lane, block, quad / per_byte);
  const Term shift = ((in_block & 3u) << 3u) + (quad % per_byte) * bits;
  const Term packed = b_.load(planes_[0], place, kernel::kU32) >> shift;
  const Term code = bits == 8 ? extract_bits(bitcast(packed, Scalar::kI32), 0, 8)
                              : bitcast(packed & ((1u << bits) - 1), Scalar::kI32) + b_.i32(layout_.lowest);
  const Term value = convert(code, Scalar::kF32);
  const Factors own = factors(tile, lane, column / uint32_t(layout_.group));
  return layout_.has_minimum ? value * own.scale + own.minimum : value * own.scale;
}

uint32_t WeightReader::float_columns() const {
  if (layout_.kind == WeightKind::kInteger) return uint32_t(kBlock);
  return kFloatWords * 32 / uint32_t(layout_.bits);
}

Terms WeightReader::floats(Term tile, Term rows, Term part, uint32_t lanes) const {
  if (layout_.kind == WeightKind::kInteger) return decoded_block(tile, rows, part, lanes);
  const auto step = uint32_t(kTileRows) / lanes, loads = kFloatWords / uint32_t(layout_.together);
  const Term first = (tile * (uint32_t(columns_) / float_columns()) + part) * (loads * step) + rows;
  const int width = int(std::max(lanes, uint32_t(layout_.together)));  // either lanes are rows, or words of a row
  Terms values;
  for (uint32_t i = 0; i < loads; ++i) {
    const Term loaded = b_.load(planes_[0], first + i * step, kernel::kU32.with_lanes(width));
    for (int word = 0; word < layout_.together; ++word)
      for (const Term& value : floats_of(layout_.together == 1 ? loaded : extract(loaded, uint32_t(word))))
        values.push_back(value);
  }
  return values;
}

Terms WeightReader::decoded_block(Term tile, Term rows, Term block, uint32_t lanes) const {
  const Terms words = code_words(tile, rows, block, lanes);
  const auto groups = uint32_t(kBlock / layout_.group);
  Terms values;
  for (uint32_t g = 0; g < groups; ++g) {
    const Factors own = factors(tile, rows, block * groups + g, lanes);
    for (uint32_t i = 0; i < uint32_t(layout_.group); ++i) {
      const Term word = words[(g * uint32_t(layout_.group) + i) / 4];
      const uint32_t shift = i % 4 * 8;
      const Term code = layout_.bits == 8 ? extract_bits(bitcast(word, Scalar::kI32), shift, 8)
                                          : bitcast((word >> shift) & 0xffu, Scalar::kI32) + uint32_t(layout_.lowest);
      const Term value = convert(code, Scalar::kF32) * own.scale;
      values.push_back(layout_.has_minimum ? value + own.minimum : value);
    }
  }
  return values;
}

Terms WeightReader::code_words(Term tile, Term rows, Term block, uint32_t lanes) const {
  const auto step = uint32_t(kTileRows) / lanes, together = uint32_t(layout_.together);
  const Term first = (tile * uint32_t(columns_ / kBlock) + block) * (uint32_t(layout_.bits) / together * step) + rows;
  Term loaded;
  const int per_byte = 8 / layout_.bits;
  const uint32_t mask = layout_.bits == 8 ? 0xffffffffu : layout_.bits == 4 ? 0x0f0f0f0fu : 0x03030303u;
  Terms words;
  for (int word = 0; word < layout_.bits; ++word) {
    // Either lanes are rows, or they are the words that lie together.
    if (word % layout_.together == 0)
      loaded = b_.load(planes_[0], first + uint32_t(word) / together * step,
                       kernel::kU32.with_lanes(int(std::max(lanes, together))));
    const Term packed = together == 1 ? loaded : extract(loaded, uint32_t(word) % together);
    for (int part = 0; part < per_byte; ++part) words.push_back((packed >> uint32_t(part * layout_.bits)) & mask);
  }
  return words;
}

Term WeightReader::place_of(Term tile, Term rows, Term index, int64_t columns, uint32_t lanes) const {
  return (tile * uint32_t(columns_ / columns) + index) * (uint32_t(kTileRows) / lanes) + rows;
}

WeightReader::Factors WeightReader::factors(Term tile, Term rows, Term index, uint32_t lanes) const {
  if (layout_.scale_levels) return leveled_factors(tile, rows, index);
  const Term at = place_of(tile, rows, index, layout_.group, lanes);
  const kernel::Type type = kernel::kF32.with_lanes(int(lanes));
  Factors own;
  own.scale = layout_.half_scales ? half_at(planes_[1], at, lanes) : b_.load(planes_[1], at, type);
  if (layout_.has_minimum) own.minimum = b_.load(planes_[2], at, type);
  return own;
}

// An f16 times a byte has no more bits than f32: the products are what the format says, in any order.
WeightReader::Factors WeightReader::leveled_factors(Term tile, Term row, Term index) const {
  const auto number = [](Term whole, const FactorLevels& levels) {
    Term value = convert(whole, Scalar::kF32);
    if (levels.lowest != 0) value = value + like(value, float(levels.lowest));
    return levels.negative ? -value : value;
  };
  const FactorLevels& scale = *layout_.scale_levels;
  const Term at = place_of(tile, row, index, layout_.group, 1),
             block = place_of(tile, row, index / uint32_t(scale.columns / layout_.group), scale.columns, 1);
  if (!layout_.has_minimum) return {half_at(planes_[2], block) * number(small_at(planes_[1], at, 8), scale), {}};
  const Term wholes = small_at(planes_[1], at, 16), halves = b_.load(planes_[2], block, kernel::kU32);
  return {half_to_float(halves & 0xffffu) * number(wholes & 0xffu, scale),
          half_to_float(halves >> 16u) * number(wholes >> 8u, layout_.minimum_levels)};
}

}  // namespace trireme::compiler

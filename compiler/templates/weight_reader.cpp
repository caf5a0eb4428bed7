#include "compiler/templates/weight_reader.h"

#include <algorithm>

namespace trireme::compiler {

using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

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
  const Term first = (tile * uint32_t(columns_ / kBlockColumns) + block) * (bits << 5u);
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
  if (layout_.kind == WeightKind::kInteger) return uint32_t(kBlockColumns);
  return kFloatWords * 32 / uint32_t(layout_.bits);
}

Terms WeightReader::floats(Term tile, Term rows, Term part, uint32_t lanes) const {
  if (layout_.kind == WeightKind::kInteger) return decoded_block(tile, rows, part, lanes);
  Terms values;
  for (const Term& word : words_of(tile, rows, part, float_columns(), kFloatWords, lanes))
    for (const Term& value : floats_of(word)) values.push_back(value);
  return values;
}

Terms WeightReader::decoded_block(Term tile, Term rows, Term block, uint32_t lanes) const {
  const Terms words = code_words(tile, rows, block, lanes);
  const auto groups = uint32_t(kBlockColumns / layout_.group);
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

// The `count` words that rows of a tile have of each `columns` columns, of part `part` of them.
Terms WeightReader::words_of(Term tile, Term rows, Term part, uint32_t columns, uint32_t count, uint32_t lanes) const {
  const auto step = uint32_t(kTileRows) / lanes, together = uint32_t(layout_.together);
  const Term first = (tile * (uint32_t(columns_) / columns) + part) * (count / together * step) + rows;
  Term loaded;
  Terms words;
  for (uint32_t word = 0; word < count; ++word) {
    // Either lanes are rows, or they are the words that lie together.
    if (word % together == 0)
      loaded =
          b_.load(planes_[0], first + word / together * step, kernel::kU32.with_lanes(int(std::max(lanes, together))));
    words.push_back(together == 1 ? loaded : extract(loaded, word % together));
  }
  return words;
}

Terms WeightReader::code_words(Term tile, Term rows, Term block, uint32_t lanes) const {
  const int per_byte = 8 / layout_.bits;
  const uint32_t mask = layout_.bits == 8 ? 0xffffffffu : layout_.bits == 4 ? 0x0f0f0f0fu : 0x03030303u;
  Terms words;
  for (const Term& packed : words_of(tile, rows, block, uint32_t(kBlockColumns), uint32_t(layout_.bits), lanes))
    for (int part = 0; part < per_byte; ++part) words.push_back((packed >> uint32_t(part * layout_.bits)) & mask);
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

#include "compiler/templates/attention_pieces.h"

namespace trireme::compiler {

using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

Term Piece::place(Term column) const {
  if (vectors == 1) return column;
  const Term inside = column % width();
  return column - inside + (inside & 1u) * lanes + (inside >> 1u);
}

Terms Piece::load(CallBuilder& b, const AttentionShape& shape, uint32_t cache, Term number) const {
  if (!shape.half) return {b.load(cache, number, {Scalar::kF32, int(lanes)})};
  if (vectors == 2) {
    const Term words = b.load(cache, number, {Scalar::kU32, int(lanes)});
    return {half_to_float(words & 0xffffu), half_to_float(words >> 16u)};
  }
  if (!shape.words) return {half_to_float(convert(b.load(cache, number, kernel::kU16), Scalar::kU32))};
  const Term word = b.load(cache, number >> 1u, kernel::kU32);
  return {half_to_float((word >> ((number & 1u) << 4u)) & b.u32(0xffff))};
}

Terms Piece::load_query(CallBuilder& b, uint32_t q, Term start, Term number) const {
  const Term first = start / 4u + number * vectors;
  Terms loaded;
  for (uint32_t vector = 0; vector < vectors; ++vector)
    loaded.push_back(b.load(q, first + vector, kernel::kF32.with_lanes(4)));
  if (vectors == 1) return loaded;
  const auto every_second = [&](uint32_t lane) {
    return kernel::pack({extract(loaded[0], lane), extract(loaded[0], lane + 2), extract(loaded[1], lane),
                         extract(loaded[1], lane + 2)});
  };
  return {every_second(0), every_second(1)};
}

Piece piece_of(const AttentionShape& shape) {
  if (!shape.half) return {shape.columns % 4 == 0 ? 4u : 1u, 1};
  if (shape.columns % 8 == 0) return {4, 2};
  return {1, shape.words && shape.columns % 2 == 0 ? 2u : 1u};
}

}  // namespace trireme::compiler

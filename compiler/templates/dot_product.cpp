#include "compiler/templates/dot_product.h"

namespace trireme::compiler {

using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

namespace {

constexpr uint32_t kActLanes = 4;  // f32 activations of a load

}  // namespace

DotProduct::DotProduct(CallBuilder& b, ActScheme act, const TensorDesc& weight, int input, uint32_t activations,
                       const RowTile& tile, const RowPart& part, const Target& target)
    : b_(b),
      act_(act),
      rows_(part.count),
      columns_(weight.shape.back()),
      layout_(weight_layout(weight, target)),
      x_(activations),
      tile_(tile),
      name_("w" + std::to_string(input)),
      reader_(b, layout_, bind_planes(b, weight, layout_, input, name_, part), columns_) {}

Terms DotProduct::sums(const Terms& x_rows, Term tile, Term item) {
  const Rows rows{tile, item};
  const Terms sums = act_ == ActScheme::kQ8 ? integer_sums(x_rows, rows) : float_sums(x_rows, rows);
  return tile_.splits == 1 ? sums : joined(sums, item);
}

// The sums of all items of a row, in their order.
Terms DotProduct::joined(const Terms& sums, Term item) {
  const auto count = uint32_t(sums.size());
  const uint32_t parts = b_.shared(name_ + "_parts", kernel::kF32, count * tile_.group_size());
  for (uint32_t i = 0; i < count; ++i) b_.store_shared(parts, b_.local_id() + i * tile_.group_size(), sums[i]);
  b_.barrier();
  Terms totals;
  for (uint32_t i = 0; i < count; ++i) {
    const Term first = item + i * tile_.group_size();
    Term total = b_.load_shared(parts, first);
    for (uint32_t split = 1; split < tile_.splits; ++split) {
      const Term part = b_.load_shared(parts, first + split * tile_.items);
      total = total + part;
    }
    totals.push_back(total);
  }
  return totals;
}

// Adds up parts of the columns, of which each split of a row has every so-many-th.
Terms DotProduct::over_parts(uint32_t parts, size_t x_rows, const AddPart& add) {
  const Terms zeros(x_rows * tile_.strips, wide(b_.f32(0)));
  const Term first = tile_.splits == 1 ? b_.u32(0) : b_.local_id() / tile_.items;
  return b_.loop(first, b_.u32(parts), b_.u32(tile_.splits), zeros, add);
}

Terms DotProduct::integer_sums(const Terms& x_rows, const Rows& rows) {
  Terms starts;
  for (const Term& x_row : x_rows) starts.push_back(x_row * uint32_t(q8_row_words(columns_)));
  return over_parts(uint32_t(columns_ / kBlockColumns), x_rows.size(),
                    [&](Term block, const Terms& carried) { return add_block(rows, block, starts, carried); });
}

Terms DotProduct::float_sums(const Terms& x_rows, const Rows& rows) {
  if (layout_.kind == WeightKind::kRows) return stored_sums(x_rows, rows);
  Terms starts;
  for (const Term& x_row : x_rows) starts.push_back(x_row * uint32_t(columns_ / kActLanes));
  return over_parts(uint32_t(columns_) / reader_.float_columns(), x_rows.size(),
                    [&](Term part, const Terms& carried) { return add_floats(rows, part, starts, carried); });
}

Terms DotProduct::add_floats(const Rows& rows, Term part, const Terms& starts, const Terms& carried) {
  std::vector<Terms> weights;  // of each strip
  for (uint32_t strip = 0; strip < tile_.strips; ++strip)
    weights.push_back(reader_.floats(rows.tile, rows.item + strip * tile_.items, part, tile_.lanes));
  const uint32_t loads = reader_.float_columns() / kActLanes;
  Terms next = carried;
  for (size_t i = 0; i < starts.size(); ++i)
    for (uint32_t load = 0; load < loads; ++load) {
      const Term place = starts[i] + part * loads;
      const Term x = b_.load(x_, place + load, kernel::kF32.with_lanes(int(kActLanes)));
      for (uint32_t column = 0; column < kActLanes; ++column) {
        const Term value = wide(extract(x, column));
        for (uint32_t strip = 0; strip < tile_.strips; ++strip) {
          Term& sum = next[i * tile_.strips + strip];
          sum = fused_multiply_add(value, weights[strip][load * kActLanes + column], sum);
        }
      }
    }
  return next;
}

// Rows that do not lie in tiles: an item has one, and takes it column by column.
Terms DotProduct::stored_sums(const Terms& x_rows, const Rows& rows) {
  const Term row = minimum(rows.tile * uint32_t(kTileRows) + rows.item, b_.u32(uint32_t(rows_ - 1)));
  return over_parts(uint32_t(columns_), x_rows.size(), [&](Term column, const Terms& carried) {
    const Term weight = reader_.element(row, column);
    Terms next;
    for (size_t i = 0; i < x_rows.size(); ++i) {
      const Term x = b_.load(x_, x_rows[i] * uint32_t(columns_) + column, kernel::kF32);
      next.push_back(fused_multiply_add(x, weight, carried[i]));
    }
    return next;
  });
}

// Sums of products inside a group are exact integers: of codes, and `lowest` times the activations' own sum. A
// processor's vectors multiply unsigned bytes by signed ones.
Terms DotProduct::add_block(const Rows& rows, Term block, const Terms& starts, const Terms& carried) {
  const auto groups = uint32_t(32 / layout_.group);
  const bool to_unsigned = layout_.bits == 8 && tile_.lanes > 1;
  Terms next = carried;
  std::vector<Terms> words, scales, minima;  // of each strip
  for (uint32_t strip = 0; strip < tile_.strips; ++strip) {
    const Term place = rows.item + strip * tile_.items;
    words.push_back(reader_.code_words(rows.tile, place, block, tile_.lanes));
    if (to_unsigned)
      for (Term& word : words.back()) word = word ^ wide(b_.u32(0x80808080));
    scales.emplace_back();
    minima.emplace_back();
    for (uint32_t g = 0; g < groups; ++g) {
      const WeightReader::Factors factors = reader_.factors(rows.tile, place, block * groups + g, tile_.lanes);
      scales.back().push_back(factors.scale);
      minima.back().push_back(factors.minimum);
    }
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    Terms codes;
    for (uint32_t word = 0; word < 8; ++word)
      codes.push_back(b_.load(x_, starts[i] + (block << 3u) + word, kernel::kU32));
    const Term act_scale = wide(b_.load(x_, starts[i] + uint32_t(columns_ / 4) + block, kernel::kF32));
    Terms totals(tile_.strips, wide(b_.f32(0)));
    for (uint32_t g = 0; g < groups; ++g) {
      const uint32_t first = g * 8 / groups, count = 8 / groups;
      const Term own =
          act_sum(b_, x_, columns_, starts[i], block, Terms(codes.begin() + first, codes.begin() + first + count));
      const Term lowest = wide(own * b_.i32(layout_.lowest - (to_unsigned ? 128 : 0))),
                 own_float = wide(convert(own, Scalar::kF32));
      for (uint32_t strip = 0; strip < tile_.strips; ++strip) {
        Term products = lowest;
        for (uint32_t word = first; word < first + count; ++word)
          products = to_unsigned ? dot4_unsigned(words[strip][word], wide(codes[word]), products)
                                 : dot4_signed(words[strip][word], wide(codes[word]), products);
        Term part = convert(products, Scalar::kF32) * scales[strip][g];
        if (layout_.has_minimum) part = part + own_float * minima[strip][g];
        totals[strip] = g == 0 ? part : totals[strip] + part;
      }
    }
    for (uint32_t strip = 0; strip < tile_.strips; ++strip) {
      Term& sum = next[i * tile_.strips + strip];
      sum = sum + totals[strip] * act_scale;
    }
  }
  return next;
}

Term act_sum(kernel::Builder& b, uint32_t x, int64_t columns, Term start, Term block, const Terms& words) {
  if (words.size() == 8) return b.load(x, start + uint32_t(columns / 4 + columns / 32) + block, kernel::kI32);
  Term sum = b.i32(0);
  for (const Term& word : words) sum = dot4_signed(b.u32(0x01010101), word, sum);
  return sum;
}

}  // namespace trireme::compiler

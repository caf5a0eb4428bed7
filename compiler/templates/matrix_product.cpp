#include "compiler/templates/matrix_product.h"

#include <set>

#include "compiler/templates/dot_product.h"

namespace trireme::compiler {

using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

namespace {

constexpr uint32_t kActColumns = 32;  // columns that share an activation's scale

}  // namespace

std::optional<std::string> matrix_objection(const TensorDesc& weight, ActScheme act, const Target& target) {
  if (!target.matrix) return "the device has no matrix units";
  if (target.subgroup_size != target.matrix->lanes) return "its matrix units are not of its subgroups' size";
  if (act != ActScheme::kQ8) return "its matrix units multiply int8 alone";
  const WeightLayout layout = weight_layout(weight, target);
  if (layout.kind != WeightKind::kInteger) return "the weight has no integer codes";
  if (target.matrix->m > uint32_t(kTileRows)) return "its matrix units take more rows than a tile of the weight has";
  if (target.matrix->k > uint32_t(layout.group)) return "its matrix units take more columns than share a scale";
  return std::nullopt;
}

MatrixProduct::MatrixProduct(CallBuilder& b, const TensorDesc& weight, int input, uint32_t activations, uint32_t tile,
                             const RowPart& part, const Target& target)
    : b_(b),
      matrix_(*target.matrix),
      columns_(weight.shape.back()),
      layout_(weight_layout(weight, target)),
      x_(activations),
      tile_(tile),
      reader_(b, layout_, bind_planes(b, weight, layout_, input, "w" + std::to_string(input), part), columns_) {}

Term MatrixProduct::coordinate(const std::vector<TileDigit>& digits, uint32_t element) {
  uint32_t fixed = 0;
  Term sum = b_.u32(0);
  for (const TileDigit& digit : digits) {
    if (digit.of_element)
      fixed += digit(0, element);
    else
      sum = sum + lane_ / digit.divisor % digit.modulus * digit.stride;
  }
  return sum + fixed;
}

MatrixProduct::Place MatrixProduct::place(const FragmentMap& map, uint32_t element) {
  const Term row = coordinate(map.row, element);
  return {row, coordinate(map.column, element)};
}

// An item's k is known when the kernel is written, or one of a few that depend on the item.
Term MatrixProduct::chosen(const Terms& words, const FragmentMap& map, uint32_t word, uint32_t first_k) {
  std::set<uint32_t> possible;
  for (uint32_t item = 0; item < matrix_.lanes; ++item) possible.insert(map.column_of(item, 4 * word));
  Term value = words[(first_k + *possible.begin()) / 4];
  const Term own = coordinate(map.column, 4 * word);
  for (const uint32_t k : possible)
    if (k != *possible.begin()) value = select(own == k, words[(first_k + k) / 4], value);
  return value;
}

Terms MatrixProduct::left_fragment(Term weight_tile, Term block, uint32_t first_output, uint32_t first_k) {
  Terms fragment;
  for (uint32_t word = 0; word < matrix_.left_words(); ++word) {
    const Term row = coordinate(matrix_.left.row, 4 * word) + first_output;
    fragment.push_back(chosen(reader_.code_words(weight_tile, row, block), matrix_.left, word, first_k));
  }
  return fragment;
}

// Where the group's activation row `column` begins, in words.
Term MatrixProduct::act_start(Term column) {
  return minimum(first_row_ + column, rows_ - 1u) * uint32_t(q8_row_words(columns_));
}

Terms MatrixProduct::right_fragment(Term block, uint32_t first_column, uint32_t first_k) {
  Terms fragment;
  for (uint32_t word = 0; word < matrix_.right_words(); ++word) {
    const Place at = place(matrix_.right, 4 * word);
    const Term k = (at.row + first_k) / 4u;
    fragment.push_back(b_.load(x_, act_start(at.column + first_column) + block * (kActColumns / 4) + k, kernel::kU32));
  }
  return fragment;
}

Term MatrixProduct::group_sum(Term start, Term block, uint32_t group) {
  const auto count = uint32_t(layout_.group / 4);
  Terms words;
  for (uint32_t word = group * count; word < (group + 1) * count; ++word)
    words.push_back(b_.load(x_, start + block * (kActColumns / 4) + word, kernel::kU32));
  return act_sum(b_, x_, columns_, start, block, words);
}

// As DotProduct::add_block. The sums are by rows of matrix tiles of the weight, then of activations, then elements.
Terms MatrixProduct::add_block(Term weight_tile, Term block, const Terms& carried) {
  const auto group = uint32_t(layout_.group), groups = kActColumns / group, elements = matrix_.result.elements;
  Terms next;
  for (uint32_t first_output = 0; first_output < uint32_t(kTileRows); first_output += matrix_.m) {
    std::vector<Terms> left;  // by step along k
    for (uint32_t k = 0; k < kActColumns; k += matrix_.k)
      left.push_back(left_fragment(weight_tile, block, first_output, k));
    for (uint32_t first_column = 0; first_column < tile_; first_column += matrix_.n) {
      Terms totals;
      for (uint32_t g = 0; g < groups; ++g) {
        Terms products(elements, b_.i32(0));
        for (uint32_t k = g * group; k < (g + 1) * group; k += matrix_.k)
          products = b_.matrix_multiply(left[k / matrix_.k], right_fragment(block, first_column, k), products);
        for (uint32_t i = 0; i < elements; ++i) {
          const Place at = place(matrix_.result, i);
          const Term own = group_sum(act_start(at.column + first_column), block, g);
          const WeightReader::Factors factors = reader_.factors(weight_tile, at.row + first_output, block * groups + g);
          Term part = convert(products[i] + own * b_.i32(layout_.lowest), Scalar::kF32) * factors.scale;
          if (layout_.has_minimum) part = part + convert(own, Scalar::kF32) * factors.minimum;
          if (g == 0)
            totals.push_back(part);
          else
            totals[i] = totals[i] + part;
        }
      }
      for (uint32_t i = 0; i < elements; ++i) {
        const Term start = act_start(coordinate(matrix_.result.column, i) + first_column);
        const Term scale = b_.load(x_, start + uint32_t(columns_ / 4) + block, kernel::kF32);
        next.push_back(carried[next.size()] + totals[i] * scale);
      }
    }
  }
  return next;
}

std::vector<MatrixResult> MatrixProduct::results(Term first_row, Term rows, Term weight_tile) {
  lane_ = b_.subgroup_lane();
  first_row_ = first_row;
  rows_ = rows;
  const uint32_t count = uint32_t(kTileRows) / matrix_.m * (tile_ / matrix_.n) * matrix_.result.elements;
  const Terms sums = b_.loop(b_.u32(0), b_.u32(uint32_t(columns_ / kActColumns)), b_.u32(1), Terms(count, b_.f32(0)),
                             [&](Term block, const Terms& carried) { return add_block(weight_tile, block, carried); });
  std::vector<MatrixResult> results;
  for (uint32_t first_output = 0; first_output < uint32_t(kTileRows); first_output += matrix_.m)
    for (uint32_t first_column = 0; first_column < tile_; first_column += matrix_.n)
      for (uint32_t i = 0; i < matrix_.result.elements; ++i) {
        const Place at = place(matrix_.result, i);
        results.push_back({sums[results.size()], at.column + first_column, at.row + first_output});
      }
  return results;
}

}  // namespace trireme::compiler

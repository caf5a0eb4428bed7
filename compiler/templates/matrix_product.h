// MatrixProduct: what DotProduct computes, by the target's matrix tiles: a subgroup multiplies a tile of a weight's
// rows with several activation rows. Integers are exact, and floats come in DotProduct's order: the same bits.
#pragma once

#include <optional>
#include <string>

#include "compiler/templates/call.h"
#include "compiler/templates/weight_reader.h"

namespace trireme::compiler {

// Why products with this weight cannot be written so; nothing when they can.
std::optional<std::string> matrix_objection(const TensorDesc& weight, ActScheme act, const Target& target);

// A result that an item has, and where it stands in the group's tile.
struct MatrixResult {
  kernel::Term value;   // f32
  kernel::Term row;     // of the tile's activation rows
  kernel::Term output;  // of the kTileRows rows of the weight
};

class MatrixProduct {
 public:
  // As DotProduct's. `first_row` is the first of the group's `tile` activation rows of `rows`, a multiple of the matrix
  // tile's n; those past the last are computed like it.
  MatrixProduct(CallBuilder& b, const TensorDesc& weight, int input, uint32_t activations, uint32_t tile,
                const RowPart& part, const Target& target);

  // In uniform control flow: this item's results for a tile of the part.
  std::vector<MatrixResult> results(kernel::Term first_row, kernel::Term rows, kernel::Term weight_tile);

 private:
  struct Place {
    kernel::Term row, column;
  };

  Place place(const FragmentMap& map, uint32_t element);
  kernel::Term coordinate(const std::vector<TileDigit>& digits, uint32_t element);
  // Word `word` of a fragment whose first k is at `first_k` of a block, out of the eight words of the block's row.
  kernel::Term chosen(const kernel::Terms& words, const FragmentMap& map, uint32_t word, uint32_t first_k);
  kernel::Terms left_fragment(kernel::Term weight_tile, kernel::Term block, uint32_t first_output, uint32_t first_k);
  kernel::Terms right_fragment(kernel::Term block, uint32_t first_column, uint32_t first_k);
  kernel::Term act_start(kernel::Term column);
  kernel::Terms add_block(kernel::Term weight_tile, kernel::Term block, const kernel::Terms& carried);
  kernel::Term group_sum(kernel::Term start, kernel::Term block, uint32_t group);

  CallBuilder& b_;
  MatrixTile matrix_;
  int64_t columns_;
  WeightLayout layout_;
  uint32_t x_;
  uint32_t tile_;
  WeightReader reader_;
  kernel::Term lane_{}, first_row_{}, rows_{};
};

}  // namespace trireme::compiler

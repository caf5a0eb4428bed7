// DotProduct: sums of products of a tile of a weight's rows with several activation rows, the core of all matmuls.
#pragma once

#include "compiler/templates/call.h"
#include "compiler/templates/templates.h"
#include "compiler/templates/weight_layout.h"

namespace trireme::compiler {

// How a group shares a tile of kTileRows rows of a weight: row item i has, of strip s, the `lanes` rows that begin at
// (s * items + i) * lanes. On a GPU each has one row, and `splits` items share it, each with every so-many-th block of
// columns, for a gemv has too few rows to keep a GPU's memory busy. Where an item is a thread of a processor, it has
// vectors of rows, and where items are emulated, each has several.
struct RowTile {
  uint32_t items = uint32_t(kTileRows);
  uint32_t lanes = 1;
  uint32_t strips = 1;
  uint32_t splits = 1;

  uint32_t group_size() const { return items * splits; }
  // Of this work item: its row item, and whether it stores what its rows give, if `condition` holds.
  kernel::Term row_item(kernel::Builder& b) const { return splits == 1 ? b.local_id() : b.local_id() % items; }
  kernel::Term stores(kernel::Builder& b, kernel::Term condition) const {
    return splits == 1 ? condition : (b.local_id() < items) & condition;
  }
};

RowTile row_tile(ActScheme act, int64_t columns, const Target& target);

class DotProduct {
 public:
  // `input` is the weight's number among the op's inputs, `activations` the buffer of the rows that it meets.
  DotProduct(CallBuilder& b, ActScheme act, const TensorDesc& weight, int input, uint32_t activations,
             const RowTile& tile, const RowPart& part, const Target& target);

  // In uniform control flow: the sums of this item's rows of tile group_id(0) of the part: for activation row i and
  // strip s, sums[i * strips + s] in f32 with a lane for each row. Rows past the weight's last give any number.
  kernel::Terms sums(const kernel::Terms& x_rows);

 private:
  kernel::Terms integer_sums(const kernel::Terms& x_rows);
  kernel::Terms float_sums(const kernel::Terms& x_rows);
  kernel::Terms joined(const kernel::Terms& sums);
  kernel::Terms add_block(kernel::Term block, const kernel::Terms& starts, const kernel::Terms& carried);
  kernel::Term act_sum(kernel::Term start, kernel::Term block, const kernel::Terms& codes, uint32_t first,
                       uint32_t count);
  kernel::Term wide(kernel::Term value) const { return splat(value, int(tile_.lanes)); }

  CallBuilder& b_;
  ActScheme act_;
  int64_t rows_;
  int64_t columns_;
  WeightLayout layout_;
  uint32_t x_;
  RowTile tile_;
  std::string name_;
  WeightReader reader_;
};

}  // namespace trireme::compiler

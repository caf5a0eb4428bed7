// DotProduct: sums of products of a tile of a weight's rows with several activation rows, the core of all matmuls.
#pragma once

#include <functional>

#include "compiler/templates/call.h"
#include "compiler/templates/matmul_schedule.h"
#include "compiler/templates/templates.h"
#include "compiler/templates/weight_reader.h"

namespace trireme::compiler {

// The sum of the activations' codes in a group of a row of `columns` that begins at word `start` of buffer `x`, in
// block `block` of 32: stored for a whole block, added up from the group's words for less.
kernel::Term act_sum(kernel::Builder& b, uint32_t x, int64_t columns, kernel::Term start, kernel::Term block,
                     const kernel::Terms& words);

class DotProduct {
 public:
  // `input` is the weight's number among the op's inputs, `activations` the buffer of the rows that it meets.
  DotProduct(CallBuilder& b, ActScheme act, const TensorDesc& weight, int input, uint32_t activations,
             const RowTile& tile, const RowPart& part, const Target& target);

  // In uniform control flow: the sums of a row item's rows of a tile of the part: for activation row i and strip s,
  // sums[i * strips + s] in f32 with a lane for each row. Rows past the weight's last give any number.
  kernel::Terms sums(const kernel::Terms& x_rows, kernel::Term tile, kernel::Term item);

 private:
  struct Rows {
    kernel::Term tile, item;
  };
  using AddPart = std::function<kernel::Terms(kernel::Term part, const kernel::Terms& carried)>;
  kernel::Terms over_parts(uint32_t parts, size_t x_rows, const AddPart& add);
  kernel::Terms integer_sums(const kernel::Terms& x_rows, const Rows& rows);
  kernel::Terms float_sums(const kernel::Terms& x_rows, const Rows& rows);
  kernel::Terms stored_sums(const kernel::Terms& x_rows, const Rows& rows);
  kernel::Terms add_floats(const Rows& rows, kernel::Term part, const kernel::Terms& starts,
                           const kernel::Terms& carried);
  kernel::Terms joined(const kernel::Terms& sums, kernel::Term item);
  kernel::Terms add_block(const Rows& rows, kernel::Term block, const kernel::Terms& starts,
                          const kernel::Terms& carried);
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

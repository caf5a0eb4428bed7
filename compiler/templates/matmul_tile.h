// Where the matmul templates put the results of a tile of activation rows by a tile of weight rows.
#pragma once

#include "compiler/templates/call.h"
#include "compiler/templates/matmul_schedule.h"
#include "compiler/templates/matrix_product.h"

namespace trireme::compiler {

struct TileResults {
  uint32_t buffer = 0;   // y
  uint32_t outputs = 1;  // of a row of y
  // The number in its row of the output of the weight tile's first row, in vectors of so many lanes, which divide the
  // outputs of a row. It wraps around where the tile begins before the row of y does.
  std::function<kernel::Term(uint32_t lanes)> first;
  kernel::Terms rows;    // of y, for each activation row of the tile
  kernel::Terms stored;  // whether it is
};

// Writes what a row item has of the tile: `finish(value, row, output)` gives what is stored for outputs beside each
// other, `output` counting vectors of the value's lanes. A vector that is not wholly inside the row is written lane by
// lane.
void store_tile(CallBuilder& b, const RowTile& tile, kernel::Term item, const TileResults& results,
                const kernel::Terms& values,
                const std::function<kernel::Term(kernel::Term value, kernel::Term row, kernel::Term output)>& finish);

// The same of results by matrix tiles, one by one.
void store_matrix(CallBuilder& b, const TileResults& results, kernel::Term first_row, kernel::Term rows,
                  const std::vector<MatrixResult>& values,
                  const std::function<kernel::Term(kernel::Term value, kernel::Term row, kernel::Term output)>& finish);

}  // namespace trireme::compiler

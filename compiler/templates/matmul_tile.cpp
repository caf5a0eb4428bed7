#include "compiler/templates/matmul_tile.h"

namespace trireme::compiler {

using kernel::Term;
using kernel::Terms;

void store_tile(CallBuilder& b, const RowTile& tile, Term item, const TileResults& results, const Terms& values,
                const std::function<Term(Term value, Term row, Term output)>& finish) {
  const auto store = [&](Term value, Term row, Term output) {
    const auto lanes = uint32_t(value.type().lanes);
    b.store(results.buffer, row * (results.outputs / lanes) + output, finish(value, row, output));
  };
  const bool whole = results.outputs % tile.lanes == 0;
  for (size_t i = 0; i < results.rows.size(); ++i) {
    const Term row = results.rows[i];
    for (uint32_t strip = 0; strip < tile.strips; ++strip) {
      const Term value = values[i * tile.strips + strip];
      if (whole) {
        const Term vector = results.first(tile.lanes) + strip * tile.items + item;
        b.when(tile.stores(b, results.stored[i] & (vector < results.outputs / tile.lanes)),
               [&] { store(value, row, vector); });
        continue;
      }
      for (uint32_t lane = 0; lane < tile.lanes; ++lane) {
        const Term output = results.first(1) + (item + strip * tile.items) * tile.lanes + lane;
        b.when(tile.stores(b, results.stored[i] & (output < results.outputs)),
               [&] { store(extract(value, lane), row, output); });
      }
    }
  }
}

void store_matrix(CallBuilder& b, const TileResults& results, Term first_row, Term rows,
                  const std::vector<MatrixResult>& values,
                  const std::function<Term(Term value, Term row, Term output)>& finish) {
  for (const MatrixResult& result : values) {
    const Term row = first_row + result.row, output = results.first(1) + result.output;
    b.when((row < rows) & (output < results.outputs),
           [&] { b.store(results.buffer, row * results.outputs + output, finish(result.value, row, output)); });
  }
}

}  // namespace trireme::compiler

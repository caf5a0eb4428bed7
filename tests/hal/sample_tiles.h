// Matrix tiles as devices have them, and a small one.
#pragma once

#include "hal/matrix_tile.h"

namespace trireme::test {

// V_WMMA_I32_16X16X16_IU8 with 32 items, of which the second half repeats the first half's rows and columns. Source:
// AMD, "RDNA3 Instruction Set Architecture", wave matrix multiply accumulate.
inline MatrixTile tile_of_32_items() {
  MatrixTile tile;
  tile.m = tile.n = tile.k = 16;
  tile.lanes = 32;
  tile.left = {16, {{false, 1, 16, 1}}, {{true, 1, 16, 1}}};
  tile.right = {16, {{true, 1, 16, 1}}, {{false, 1, 16, 1}}};
  tile.result = {8, {{false, 16, 2, 1}, {true, 1, 8, 2}}, {{false, 1, 16, 1}}};
  return tile;
}

// V_MFMA_I32_16X16X16_I8 with 64 items. Source: AMD, "Instinct MI200 Instruction Set Architecture", matrix
// instructions.
inline MatrixTile tile_of_64_items() {
  MatrixTile tile;
  tile.m = tile.n = tile.k = 16;
  tile.lanes = 64;
  tile.left = {4, {{false, 1, 16, 1}}, {{false, 16, 4, 4}, {true, 1, 4, 1}}};
  tile.right = {4, {{false, 16, 4, 4}, {true, 1, 4, 1}}, {{false, 1, 16, 1}}};
  tile.result = {4, {{false, 16, 4, 4}, {true, 1, 4, 1}}, {{false, 1, 16, 1}}};
  return tile;
}

// No device's: 8 rows by 4 columns, and items whose words are of several rows.
inline MatrixTile tile_of_4_items() {
  MatrixTile tile;
  tile.m = 8;
  tile.n = tile.k = 4;
  tile.lanes = 4;
  tile.left = {8, {{false, 1, 4, 1}, {true, 4, 2, 4}}, {{true, 1, 4, 1}}};
  tile.right = {4, {{true, 1, 4, 1}}, {{false, 1, 4, 1}}};
  tile.result = {8, {{true, 1, 8, 1}}, {{false, 1, 4, 1}}};
  return tile;
}

}  // namespace trireme::test

// A matrix tile says where every element lies, or is refused.
#include "hal/matrix_tile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/hal/sample_tiles.h"

namespace trireme::test {
namespace {

using testing::HasSubstr;

TEST(MatrixTile, ThoseOfDevicesHold) {
  for (const MatrixTile& tile : {tile_of_32_items(), tile_of_64_items(), tile_of_4_items()}) {
    const Status status = verify(tile);
    EXPECT_TRUE(status) << status.error().message();
  }
  EXPECT_EQ(text(tile_of_32_items()), "16x16x16 by 32 items");
}

struct WrongTile {
  const char* why;
  std::function<void(MatrixTile&)> change;
};

class MatrixTileRefuses : public testing::TestWithParam<WrongTile> {};

TEST_P(MatrixTileRefuses, ATile) {
  MatrixTile tile = tile_of_64_items();
  GetParam().change(tile);
  const Status status = verify(tile);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message(), HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    All, MatrixTileRefuses,
    testing::Values(WrongTile{"sizes are no powers of two", [](MatrixTile& tile) { tile.k = 24; }},
                    WrongTile{"sizes are no powers of two", [](MatrixTile& tile) { tile.m = 128; }},
                    WrongTile{"items are no power of two", [](MatrixTile& tile) { tile.lanes = 48; }},
                    WrongTile{"no possible number of elements", [](MatrixTile& tile) { tile.left.elements = 0; }},
                    WrongTile{"no possible number of elements",
                              [](MatrixTile& tile) { tile.right.elements = 1 << 30; }},
                    WrongTile{"out of range", [](MatrixTile& tile) { tile.left.row[0].divisor = 0; }},
                    WrongTile{"out of range", [](MatrixTile& tile) { tile.result.column[0].modulus = 0; }},
                    WrongTile{"out of range", [](MatrixTile& tile) { tile.result.row[0].stride = 1u << 31; }},
                    WrongTile{"more than 8 digits", [](MatrixTile& tile) { tile.left.row.resize(9); }},
                    WrongTile{"outside of the matrix", [](MatrixTile& tile) { tile.left.row[0].stride = 2; }},
                    WrongTile{"leaves out", [](MatrixTile& tile) { tile.right.column[0].modulus = 8; }},
                    WrongTile{"its result has elements twice",
                              [](MatrixTile& tile) {
                                tile.result = {8, {{false, 16, 4, 4}, {true, 1, 4, 1}}, {{false, 1, 16, 1}}};
                              }},
                    WrongTile{"not four neighbours", [](MatrixTile& tile) {
                                tile.left.column = {{false, 16, 4, 1}, {true, 1, 4, 4}};
                              }}));

}  // namespace
}  // namespace trireme::test

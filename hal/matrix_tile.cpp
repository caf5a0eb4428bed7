#include "hal/matrix_tile.h"

namespace trireme {
namespace {

constexpr uint32_t kMostSize = 64;
constexpr uint32_t kMostElements = 64;  // of an item
constexpr size_t kMostDigits = 8;

Status refused(const MatrixTile& tile, const std::string& why) {
  return fail(ErrorCode::kInvalidArgument, "matrix tile " + text(tile), why);
}

Status verify_map(const MatrixTile& tile, const FragmentMap& map, const std::string& name, uint32_t rows,
                  uint32_t columns) {
  if (map.elements < 1 || map.elements > kMostElements)
    return refused(tile, "its " + name + " has no possible number of elements an item");
  for (const auto* const digits : {&map.row, &map.column}) {
    if (digits->size() > kMostDigits) return refused(tile, "its " + name + " has more than 8 digits");
    for (const TileDigit& digit : *digits)
      if (digit.divisor == 0 || digit.modulus == 0 || digit.stride > kMostSize || digit.modulus > kMostSize)
        return refused(tile, "a digit of its " + name + " is out of range");
  }
  std::vector<bool> seen(size_t(rows) * columns, false);
  size_t places = 0;
  for (uint32_t item = 0; item < tile.lanes; ++item)
    for (uint32_t element = 0; element < map.elements; ++element) {
      const uint32_t row = map.row_of(item, element), column = map.column_of(item, element);
      if (row >= rows || column >= columns) return refused(tile, "its " + name + " has elements outside of the matrix");
      const size_t at = size_t(row) * columns + column;
      places += seen[at] ? 0 : 1;
      seen[at] = true;
    }
  if (places != seen.size()) return refused(tile, "its " + name + " leaves out elements of the matrix");
  return {};
}

// Whether each word of an item has four neighbours along k.
bool has_words(const MatrixTile& tile, const FragmentMap& map, bool k_is_row) {
  if (map.elements % 4 != 0) return false;
  for (uint32_t item = 0; item < tile.lanes; ++item)
    for (uint32_t element = 0; element < map.elements; ++element) {
      const uint32_t row = map.row_of(item, element), column = map.column_of(item, element);
      const uint32_t first = element / 4 * 4, first_row = map.row_of(item, first),
                     first_column = map.column_of(item, first);
      const uint32_t k = k_is_row ? row : column, first_k = k_is_row ? first_row : first_column;
      if (first_k % 4 != 0 || k != first_k + element % 4) return false;
      if ((k_is_row ? column : row) != (k_is_row ? first_column : first_row)) return false;
    }
  return true;
}

}  // namespace

std::string text(const MatrixTile& tile) {
  return std::to_string(tile.m) + "x" + std::to_string(tile.n) + "x" + std::to_string(tile.k) + " by " +
         std::to_string(tile.lanes) + " items";
}

Status verify(const MatrixTile& tile) {
  for (const uint32_t size : {tile.m, tile.n, tile.k})
    if (size < 4 || size > kMostSize || (size & (size - 1)) != 0)
      return refused(tile, "its sizes are no powers of two from 4 to 64");
  if (tile.lanes < 4 || tile.lanes > 128 || (tile.lanes & (tile.lanes - 1)) != 0)
    return refused(tile, "its items are no power of two from 4 to 128");
  TRIREME_TRY(verify_map(tile, tile.left, "left matrix", tile.m, tile.k));
  TRIREME_TRY(verify_map(tile, tile.right, "right matrix", tile.k, tile.n));
  TRIREME_TRY(verify_map(tile, tile.result, "result", tile.m, tile.n));
  if (tile.lanes * tile.result.elements != tile.m * tile.n) return refused(tile, "its result has elements twice");
  if (!has_words(tile, tile.left, false) || !has_words(tile, tile.right, true))
    return refused(tile, "its words are not four neighbours along k");
  return {};
}

}  // namespace trireme

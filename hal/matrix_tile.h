// MatrixTile: the product of two small matrices that the items of a subgroup compute together as one instruction, and
// where the matrices' elements lie among the items.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hal/result.h"

namespace trireme {

// Adds stride * ((n / divisor) % modulus), where n is an item's number in its subgroup or the number of an element
// among those that it has.
struct TileDigit {
  bool of_element = false;
  uint32_t divisor = 1;
  uint32_t modulus = 1;
  uint32_t stride = 0;
  bool operator==(const TileDigit&) const = default;

  uint32_t operator()(uint32_t item, uint32_t element) const {
    return stride * (((of_element ? element : item) / divisor) % modulus);
  }
};

// Which elements of a matrix an item has: element e of it is at the sums of the digits.
struct FragmentMap {
  uint32_t elements = 0;
  std::vector<TileDigit> row, column;
  bool operator==(const FragmentMap&) const = default;

  uint32_t row_of(uint32_t item, uint32_t element) const { return sum(row, item, element); }
  uint32_t column_of(uint32_t item, uint32_t element) const { return sum(column, item, element); }

 private:
  static uint32_t sum(const std::vector<TileDigit>& digits, uint32_t item, uint32_t element) {
    uint32_t total = 0;
    for (const TileDigit& digit : digits) total += digit(item, element);
    return total;
  }
};

// result[m, n] = left[m, k] right[k, n] + addend[m, n], of int8 and i32: exact.
struct MatrixTile {
  uint32_t m = 0, n = 0, k = 0;
  uint32_t lanes = 0;  // items of the subgroup
  // Four int8 with neighbouring k are a word of an item. Several items may have the same elements of left and right.
  FragmentMap left, right;
  FragmentMap result;  // and addend: an i32 each, every one in one place
  bool operator==(const MatrixTile&) const = default;

  uint32_t left_words() const { return left.elements / 4; }
  uint32_t right_words() const { return right.elements / 4; }
};

// "16x16x16 by 32 items"
std::string text(const MatrixTile& tile);

// Proves that the maps stay inside their matrices, cover them, and put four neighbours into a word.
// Errors: kInvalidArgument saying what does not hold.
Status verify(const MatrixTile& tile);

}  // namespace trireme

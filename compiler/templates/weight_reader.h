// WeightReader: how kernels read what lies as a WeightLayout says.
#pragma once

#include "compiler/kernel/builder.h"
#include "compiler/templates/weight_layout.h"

namespace trireme::compiler {

// Reads a constant in a kernel: `planes` are the numbers of its buffers.
class WeightReader {
 public:
  WeightReader(kernel::Builder& b, const WeightLayout& layout, std::vector<uint32_t> planes, int64_t columns)
      : b_(b), layout_(layout), planes_(std::move(planes)), columns_(columns) {}

  // One element as f32.
  kernel::Term element(kernel::Term row, kernel::Term column) const;

  // Rows [rows * lanes, rows * lanes + lanes) of a tile of rows, kInteger alone, a lane each. Of the 32 elements from
  // column 32 * block: eight words of four codes each, as bytes.
  kernel::Terms code_words(kernel::Term tile, kernel::Term rows, kernel::Term block, uint32_t lanes = 1) const;
  // The same rows as f32, of any layout in tiles: the float_columns() elements from column float_columns() * part on.
  kernel::Terms floats(kernel::Term tile, kernel::Term rows, kernel::Term part, uint32_t lanes = 1) const;
  uint32_t float_columns() const;
  // Of group `index` (of 16 or 32) of the rows; a minimum only where the layout has one.
  struct Factors {
    kernel::Term scale, minimum;
  };
  Factors factors(kernel::Term tile, kernel::Term rows, kernel::Term index, uint32_t lanes = 1) const;

 private:
  // A number of 8 or 16 bits, or f16, among such numbers.
  kernel::Term small_at(uint32_t buffer, kernel::Term index, uint32_t bits) const;
  kernel::Term half_at(uint32_t buffer, kernel::Term index, uint32_t lanes = 1) const;
  kernel::Term word_place(kernel::Term tile, kernel::Term lane, kernel::Term block, kernel::Term word) const;
  kernel::Term float_of(uint32_t buffer, kernel::Term index, kernel::Term place) const;
  kernel::Terms words_of(kernel::Term tile, kernel::Term rows, kernel::Term part, uint32_t columns, uint32_t count,
                         uint32_t lanes) const;
  kernel::Terms floats_of(kernel::Term words) const;
  kernel::Terms decoded_block(kernel::Term tile, kernel::Term rows, kernel::Term block, uint32_t lanes) const;
  Factors leveled_factors(kernel::Term tile, kernel::Term row, kernel::Term index) const;
  // Where the number for each `columns` columns lies among those of the tile's rows.
  kernel::Term place_of(kernel::Term tile, kernel::Term rows, kernel::Term index, int64_t columns,
                        uint32_t lanes) const;

  kernel::Builder& b_;
  WeightLayout layout_;
  std::vector<uint32_t> planes_;
  int64_t columns_;
};

}  // namespace trireme::compiler

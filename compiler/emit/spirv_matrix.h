// SpirvMatrix: a kernel's matrix multiplications as cooperative matrices of KHR, which say nothing of where elements
// lie among the items, so that fragments come and go through shared memory.
#pragma once

#include "compiler/emit/spirv_ops.h"
#include "hal/matrix_tile.h"

namespace trireme::compiler {

class SpirvMatrix {
 public:
  // All outlive it. `subgroups` are those of a work group.
  SpirvMatrix(const MatrixTile& tile, uint32_t subgroups, SpirvModule& module, SpirvOps& ops, SpirvWords& body);

  // What a kernel with such a tile takes of shared memory besides its arrays.
  static uint32_t shared_bytes(const MatrixTile& tile, uint32_t group_size);

  // The operands and results of kMatrixMultiply.
  std::vector<SpirvId> multiply(const std::vector<SpirvId>& operands);

 private:
  // A matrix of the tile in shared memory: elements of one word, in lines of neighbouring elements.
  struct Scratch {
    SpirvId variable = 0;
    kernel::Type element;
    uint32_t line = 1;   // words from one line to the next
    uint32_t words = 1;  // of a subgroup
    SpirvId matrix = 0;  // its type
    uint32_t layout = 0;
  };

  Scratch scratch(const char* name, kernel::Type element, uint32_t lines, uint32_t line, uint32_t layout);
  SpirvId constant(uint32_t value) { return module_.unsigned_constant(value); }
  SpirvId sum(const std::vector<TileDigit>& digits, uint32_t element);
  SpirvId place(const Scratch& scratch, SpirvId index);
  // Where word or element `element` of this item is, `per_word` of which share a word.
  SpirvId place_of(const Scratch& scratch, const FragmentMap& map, uint32_t element, bool lines_are_rows,
                   uint32_t per_word);
  SpirvId load_matrix(const Scratch& scratch);
  void barrier();

  MatrixTile tile_;
  uint32_t subgroups_;
  SpirvModule& module_;
  SpirvOps& ops_;
  SpirvWords& body_;
  Scratch left_, right_, result_;
  SpirvId lane_ = 0, subgroup_ = 0;  // of this item
};

}  // namespace trireme::compiler

// Piece: what is loaded at once of a row of the KV cache, and what of a query meets it.
#pragma once

#include "compiler/templates/attention.h"

namespace trireme::compiler {

// Halves come as words, of which all the lower ones make the first vector and the upper ones the second.
struct Piece {
  uint32_t lanes = 1;
  uint32_t vectors = 1;

  uint32_t width() const { return lanes * vectors; }
  // Where an element of a row stands among those of the pieces.
  kernel::Term place(kernel::Term column) const;

  // The vectors of a piece of a cache, by its number among all of them.
  kernel::Terms load(CallBuilder& b, const AttentionShape& shape, uint32_t cache, kernel::Term number) const;
  // Those of the query that begins at element `start` of buffer q, which meet piece `number` of a row. Of four lanes.
  kernel::Terms load_query(CallBuilder& b, uint32_t q, kernel::Term start, kernel::Term number) const;
};

Piece piece_of(const AttentionShape& shape);

}  // namespace trireme::compiler

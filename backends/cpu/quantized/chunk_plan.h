// ChunkPlan: how a matmul's outputs are cut into chunks for the pool.
#pragma once

#include <cstddef>
#include <cstdint>

namespace trireme::cpu::quantized {

// Chunks are rectangles of outputs: a range of tile pairs (32 outputs) times a range of activation rows. Consecutive
// chunks share their tiles, so that a tile range is read from memory once.
struct ChunkPlan {
  int64_t pairs = 0;  // tile pairs in all
  int64_t rows = 0;   // activation rows in all
  int64_t pairs_a_chunk = 1;
  int64_t rows_a_chunk = 1;

  int64_t row_chunks() const { return (rows + rows_a_chunk - 1) / rows_a_chunk; }
  int64_t chunks() const { return (pairs + pairs_a_chunk - 1) / pairs_a_chunk * row_chunks(); }
};

// pair_bytes: packed weights that a pair of tiles takes, in all matrices; columns: K, times the number of matrices.
ChunkPlan plan_chunks(int64_t pairs, size_t pair_bytes, int64_t columns, int64_t rows, int threads);

}  // namespace trireme::cpu::quantized

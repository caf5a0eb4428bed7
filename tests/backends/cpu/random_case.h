// Ops with random operands, for comparing devices.
#pragma once

#include <random>

#include "tests/conformance/execute.h"

namespace trireme::cpu {

// Makes operands from one seed; the same seed gives the same cases.
class CaseMaker {
 public:
  explicit CaseMaker(uint32_t seed) : random_(seed) {}

  std::vector<float> floats(int64_t count, float size = 1.0f);
  int64_t between(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }

  // A case of an op whose inputs are all f32 with these shapes, x first; constants after the first `bound` inputs.
  conformance::Case plain(OpParams params, std::vector<Shape> inputs, std::vector<TensorDesc> outputs, size_t bound,
                          float size = 1.0f);

  // Weights in F32, F16 or BF16, rounded from random floats.
  conformance::Case matmul(const Matmul& op, int64_t rows, int64_t n, int64_t k, const Format& format);
  conformance::Case matmul_glu(const MatmulGlu& op, int64_t rows, int64_t n, int64_t k, const Format& format);

  struct AttentionSizes {
    int64_t heads, kv_heads, columns, block_size, sequences, blocks_each;
    const Format* cache;
  };
  // Rows (sequence, position) over caches with random contents and shuffled blocks.
  conformance::Case attention(const Attention& op, const AttentionSizes& sizes,
                              const std::vector<std::pair<int32_t, int32_t>>& rows);
  conformance::Case rope_store(const RopeStore& op, int64_t rows, int64_t heads, int64_t kv_heads, int64_t columns,
                               int64_t frequencies, const Format& cache);
  conformance::Case kv_store(int64_t rows, int64_t kv_heads, int64_t columns, const Format& cache);

  conformance::Bytes pack(const std::vector<float>& values, const Format& format);

 private:
  std::mt19937 random_;
};

}  // namespace trireme::cpu

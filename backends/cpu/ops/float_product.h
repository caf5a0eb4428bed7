// FloatProduct: rows of float activations times rows of one weight of any kind, the core of all float matmuls.
#pragma once

#include <optional>

#include "backends/cpu/ops/float_matmul.h"
#include "backends/cpu/ops/make_kernel.h"
#include "backends/cpu/ops/row_reader.h"

namespace trireme::cpu {

inline constexpr int64_t kGemmColumns = 64;  // columns of y that one oneDNN call computes

// How the columns of y are cut. Multiples of 32, so that chunks own whole groups of quantised outputs.
int64_t columns_per_chunk(int64_t n, int64_t k, int64_t row_bytes, bool gemm, int threads);

// Rows that follow one another, K each.
struct FloatActivations {
  const float* values;
  int64_t rows;
  const uint16_t* rounded = nullptr;  // the same in bf16, or null
};

class FloatProduct {
 public:
  struct Range {
    int64_t begin, end;
  };

  // The weight is input `input` of the op; the map outlives this.
  FloatProduct(const KernelContext& context, size_t input, const OperandMap& map);

  int64_t n() const { return desc_.shape.rows(); }
  int64_t k() const { return desc_.shape.back(); }
  int64_t row_bytes() const { return desc_.format->row_bytes(k()); }

  // y[r, i] = x[r] . w[weights.begin + i], y's rows y_stride apart. scratch: k() floats for each of these rows of w.
  void run(const KernelArgs& args, const Range& weights, const FloatActivations& x, float* y, int64_t y_stride,
           float* scratch) const;

 private:
  FloatRows scratch_rows(const float* scratch) const;
  FloatRows decoded_or_mapped(const KernelArgs& args, const Range& weights, float* scratch) const;

  const OperandMap& map_;
  size_t input_;
  TensorDesc desc_;
  std::optional<FloatElement> element_;  // empty: rows are decoded
  std::optional<RowReader> reader_;      // empty when the weight is bound
};

}  // namespace trireme::cpu

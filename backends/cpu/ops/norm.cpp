// RmsNorm, FusedNorm, QuantizeQ8: one pass over each row.
// Compiled as a part of small_kernels.cpp, once a target.
#include "backends/cpu/ops/norm-inl.h"
#include "backends/cpu/ops/quantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {

void norm_row(const RmsNorm& op, const float* x, const float* weight, float* y, int64_t columns) {
  apply_norm(norm_factor(op, sum_of_squares(x, columns), columns), op.weight_offset, x, weight, y, columns);
}

void norm_quantize_row(const RmsNorm& op, float squares, const float* x, const float* weight, std::byte* row,
                       int64_t columns) {
  const float factor = norm_factor(op, squares, columns);
  HWY_ALIGN float group[32];
  for (int64_t g = 0; g < columns / 32; ++g) {
    apply_norm(factor, op.weight_offset, x + 32 * g, weight + 32 * g, group, 32);
    quantize_group(group, reinterpret_cast<int8_t*>(row) + 32 * g, q8_scales(row, columns)[g],
                   q8_sums(row, columns)[g]);
  }
}

void fused_norm_row(const FusedNorm& op, const float* x, const float* residual, const float* weight, float* sum,
                    std::byte* y, int64_t columns) {
  float squares = 0;
  if (op.has_residual) {
    squares = sum_of_squares_of_sum(x, residual, sum, columns);
    x = sum;
  } else {
    squares = sum_of_squares(x, columns);
  }
  if (op.quantize) return norm_quantize_row(op.norm, squares, x, weight, y, columns);
  apply_norm(norm_factor(op.norm, squares, columns), op.norm.weight_offset, x, weight, reinterpret_cast<float*>(y),
             columns);
}

void quantize_row(const float* x, std::byte* row, int64_t columns) {
  for (int64_t g = 0; g < columns / 32; ++g)
    quantize_group(x + 32 * g, reinterpret_cast<int8_t*>(row) + 32 * g, q8_scales(row, columns)[g],
                   q8_sums(row, columns)[g]);
}

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backends/cpu/ops/make_kernel.h"
#include "backends/cpu/ops/row_chunks.h"

namespace trireme::cpu {
namespace {

HWY_EXPORT(norm_row);
HWY_EXPORT(fused_norm_row);
HWY_EXPORT(quantize_row);

class RmsNormKernel final : public Kernel {
 public:
  RmsNormKernel(const RmsNorm& op, const KernelContext& context)
      : map_(context.desc, context.constants), op_(op), columns_(context.desc.outputs[0].shape.back()) {
    const Shape& shape = context.desc.outputs[0].shape;
    // A vector is one row, whatever its first dimension says.
    rows_each_ = shape.rank() == 1 ? 0 : shape.rows() / shape[0];
  }

  int64_t chunks(int, const KernelArgs& args) const override { return Parts(columns_).count(rows(args)); }
  void run(int, int64_t chunk, int, const KernelArgs& args) const override {
    const Parts parts(columns_);
    const int64_t columns = rows_each_ == 0 ? args.rows : columns_;
    for (int64_t row = parts.begin(chunk); row < parts.end(chunk, rows(args)); ++row) HWY_DYNAMIC_DISPATCH(norm_row)
    (op_, map_.input<float>(args, 0) + row * columns, map_.input<float>(args, 1),
     map_.output<float>(args, 0) + row * columns, columns);
  }

 private:
  int64_t rows(const KernelArgs& args) const { return rows_each_ == 0 ? 1 : args.rows * rows_each_; }

  OperandMap map_;
  RmsNorm op_;
  int64_t columns_;
  int64_t rows_each_ = 1;
};

class FusedNormKernel final : public Kernel {
 public:
  FusedNormKernel(const FusedNorm& op, const KernelContext& context)
      : map_(context.desc, context.constants),
        op_(op),
        columns_(context.desc.inputs[0].desc.shape.back()),
        row_bytes_(context.desc.outputs.back().format->row_bytes(columns_)) {}

  int64_t chunks(int, const KernelArgs& args) const override { return Parts(columns_).count(args.rows); }
  void run(int, int64_t chunk, int, const KernelArgs& args) const override {
    const Parts parts(columns_);
    const size_t extra = op_.has_residual ? 1 : 0;
    for (int64_t row = parts.begin(chunk); row < parts.end(chunk, args.rows); ++row) {
      const int64_t at = row * columns_;
      HWY_DYNAMIC_DISPATCH(fused_norm_row)
      (op_, map_.input<float>(args, 0) + at, extra ? map_.input<float>(args, 1) + at : nullptr,
       map_.input<float>(args, 1 + extra), extra ? map_.output<float>(args, 0) + at : nullptr,
       map_.output<std::byte>(args, extra) + row * row_bytes_, columns_);
    }
  }

 private:
  OperandMap map_;
  FusedNorm op_;
  int64_t columns_;
  int64_t row_bytes_;
};

class QuantizeKernel final : public Kernel {
 public:
  explicit QuantizeKernel(const KernelContext& context)
      : map_(context.desc, context.constants),
        columns_(context.desc.inputs[0].desc.shape.back()),
        row_bytes_(context.desc.outputs[0].format->row_bytes(columns_)) {}

  int64_t chunks(int, const KernelArgs& args) const override { return Parts(columns_).count(args.rows); }
  void run(int, int64_t chunk, int, const KernelArgs& args) const override {
    const Parts parts(columns_);
    for (int64_t row = parts.begin(chunk); row < parts.end(chunk, args.rows); ++row) HWY_DYNAMIC_DISPATCH(quantize_row)
    (map_.input<float>(args, 0) + row * columns_, map_.output<std::byte>(args, 0) + row * row_bytes_, columns_);
  }

 private:
  OperandMap map_;
  int64_t columns_;
  int64_t row_bytes_;
};

}  // namespace

KernelResult make_kernel(const RmsNorm& op, const KernelContext& context) {
  return std::make_unique<RmsNormKernel>(op, context);
}
KernelResult make_kernel(const FusedNorm& op, const KernelContext& context) {
  return std::make_unique<FusedNormKernel>(op, context);
}
KernelResult make_kernel(const QuantizeQ8&, const KernelContext& context) {
  return std::make_unique<QuantizeKernel>(context);
}

}  // namespace trireme::cpu
#endif  // HWY_ONCE

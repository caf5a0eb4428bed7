// GroupedMatmul: the kernels of matmuls on each expert's rows.
#include <cstring>

#include "backends/cpu/expert_kernel.h"
#include "backends/cpu/ops/float_matmul_kernel.h"
#include "backends/cpu/ops/float_product.h"
#include "backends/cpu/quantized/grouped_matmul.h"
#include "hal/operands.h"

namespace trireme::cpu {
namespace {

constexpr int64_t kBlockRows = 64;  // rows of x that are brought together at once

ExpertSizes expert_sizes(const OpDesc& desc) {
  const Shape& y = desc.outputs[0].shape;
  return {desc.inputs[1].desc.shape[0], y[0], y[1], y[2]};
}

// Scratch of a worker, in floats: weights, rows of x, and their results.
struct ExpertScratch {
  ExpertScratch(const OpDesc& desc, int threads) {
    const Shape& w = desc.inputs[1].desc.shape;
    const int64_t row_bytes = desc.inputs[1].desc.format->row_bytes(w[2]);
    widest = std::max(kGemmColumns, columns_per_chunk(w[1], w[2], row_bytes, false, threads));
    const auto padded = [](int64_t count) { return (count + 15) / 16 * 16; };
    x_at = padded(widest * w[2]);
    y_at = x_at + padded(kBlockRows * w[2]);
    floats = y_at + kBlockRows * widest;
  }
  int64_t widest = 0, x_at = 0, y_at = 0, floats = 0;
};

class FloatGroupedMatmulKernel final : public ExpertKernel {
 public:
  explicit FloatGroupedMatmulKernel(const KernelContext& context)
      : ExpertKernel(expert_sizes(context.desc), context.desc.inputs[1].constant ? 1 : 2),
        map_(context.desc, context.constants),
        product_(context, 1, map_),
        scratch_(context.desc, context.threads),
        threads_(context.threads) {}

  uint64_t workspace_bytes() const override {
    return expert_order_bytes(sizes()) + uint64_t(scratch_.floats) * sizeof(float) * uint64_t(threads_);
  }

 private:
  int64_t step(int64_t count) const {
    return columns_per_chunk(sizes().outputs, product_.k(), product_.row_bytes(), count > kGemvRows, threads_);
  }
  int64_t expert_chunks(int64_t count) const override { return (sizes().outputs + step(count) - 1) / step(count); }

  void run_expert(const KernelArgs& args, const ExpertRows& used, int64_t chunk, int worker) const override {
    const int64_t begin = chunk * step(used.count), end = std::min(sizes().outputs, begin + step(used.count));
    const int64_t first = used.expert * sizes().outputs, k = product_.k();
    float* of_worker = reinterpret_cast<float*>(scratch(args)) + worker * scratch_.floats;
    float *together = of_worker + scratch_.x_at, *y = of_worker + scratch_.y_at;
    const auto* x = map_.input<float>(args, 0);
    for (int64_t row = 0; row < used.count; row += kBlockRows) {
      const int64_t rows = std::min(kBlockRows, used.count - row);
      for (int64_t i = 0; i < rows; ++i)
        std::memcpy(together + i * k, x + used.rows[row + i] * k, size_t(k) * sizeof(float));
      product_.run(args, {first + begin, first + end}, {together, rows}, y, end - begin, of_worker);
      for (int64_t i = 0; i < rows; ++i)
        std::memcpy(output(args, used.places[row + i]) + begin, y + i * (end - begin),
                    size_t(end - begin) * sizeof(float));
    }
  }

  OperandMap map_;
  FloatProduct product_;
  ExpertScratch scratch_;
  int threads_;
};

}  // namespace

KernelResult make_kernel(const GroupedMatmul& op, const KernelContext& context) {
  if (op.act == ActScheme::kFloat) return std::make_unique<FloatGroupedMatmulKernel>(context);
  return quantized::make_grouped_matmul(std::dynamic_pointer_cast<const quantized::PackedWeight>(context.constant(1)),
                                        expert_sizes(context.desc), context.threads);
}

uint64_t grouped_matmul_workspace_bytes(const OpDesc& desc, int threads) {
  const ExpertSizes sizes = expert_sizes(desc);
  if (act_scheme(desc.params) == ActScheme::kQ8)
    return quantized::grouped_matmul_workspace_bytes(sizes, desc.inputs[1].desc.shape[2], threads);
  return expert_order_bytes(sizes) + uint64_t(ExpertScratch(desc, threads).floats) * sizeof(float) * uint64_t(threads);
}

}  // namespace trireme::cpu

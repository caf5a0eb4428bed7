// Matmul and MatmulGlu: by how the op sees its activations, the float or the quantised kernels.
#include "backends/cpu/quantized/matmul.h"
#include "backends/cpu/ops/float_matmul_kernel.h"
#include "backends/cpu/weight.h"

namespace trireme::cpu {
namespace {

using quantized::PackedWeight;

std::shared_ptr<const PackedWeight> packed(const KernelContext& context, size_t input) {
  return std::dynamic_pointer_cast<const PackedWeight>(context.constant(input));
}

}  // namespace

KernelResult make_kernel(const Matmul& op, const KernelContext& context) {
  if (op.act == ActScheme::kFloat) return make_float_matmul(op, context);
  std::vector<float> bias;
  if (op.has_bias) {
    const auto& values = dynamic_cast<const VectorWeight&>(*context.constant(2)).values();
    bias.assign(values.begin(), values.end());
  }
  return quantized::make_matmul(packed(context, 1), std::move(bias), op.has_residual, context.threads);
}

KernelResult make_kernel(const MatmulGlu& op, const KernelContext& context) {
  if (op.act == ActScheme::kFloat) return make_float_matmul_glu(op, context);
  return quantized::make_matmul_glu(packed(context, 1), packed(context, 2), op, context.threads);
}

uint64_t matmul_workspace_bytes(const OpDesc& desc, int threads, bool native_bf16) {
  const auto* matmul = std::get_if<Matmul>(&desc.params);
  const ActScheme act = matmul ? matmul->act : std::get<MatmulGlu>(desc.params).act;
  if (act == ActScheme::kQ8)
    return quantized::matmul_workspace_bytes(desc.inputs[1].desc.shape[1], threads, matmul ? 1 : 2);
  return float_matmul_workspace_bytes(desc, threads, native_bf16);
}

}  // namespace trireme::cpu

// One factory an op. Each relies on support.h having accepted the op.
#pragma once

#include "backends/cpu/operand_map.h"

namespace trireme::cpu {

struct KernelContext {
  const OpDesc& desc;
  Constants constants;
  int threads;               // workers that may run chunks
  bool native_bf16 = false;  // many rows of activations are rounded to bf16 where weights are

  // The constant that is input `index` of the op.
  const std::shared_ptr<const Weight>& constant(size_t index) const {
    size_t before = 0;
    for (size_t i = 0; i < index; ++i) before += desc.inputs[i].constant ? 1 : 0;
    return constants[before];
  }
};

using KernelResult = Result<std::unique_ptr<const Kernel>>;

KernelResult make_kernel(const EmbedRows& op, const KernelContext& context);
KernelResult make_kernel(const QuantizeQ8& op, const KernelContext& context);
KernelResult make_kernel(const Matmul& op, const KernelContext& context);
KernelResult make_kernel(const MatmulGlu& op, const KernelContext& context);
KernelResult make_kernel(const RmsNorm& op, const KernelContext& context);
KernelResult make_kernel(const FusedNorm& op, const KernelContext& context);
KernelResult make_kernel(const Binary& op, const KernelContext& context);
KernelResult make_kernel(const Unary& op, const KernelContext& context);
KernelResult make_kernel(const Scale& op, const KernelContext& context);
KernelResult make_kernel(const Softcap& op, const KernelContext& context);
KernelResult make_kernel(const Glu& op, const KernelContext& context);
KernelResult make_kernel(const Rope& op, const KernelContext& context);
KernelResult make_kernel(const KvStore& op, const KernelContext& context);
KernelResult make_kernel(const Attention& op, const KernelContext& context);
KernelResult make_kernel(const RopeStore& op, const KernelContext& context);
KernelResult make_kernel(const GatherRows& op, const KernelContext& context);
KernelResult make_kernel(const Softmax& op, const KernelContext& context);
KernelResult make_kernel(const Argmax& op, const KernelContext& context);
KernelResult make_kernel(const GroupedMatmul& op, const KernelContext& context);
KernelResult make_kernel(const TopK& op, const KernelContext& context);
KernelResult make_kernel(const Reshape& op, const KernelContext& context);
KernelResult make_kernel(const Cast& op, const KernelContext& context);

// Scratch of the kernel that make_kernel() would give, known before there are constants.
uint64_t attention_workspace_bytes(const OpDesc& desc, int threads);
uint64_t grouped_matmul_workspace_bytes(const OpDesc& desc, int threads);
uint64_t matmul_workspace_bytes(const OpDesc& desc, int threads, bool native_bf16);

}  // namespace trireme::cpu

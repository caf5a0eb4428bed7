#include "backends/cpu/support.h"

#include "backends/cpu/ops/make_kernel.h"
#include "backends/cpu/ops/rope.h"
#include "backends/cpu/quantized/packed_weight.h"
#include "hal/op_check.h"
#include "hal/op_cost.h"
#include "hal/operands.h"

namespace trireme::cpu {
namespace {

bool plain_float(const Format& format) {
  return format.plain == DType::kF32 || format.plain == DType::kF16 || format.plain == DType::kBF16;
}

std::optional<std::string> weight_reason(const OpDesc& op, size_t index) {
  const Operand& input = op.inputs[index];
  const Format& format = *input.desc.format;
  const WeightUse use = weight_use(op.params, int(index)).value_or(WeightUse::kVector);
  if (use == WeightUse::kMatmul && act_scheme(op.params) == ActScheme::kQ8) {
    if (!input.constant) return "the weight of a quantised matmul must be a constant";
    if (Status packable = quantized::can_pack(input.desc); !packable) return packable.error().why();
    return std::nullopt;
  }
  if (use == WeightUse::kVector) {
    if (!input.constant && &format != &formats::f32()) return input.desc.text() + " must be a constant or F32";
    return std::nullopt;
  }
  if (!input.constant && !plain_float(format)) return input.desc.text() + " must be a constant";
  return std::nullopt;
}

std::optional<std::string> head_reason(const OpDesc& op) {
  const bool has_heads = std::holds_alternative<Rope>(op.params) || std::holds_alternative<RopeStore>(op.params) ||
                         std::holds_alternative<Attention>(op.params);
  if (has_heads && op.inputs[0].desc.shape[2] > kMaxHeadColumns)
    return "heads of " + std::to_string(op.inputs[0].desc.shape[2]) + " are wider than " +
           std::to_string(kMaxHeadColumns);
  return std::nullopt;
}

bool is_weight(const OpParams& params, size_t index) {
  return weight_use(params, int(index)) || (std::holds_alternative<Binary>(params) && index == 1);
}

}  // namespace

std::optional<std::string> unsupported_reason(const OpDesc& op) {
  if (Status checked = check_op(op); !checked) return checked.error().why();
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (is_weight(op.params, i)) {
      if (auto reason = weight_reason(op, i)) return reason;
    } else if (op.inputs[i].constant && !std::holds_alternative<Binary>(op.params)) {
      return "input " + std::to_string(i) + " cannot be a constant";
    }
  }
  if (auto reason = head_reason(op)) return reason;
  const auto* glu = std::get_if<MatmulGlu>(&op.params);
  if (glu && glu->quantize && op.outputs[0].shape.back() % 32 != 0)
    return "quantised rows of " + std::to_string(op.outputs[0].shape.back()) + " are no multiple of 32";
  return std::nullopt;
}

OpCost cpu_op_cost(const OpDesc& op, int threads, bool native_bf16) {
  OpCost cost = op_cost(op);
  cost.weight_bytes = 0;
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (!op.inputs[i].constant) continue;
    const TensorDesc& desc = op.inputs[i].desc;
    const WeightUse use = weight_use(op.params, int(i)).value_or(WeightUse::kVector);
    if (use == WeightUse::kVector) {
      cost.weight_bytes += uint64_t(desc.shape.elements()) * sizeof(float);
    } else if (use == WeightUse::kMatmul && quantized::can_pack(desc)) {
      const uint64_t packed = quantized::packed_bytes(desc);
      cost.weight_bytes += packed;
      // Packing takes more or less than the source.
      cost.bytes_moved += uint64_t(int64_t(read_share(op) * (double(packed) - double(desc.bytes()))));
    } else {
      cost.mapped_weight_bytes += uint64_t(desc.bytes());
    }
  }
  if (std::holds_alternative<Attention>(op.params)) cost.workspace_bytes = attention_workspace_bytes(op, threads);
  if (std::holds_alternative<GroupedMatmul>(op.params))
    cost.workspace_bytes = grouped_matmul_workspace_bytes(op, threads);
  if (std::holds_alternative<Matmul>(op.params) || std::holds_alternative<MatmulGlu>(op.params))
    cost.workspace_bytes = matmul_workspace_bytes(op, threads, native_bf16);
  return cost;
}

}  // namespace trireme::cpu

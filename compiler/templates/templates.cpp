#include "compiler/templates/templates.h"

#include "hal/operands.h"

namespace trireme::compiler {

namespace {

// What no template can be asked for. Errors: kUnsupported naming it.
Status check_operands(const OpDesc& op, const Target& target) {
  const auto check = [](const TensorDesc& desc) -> Status {
    if (uint64_t(desc.shape.elements()) <= UINT32_MAX) return {};
    return fail(ErrorCode::kUnsupported, desc.text(), "kernels count elements in 32 bits");
  };
  for (const Operand& input : op.inputs)
    if (!input.constant) TRIREME_TRY(check(input.desc));
  for (const TensorDesc& output : op.outputs) TRIREME_TRY(check(output));
  if (act_scheme(op.params) != ActScheme::kQ8) return {};
  for (size_t i = 1; i < op.inputs.size(); ++i) {
    const TensorDesc& weight = op.inputs[i].desc;
    if (op.inputs[i].constant && weight.shape.rank() >= 2 && weight_layout(weight, target).kind != WeightKind::kInteger)
      return fail(ErrorCode::kUnsupported, weight.text(),
                  "it has no integer codes, which quantised activations are multiplied with");
  }
  return {};
}

}  // namespace

Result<OpCalls> write_kernels(const OpDesc& op, const Target& target, const TuningTable* tuned) {
  TRIREME_TRY(check_operands(op, target));
  return std::visit(
      [&](const auto& params) -> Result<OpCalls> {
        using Params = std::decay_t<decltype(params)>;
        if constexpr (std::is_same_v<Params, EmbedRows> || std::is_same_v<Params, GatherRows>)
          return write_rows(params, op, target);
        else if constexpr (std::is_same_v<Params, RmsNorm> || std::is_same_v<Params, FusedNorm>)
          return write_norm(op, target);
        else if constexpr (std::is_same_v<Params, QuantizeQ8>)
          return write_quantize(op, target);
        else if constexpr (std::is_same_v<Params, Matmul> || std::is_same_v<Params, MatmulGlu>)
          return write_matmul(op, target, schedule_of(op, target, tuned));
        else if constexpr (std::is_same_v<Params, Rope> || std::is_same_v<Params, KvStore> ||
                           std::is_same_v<Params, RopeStore>)
          return write_rope(op, target);
        else if constexpr (std::is_same_v<Params, Attention>)
          return write_attention(params, op, target);
        else if constexpr (std::is_same_v<Params, Reshape>)
          return OpCalls();
        else if constexpr (std::is_same_v<Params, Softmax> || std::is_same_v<Params, Argmax> ||
                           std::is_same_v<Params, TopK>)
          return write_reduction(params, op, target);
        else if constexpr (std::is_same_v<Params, GroupedMatmul>)
          return write_grouped_matmul(op, target);
        else if constexpr (std::is_same_v<Params, Cast>)
          return write_cast(op, target);
        else
          return write_elementwise(op, target);
      },
      op.params);
}

std::vector<uint32_t> bind_planes(CallBuilder& b, const TensorDesc& weight, const WeightLayout& layout, int input,
                                  const std::string& name, const RowPart& part) {
  constexpr const char* kPlaneNames[] = {"_codes", "_scales", "_minima"};
  constexpr const char* kLeveledNames[] = {"_codes", "_factors", "_block_factors"};
  std::vector<uint32_t> planes;
  for (int i = 0; i < layout.planes(); ++i) {
    PlanePart range;
    if (part.count < weight.shape.rows()) range = plane_part(layout, part, weight.shape.back(), i);
    planes.push_back(
        b.plane(input, i, name + (layout.scale_levels ? kLeveledNames : kPlaneNames)[i], range.offset, range.bytes));
  }
  return planes;
}

}  // namespace trireme::compiler

#include "compiler/templates/templates.h"

namespace trireme::compiler {

Result<OpCalls> write_kernels(const OpDesc& op, const Target& target, const TuningTable* tuned) {
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

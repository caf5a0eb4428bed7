#include "hal/op_cost.h"

#include <vector>

namespace trireme {
namespace {

double multiply_adds(const OpDesc& op) {
  const auto in = [&](int i) -> const Shape& { return op.inputs[size_t(i)].desc.shape; };
  if (std::holds_alternative<Matmul>(op.params)) return double(in(0).rows()) * double(in(1).elements());
  if (std::holds_alternative<MatmulGlu>(op.params)) return 2.0 * double(in(0).rows()) * double(in(1).elements());
  if (std::holds_alternative<Attention>(op.params)) {
    const double positions = double(in(3)[1]) * double(in(1)[2]);
    return 2.0 * double(in(0).elements()) * positions;
  }
  double results = 0;
  for (size_t i = 0; i < op.outputs.size(); ++i)
    if (aliased_input(op.params, int(i)) < 0) results += double(op.outputs[i].shape.elements());
  return results;
}

}  // namespace

OpCost op_cost(const OpDesc& op) {
  OpCost cost;
  cost.multiply_adds = multiply_adds(op);
  std::vector<bool> shared(op.inputs.size(), false);
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    const int input = aliased_input(op.params, int(i));
    if (input >= 0)
      shared[size_t(input)] = true;
    else
      cost.bytes_moved += uint64_t(op.outputs[i].bytes());
  }
  const bool gathers = std::holds_alternative<EmbedRows>(op.params) || std::holds_alternative<GatherRows>(op.params);
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const TensorDesc& desc = op.inputs[i].desc;
    const auto bytes = uint64_t(desc.bytes());
    if (op.inputs[i].constant) cost.weight_bytes += bytes;
    if (gathers && i == 0)
      cost.bytes_moved += uint64_t(op.outputs[0].shape.rows() * desc.format->row_bytes(desc.shape.back()));
    else if (!shared[i])
      cost.bytes_moved += bytes;
  }
  return cost;
}

}  // namespace trireme

#include "hal/op_cost.h"

#include <algorithm>
#include <vector>

namespace trireme {
namespace {

double multiply_adds(const OpDesc& op) {
  const auto in = [&](int i) -> const Shape& { return op.inputs[size_t(i)].desc.shape; };
  if (std::holds_alternative<Matmul>(op.params)) return double(in(0).rows()) * double(in(1).elements());
  if (std::holds_alternative<MatmulGlu>(op.params)) return 2.0 * double(in(0).rows()) * double(in(1).elements());
  if (std::holds_alternative<GroupedMatmul>(op.params))
    return double(op.outputs[0].shape.elements()) * double(in(1).back());
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
  const bool grouped = std::holds_alternative<GroupedMatmul>(op.params);
  const bool gathers = std::holds_alternative<EmbedRows>(op.params) || std::holds_alternative<GatherRows>(op.params);
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const TensorDesc& desc = op.inputs[i].desc;
    const auto bytes = uint64_t(desc.bytes());
    if (op.inputs[i].constant) cost.weight_bytes += bytes;
    if (gathers && i == 0)
      cost.bytes_moved += uint64_t(op.outputs[0].shape.rows() * desc.format->row_bytes(desc.shape.back()));
    else if (grouped && i == 1)
      cost.bytes_moved += uint64_t(double(bytes) * read_share(op));
    else if (!shared[i])
      cost.bytes_moved += bytes;
  }
  return cost;
}

double read_share(const OpDesc& op) {
  if (!std::holds_alternative<GroupedMatmul>(op.params)) return 1;
  const int64_t experts = op.inputs[1].desc.shape[0], slots = op.inputs[2].desc.shape.elements();
  return double(std::min(experts, slots)) / double(experts);
}

}  // namespace trireme

#include "backends/cpu/operand_map.h"

#include "backends/cpu/weight.h"

namespace trireme::cpu {

OperandMap::OperandMap(const OpDesc& desc, Constants constants) {
  int next_operand = 0;
  size_t next_constant = 0;
  for (size_t i = 0; i < desc.inputs.size(); ++i) {
    if (!desc.inputs[i].constant) {
      inputs_[i].operand = next_operand++;
      continue;
    }
    if (const auto* vector = dynamic_cast<const VectorWeight*>(constants[next_constant].get()))
      inputs_[i].constant = vector->data();
    ++next_constant;
  }
  for (size_t i = 0; i < desc.outputs.size(); ++i) {
    const int alias = aliased_input(desc.params, int(i));
    outputs_[i] = alias >= 0 ? inputs_[size_t(alias)].operand : next_operand++;
  }
}

std::vector<TensorDesc> bound_operands(const OpDesc& desc) {
  std::vector<TensorDesc> bound;
  for (const Operand& input : desc.inputs)
    if (!input.constant) bound.push_back(input.desc);
  for (size_t i = 0; i < desc.outputs.size(); ++i)
    if (aliased_input(desc.params, int(i)) < 0) bound.push_back(desc.outputs[i]);
  return bound;
}

const TensorDesc& row_tensor(const OpDesc& desc) {
  return std::holds_alternative<KvStore>(desc.params) ? desc.inputs.front().desc : desc.outputs.front();
}

}  // namespace trireme::cpu

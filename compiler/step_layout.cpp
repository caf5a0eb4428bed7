#include "compiler/step_layout.h"

#include "compiler/memory_plan.h"

namespace trireme::compiler {

const StepInput* StepLayout::find(std::string_view name) const {
  for (const StepInput& input : inputs)
    if (input.name == name) return &input;
  return nullptr;
}

StepLayout step_layout(const graph::Graph& graph) {
  StepLayout layout;
  layout.token_count_offset = 0;
  layout.output_count_offset = kOffsetAlignment;
  layout.bytes = 2 * kOffsetAlignment;
  for (const graph::ValueId id : graph.values_of(graph::ValueKind::kInput)) {
    const graph::Value& value = graph.value(id);
    const auto bytes = uint64_t(value.desc.bytes());
    layout.inputs.push_back({value.name, layout.bytes, bytes});
    layout.bytes += align_offset(bytes);
  }
  return layout;
}

}  // namespace trireme::compiler

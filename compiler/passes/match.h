// Questions that several rewrites ask of a graph.
#pragma once

#include "graph/graph.h"

namespace trireme::compiler {

// The node of op type `Params` that produces the value, or null when another op or none does.
template <typename Params>
const Params* produced_by(const graph::Graph& graph, graph::ValueId value) {
  const int64_t producer = graph.value(value).producer;
  return producer == graph::kNoNode ? nullptr : std::get_if<Params>(&graph.node(graph::NodeId(producer)).params);
}

inline graph::NodeId producer_of(const graph::Graph& graph, graph::ValueId value) {
  return graph::NodeId(graph.value(value).producer);
}

// Exactly one node reads the value, once, and it is no output of the graph: a rewrite may absorb it.
inline bool has_one_use(const graph::Graph& graph, graph::ValueId value) {
  if (graph.is_output(value)) return false;
  const auto consumers = graph.consumers(value);
  if (consumers.size() != 1) return false;
  int uses = 0;
  for (const graph::ValueId input : graph.node(consumers[0]).inputs) uses += input == value;
  return uses == 1;
}

// A weight or a constant, as biases and the factors of norms are; ops compute with all other values.
inline bool is_constant(const graph::Graph& graph, graph::ValueId value) {
  const graph::ValueKind kind = graph.value(value).kind;
  return kind == graph::ValueKind::kWeight || kind == graph::ValueKind::kConstant;
}

inline bool is_plain_f32(const graph::Graph& graph, graph::ValueId value) {
  return graph.value(value).desc.format == &formats::f32();
}

}  // namespace trireme::compiler

// Verifier: what must hold of every graph, checked after every pass.
#pragma once

#include "graph/graph.h"

namespace trireme::graph {

// Checks that ids are in range and live, each computed value has exactly one producer that lists it, definitions come
// before uses in node_order(), arities and descriptors agree with infer_outputs(), named values are unique and well
// formed, only weights and constants stand where an op reads a constant, aliased storage is overwritten in a line
// (once a store has made a new version of a state, no later node reads or overwrites an older one, nor is it an
// output), layers never decrease, and outputs exist. Linear in the size of the graph but for a logarithm.
// Errors: kInternal naming the node or value and the rule that is broken.
Status verify(const Graph& graph);

}  // namespace trireme::graph

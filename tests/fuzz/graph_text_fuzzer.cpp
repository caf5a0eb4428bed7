// Whatever the text is, it is refused with an error or is a graph that prints and reads back as itself, and that the
// verifier and the readers of a verified graph can take.
#include <cstdlib>
#include <string_view>

#include "graph/text.h"
#include "graph/verifier.h"

using trireme::graph::Graph;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto graph = trireme::graph::parse({reinterpret_cast<const char*>(data), size});
  if (!graph) {
    if (graph.error().message().find('\n') != std::string::npos) std::abort();
    return 0;
  }
  const auto again = trireme::graph::parse(trireme::graph::print(*graph));
  if (!again || !trireme::graph::same_graph(*graph, *again)) std::abort();
  if (const auto sound = trireme::graph::verify(*graph); !sound) {
    if (sound.error().message().find('\n') != std::string::npos) std::abort();
    return 0;
  }
  size_t nodes = 0;
  for (const auto& layer : trireme::graph::layers_of(*graph)) nodes += layer.nodes.size();
  if (nodes != graph->node_order().size()) std::abort();
  for (const trireme::graph::NodeId node : graph->node_order()) (void)graph->op_desc(node).text();
  return 0;
}

#include "compiler/schedule.h"

#include <gtest/gtest.h>

namespace trireme::compiler {
namespace {

using graph::Graph;

TEST(Schedule, IndependentOpsShareALevelAndReshapesTakeNone) {
  Graph graph;
  const TensorDesc rows{{4, 64}, &formats::f32(), RowDomain::kTokens};
  const auto x = graph.add_input("x", rows);
  const auto w = graph.add_weight("w", {{64, 64}, &formats::f32()});
  const auto q = *graph.add(Matmul{}, {x, w}, "q", 0);
  const auto k = *graph.add(Matmul{}, {x, w}, "k", 0);
  const auto heads =
      graph.add_unchecked(Reshape{}, {q}, {{{4, 2, 32}, &formats::f32(), RowDomain::kTokens}}, "heads", 0)[0];
  const auto flat = graph.add_unchecked(Reshape{}, {heads}, {rows}, "flat", 0)[0];
  const auto sum = *graph.add(Binary{}, {flat, k}, "sum", 0);
  graph.set_output("sum", sum);
  const Schedule levels = schedule(graph, graph.node_order());
  ASSERT_EQ(levels.size(), 2u);
  EXPECT_EQ(levels[0].size(), 2u);
  ASSERT_EQ(levels[1].size(), 1u);
  EXPECT_EQ(graph.node(levels[1][0]).label, "sum");
}

}  // namespace
}  // namespace trireme::compiler

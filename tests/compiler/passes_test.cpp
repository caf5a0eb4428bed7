#include "compiler/passes/passes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/compile.h"
#include "graph/verifier.h"

namespace trireme::compiler {
namespace {

using graph::Graph;
using graph::ValueId;
using testing::ElementsAre;

constexpr int64_t kRows = 4;
constexpr int64_t kWidth = 64;

TensorDesc rows(int64_t width = kWidth) { return {{kRows, width}, &formats::f32(), RowDomain::kTokens}; }
TensorDesc weight(int64_t n, int64_t k, const Format& format = formats::f32()) { return {{n, k}, &format}; }

std::vector<std::string> op_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const graph::NodeId id : graph.node_order()) names.emplace_back(op_name(graph.node(id).params));
  return names;
}

// Runs a pass and the verifier behind it.
void apply(Status (*pass)(Graph&), Graph& graph) {
  ASSERT_TRUE(graph::verify(graph)) << graph::verify(graph).error().message();
  const Status status = pass(graph);
  ASSERT_TRUE(status) << status.error().message();
  ASSERT_TRUE(graph::verify(graph)) << graph::verify(graph).error().message();
}

struct Fixture : testing::Test {
  Graph graph;
  ValueId x = graph.add_input("x", rows());
  ValueId matmul(ValueId input, const std::string& name, const Format& format = formats::f32(), Matmul params = {}) {
    return *graph.add(params, {input, graph.add_weight(name, weight(kWidth, kWidth, format))}, name, 0);
  }
  ValueId norm(ValueId input, const std::string& name) {
    return *graph.add(
        RmsNorm{}, {input, graph.add_weight(name, {{graph.value(input).desc.shape.back()}, &formats::f32()})}, name, 0);
  }
};

using GateUp = Fixture;

TEST_F(GateUp, FusesTwoProductsOfTheSameRows) {
  graph.set_output("y", *graph.add(Glu{Activation::kGeluTanh}, {matmul(x, "gate"), matmul(x, "up")}, "glu", 0));
  apply(fuse_gate_up, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("matmul_glu"));
  const auto& params = std::get<MatmulGlu>(graph.node(graph.node_order()[0]).params);
  EXPECT_EQ(params.activation, Activation::kGeluTanh);
}

TEST_F(GateUp, KeepsAProductThatIsReadElsewhere) {
  const ValueId gate = matmul(x, "gate");
  graph.set_output("y", *graph.add(Glu{}, {gate, matmul(x, "up")}, "glu", 0));
  graph.set_output("gate", gate);
  apply(fuse_gate_up, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("matmul", "matmul", "glu"));
}

TEST_F(GateUp, KeepsProductsOfDifferentRowsAndFormats) {
  const ValueId other = graph.add_input("other", rows());
  graph.set_output("a", *graph.add(Glu{}, {matmul(x, "g1"), matmul(other, "u1")}, "glu", 0));
  graph.set_output("b", *graph.add(Glu{}, {matmul(x, "g2"), matmul(x, "u2", formats::f16())}, "glu", 0));
  apply(fuse_gate_up, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("matmul", "matmul", "glu", "matmul", "matmul", "glu"));
}

using Epilogue = Fixture;

TEST_F(Epilogue, AbsorbsBiasThenResidual) {
  const ValueId bias = graph.add_weight("bias", {{kWidth}, &formats::f32()});
  const ValueId biased = *graph.add(Binary{}, {matmul(x, "w"), bias}, "bias", 0);
  graph.set_output("y", *graph.add(Binary{}, {x, biased}, "residual", 0));
  apply(fuse_matmul_epilogue, graph);
  ASSERT_THAT(op_names(graph), ElementsAre("matmul"));
  const auto& params = std::get<Matmul>(graph.node(graph.node_order()[0]).params);
  EXPECT_TRUE(params.has_bias);
  EXPECT_TRUE(params.has_residual);
}

TEST_F(Epilogue, KeepsSubtractionAndProductsWithOtherReaders) {
  const ValueId product = matmul(x, "w");
  graph.set_output("difference", *graph.add(Binary{Binary::Kind::kSubtract}, {matmul(x, "v"), x}, "subtract", 0));
  graph.set_output("sum", *graph.add(Binary{}, {product, x}, "add", 0));
  graph.set_output("product", product);
  apply(fuse_matmul_epilogue, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("matmul", "matmul", "subtract", "add"));
}

TEST_F(Epilogue, KeepsBiasesThatAreComputedWithAndResidualsThatAreNot) {
  const ValueId given = graph.add_input("given", {{kWidth}, &formats::f32()});
  graph.set_output("biased", *graph.add(Binary{}, {matmul(x, "w"), given}, "bias", 0));
  const ValueId fixed = graph.add_input("fixed", weight(kRows, kWidth));
  const ValueId table = graph.add_weight("table", weight(kRows, kWidth));
  graph.set_output("added", *graph.add(Binary{}, {matmul(fixed, "v"), table}, "add", 0));
  apply(fuse_matmul_epilogue, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("matmul", "add", "matmul", "add"));
}

using ResidualNorm = Fixture;

TEST_F(ResidualNorm, KeepsSumsWithWeights) {
  const ValueId fixed = graph.add_input("fixed", weight(kRows, kWidth));
  const ValueId table = graph.add_weight("table", weight(kRows, kWidth));
  graph.set_output("y", norm(*graph.add(Binary{}, {fixed, table}, "add", 0), "norm"));
  apply(fuse_residual_norm, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("add", "rms_norm"));
}

TEST_F(ResidualNorm, KeepsTheSumForItsOtherReaders) {
  const ValueId other = graph.add_input("other", rows());
  const ValueId sum = *graph.add(Binary{}, {x, other}, "add", 0);
  graph.set_output("sum", sum);
  graph.set_output("y", norm(sum, "norm"));
  apply(fuse_residual_norm, graph);
  ASSERT_THAT(op_names(graph), ElementsAre("fused_norm"));
  const graph::Node& node = graph.node(graph.node_order()[0]);
  EXPECT_EQ(graph.find_output("sum"), node.outputs[0]);
  EXPECT_EQ(graph.find_output("y"), node.outputs[1]);
}

TEST_F(ResidualNorm, KeepsNormsOfProductsAndOfHeads) {
  const ValueId other = graph.add_input("other", rows());
  graph.set_output("a", norm(*graph.add(Binary{Binary::Kind::kMultiply}, {x, other}, "multiply", 0), "n1"));
  const TensorDesc heads{{kRows, 2, 32}, &formats::f32(), RowDomain::kTokens};
  const ValueId p = graph.add_input("p", heads);
  const ValueId q = graph.add_input("q", heads);
  graph.set_output("b", norm(*graph.add(Binary{}, {p, q}, "add", 0), "n2"));
  apply(fuse_residual_norm, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("multiply", "rms_norm", "add", "rms_norm"));
}

struct RopeStoreRewrite : Fixture {
  TensorDesc heads(int64_t count) { return {{kRows, count, 16}, &formats::f32(), RowDomain::kTokens}; }
  TensorDesc ids() { return {{kRows}, &formats::i32(), RowDomain::kTokens}; }
  ValueId q = graph.add_input("q", heads(4));
  ValueId k = graph.add_input("k", heads(2));
  ValueId v = graph.add_input("v", heads(2));
  ValueId positions = graph.add_input("positions", ids());
  ValueId slots = graph.add_input("slots", ids());
  ValueId sequences = graph.add_input("sequences", ids());
  ValueId table = graph.add_input("table", {{1, 2}, &formats::i32()});
  ValueId frequencies = graph.add_constant("f", {{8}, &formats::f32()}, std::vector<float>(8, 0.5f));
  ValueId kcache = graph.add_state("kcache", {{2, 2, 32, 16}, &formats::f16()});
  ValueId vcache = graph.add_state("vcache", {{2, 2, 32, 16}, &formats::f16()});

  void finish(ValueId query, ValueId key, Rope q_rope, Rope k_rope) {
    const ValueId rotated_q = *graph.add(q_rope, {query, positions, frequencies}, "rope_q", 0);
    const ValueId rotated_k = *graph.add(k_rope, {key, positions, frequencies}, "rope_k", 0);
    const auto stored = *graph.add_node(KvStore{}, {rotated_k, v, slots, kcache, vcache}, "store", 0);
    graph.set_output(
        "y", *graph.add(Attention{}, {rotated_q, stored[0], stored[1], table, positions, sequences}, "attention", 0));
  }
};

TEST_F(RopeStoreRewrite, TakesNormsThatBothSidesHave) {
  finish(norm(q, "wq"), norm(k, "wk"), Rope{}, Rope{});
  apply(fuse_rope_store, graph);
  ASSERT_THAT(op_names(graph), ElementsAre("rope_store", "attention"));
  EXPECT_TRUE(std::get<RopeStore>(graph.node(graph.node_order()[0]).params).has_norm);
}

TEST_F(RopeStoreRewrite, LeavesANormThatOnlyOneSideHas) {
  finish(norm(q, "wq"), k, Rope{}, Rope{});
  apply(fuse_rope_store, graph);
  ASSERT_THAT(op_names(graph), ElementsAre("rms_norm", "rope_store", "attention"));
  EXPECT_FALSE(std::get<RopeStore>(graph.node(graph.node_order()[1]).params).has_norm);
}

TEST_F(RopeStoreRewrite, KeepsSidesThatRotateDifferently) {
  finish(q, k, Rope{RopeStyle::kHalves, 1.0f}, Rope{RopeStyle::kHalves, 2.0f});
  apply(fuse_rope_store, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("rope", "rope", "kv_store", "attention"));
}

using Quantize = Fixture;

TEST_F(Quantize, OneQuantizedRowServesEveryProduct) {
  const Format& q8 = *find_format("Q8_0");
  graph.set_output("a", matmul(x, "w1", q8));
  graph.set_output("b", matmul(x, "w2", q8));
  graph.set_output("c", matmul(x, "w3"));
  apply(quantize_activations, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("quantize_q8", "matmul", "matmul", "matmul"));
  EXPECT_EQ(std::get<Matmul>(graph.node(graph.node_order()[1]).params).act, ActScheme::kQ8);
  EXPECT_EQ(std::get<Matmul>(graph.node(graph.node_order()[3]).params).act, ActScheme::kFloat);
}

TEST_F(Quantize, ServesExpertsToo) {
  const ValueId ids = graph.add_input("ids", {{kRows, 2}, &formats::i32(), RowDomain::kTokens});
  const ValueId experts = graph.add_weight("experts", {{3, kWidth, kWidth}, find_format("Q4_0")});
  graph.set_output("y", *graph.add(GroupedMatmul{}, {x, experts, ids}, "experts", 0));
  apply(quantize_activations, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("quantize_q8", "grouped_matmul"));
  EXPECT_EQ(std::get<GroupedMatmul>(graph.node(graph.node_order()[1]).params).act, ActScheme::kQ8);
}

TEST_F(Quantize, GoesIntoTheNormWhenNothingElseReadsIt) {
  const ValueId normed = norm(x, "norm");
  graph.set_output("a", matmul(normed, "w", *find_format("Q4_0")));
  apply(quantize_activations, graph);
  apply(fuse_quantize, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("fused_norm", "matmul"));
}

TEST_F(Quantize, StaysApartWhenTheFloatRowsAreReadToo) {
  const ValueId normed = norm(x, "norm");
  graph.set_output("a", matmul(normed, "w", *find_format("Q4_0")));
  graph.set_output("b", matmul(normed, "v"));
  apply(quantize_activations, graph);
  apply(fuse_quantize, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("rms_norm", "quantize_q8", "matmul", "matmul"));
}

TEST_F(Quantize, TheSumBesideANormIsNotTheNorm) {
  const ValueId sum = *graph.add(Binary{}, {x, graph.add_input("r", rows())}, "sum", 0);
  graph.set_output("y", norm(sum, "norm"));
  graph.set_output("a", matmul(sum, "w", *find_format("Q4_0")));
  apply(fuse_residual_norm, graph);
  apply(quantize_activations, graph);
  apply(fuse_quantize, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("fused_norm", "quantize_q8", "matmul"));
  EXPECT_FALSE(std::get<FusedNorm>(graph.node(graph.node_order()[0]).params).quantize);
}

class QuantizedAttention : public Fixture {
 protected:
  // Of heads so wide, side by side as rows; then a product with integer codes.
  ValueId attended(int64_t columns) {
    const TensorDesc heads{{kRows, 2, columns}, &formats::f32(), RowDomain::kTokens};
    const TensorDesc numbers{{kRows}, &formats::i32(), RowDomain::kTokens};
    const ValueId k_cache = graph.add_state("kcache", {{2, 2, 32, columns}, &formats::f16()});
    const ValueId v_cache = graph.add_state("vcache", {{2, 2, 32, columns}, &formats::f16()});
    const ValueId table = graph.add_input("table", {{1, 2}, &formats::i32(), RowDomain::kFixed});
    const ValueId positions = graph.add_input("positions", numbers), sequences = graph.add_input("sequences", numbers);
    const ValueId y = *graph.add(
        Attention{}, {graph.add_input("q", heads), k_cache, v_cache, table, positions, sequences}, "attention", 0);
    const TensorDesc joined{{kRows, 2 * columns}, &formats::f32(), RowDomain::kTokens};
    const ValueId row = graph.add_unchecked(Reshape{}, {y}, {joined}, "join", 0)[0];
    const ValueId w = graph.add_weight("w", {{kWidth, 2 * columns}, find_format("Q8_0")});
    graph.set_output("y", *graph.add(Matmul{}, {row, w}, "matmul", 0));
    return y;
  }
};

TEST_F(QuantizedAttention, TakesTheQuantisationOfItsHeadsSideBySide) {
  attended(32);
  apply(quantize_activations, graph);
  apply(fuse_quantize, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("attention", "matmul"));
  EXPECT_TRUE(std::get<Attention>(graph.node(graph.node_order()[0]).params).quantize);
}

TEST_F(QuantizedAttention, LeavesItWhereAGroupHasSeveralHeads) {
  attended(16);
  apply(quantize_activations, graph);
  apply(fuse_quantize, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("attention", "reshape", "quantize_q8", "matmul"));
}

TEST_F(QuantizedAttention, LeavesItWhereTheFloatHeadsAreReadToo) {
  graph.set_output("heads", attended(32));
  apply(quantize_activations, graph);
  apply(fuse_quantize, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("attention", "reshape", "quantize_q8", "matmul"));
}

using Canonical = Fixture;

TEST_F(Canonical, DropsReshapesThatUndoEachOther) {
  const TensorDesc heads{{kRows, 4, 16}, &formats::f32(), RowDomain::kTokens};
  const ValueId split = graph.add_unchecked(Reshape{}, {x}, {heads}, "split", 0)[0];
  const ValueId joined = graph.add_unchecked(Reshape{}, {split}, {rows()}, "join", 0)[0];
  graph.set_output("y", matmul(joined, "w"));
  apply(canonicalize, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("matmul"));
}

TEST_F(Canonical, FoldsTheEmbeddingScaleOnce) {
  const ValueId ids = graph.add_input("ids", {{kRows}, &formats::i32(), RowDomain::kTokens});
  const ValueId embedded = *graph.add(EmbedRows{}, {graph.add_weight("table", weight(10, kWidth)), ids}, "embed", -1);
  const ValueId scaled = *graph.add(Scale{3.0f}, {embedded}, "scale", -1);
  graph.set_output("y", *graph.add(Scale{2.0f}, {scaled}, "again", -1));
  apply(canonicalize, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("embed_rows", "scale"));
  EXPECT_EQ(std::get<EmbedRows>(graph.node(graph.node_order()[0]).params).scale, 3.0f);
}

TEST_F(Canonical, KeepsStoresThatNothingReads) {
  const ValueId k = graph.add_input("k", {{kRows, 2, 16}, &formats::f32(), RowDomain::kTokens});
  const ValueId slots = graph.add_input("slots", {{kRows}, &formats::i32(), RowDomain::kTokens});
  const ValueId kcache = graph.add_state("kcache", {{2, 2, 32, 16}, &formats::f16()});
  const ValueId vcache = graph.add_state("vcache", {{2, 2, 32, 16}, &formats::f16()});
  ASSERT_TRUE(graph.add_node(KvStore{}, {k, k, slots, kcache, vcache}, "store", 0));
  ASSERT_TRUE(graph.add(Scale{2.0f}, {x}, "unused", 0));
  graph.set_output("y", *graph.add(Scale{3.0f}, {x}, "used", 0));
  apply(eliminate_dead_code, graph);
  EXPECT_THAT(op_names(graph), ElementsAre("kv_store", "scale"));
}

}  // namespace
}  // namespace trireme::compiler

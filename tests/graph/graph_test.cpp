// The graph as passes rewrite it: ids stay, order and uses follow.
#include "graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/verifier.h"
#include "hal/operands.h"

namespace trireme::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class GraphTest : public ::testing::Test {
 protected:
  GraphTest() {
    x_ = graph_.add_input("x", {Shape{4, 8}, &formats::f32(), RowDomain::kTokens});
    a_ = *graph_.add(Scale{2}, {x_}, "a", 0);
    b_ = *graph_.add(Scale{3}, {a_}, "b", 0);
    c_ = *graph_.add(Binary{}, {a_, b_}, "c", 1);
    graph_.set_output("y", c_);
  }
  NodeId node_of(ValueId value) const { return NodeId(graph_.value(value).producer); }

  Graph graph_;
  ValueId x_, a_, b_, c_;
};

TEST_F(GraphTest, KnowsWhoReadsAValue) {
  EXPECT_THAT(graph_.consumers(a_), ElementsAre(node_of(b_), node_of(c_)));
  EXPECT_THAT(graph_.consumers(c_), IsEmpty());
  EXPECT_TRUE(graph_.is_output(c_));
  EXPECT_FALSE(graph_.is_output(a_));
}

TEST_F(GraphTest, RewritesAPairIntoOneNodeInPlace) {
  graph_.insert_before(node_of(c_));
  const ValueId fused = *graph_.add(Scale{6}, {x_}, "fused", 0);
  graph_.insert_before(std::nullopt);
  graph_.replace_all_uses(b_, fused);
  ASSERT_TRUE(graph_.erase_node(node_of(b_)));
  EXPECT_THAT(graph_.node_order(), ElementsAre(node_of(a_), node_of(fused), node_of(c_)));
  EXPECT_THAT(graph_.node(node_of(c_)).inputs, ElementsAre(a_, fused));
  EXPECT_TRUE(verify(graph_));
}

TEST_F(GraphTest, ReplacesUsesInOutputsToo) {
  graph_.replace_all_uses(c_, b_);
  EXPECT_EQ(graph_.find_output("y"), b_);
  EXPECT_TRUE(graph_.erase_node(node_of(c_)));
  EXPECT_TRUE(verify(graph_));
}

TEST_F(GraphTest, DoesNotEraseWhatIsUsed) {
  EXPECT_FALSE(graph_.erase_node(node_of(a_)));
  EXPECT_FALSE(graph_.erase_node(node_of(c_))) << "it is an output of the graph";
  EXPECT_FALSE(graph_.erase_value(x_));
  EXPECT_FALSE(graph_.erase_value(a_)) << "only its node can be erased";
  EXPECT_TRUE(verify(graph_));
}

TEST_F(GraphTest, ErasesUnusedNamedValues) {
  const ValueId unused = graph_.add_weight("unused", {Shape{8}, &formats::f32()});
  EXPECT_EQ(graph_.find("unused"), unused);
  ASSERT_TRUE(graph_.erase_value(unused));
  EXPECT_EQ(graph_.find("unused"), std::nullopt);
  EXPECT_THAT(graph_.values_of(ValueKind::kWeight), IsEmpty());
  EXPECT_TRUE(verify(graph_));
}

TEST_F(GraphTest, GoesOnAtTheEndWhenTheInsertionPointIsErased) {
  graph_.replace_all_uses(b_, a_);
  graph_.insert_before(node_of(b_));
  ASSERT_TRUE(graph_.erase_node(node_of(b_)));
  const ValueId last = *graph_.add(Scale{}, {c_}, "last", 1);
  EXPECT_EQ(graph_.node_order().back(), node_of(last));
}

TEST_F(GraphTest, AnOutputOfTheSameNameIsReplaced) {
  graph_.set_output("y", b_);
  ASSERT_EQ(graph_.outputs().size(), 1u);
  EXPECT_EQ(graph_.outputs()[0].value, b_);
}

TEST_F(GraphTest, RefusesNodesOverValuesThatAreGone) {
  const auto unknown = graph_.add(Scale{}, {ValueId(99)}, "unknown", 1);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), ErrorCode::kInternal);
  const auto misshapen = graph_.add(Glu{}, {x_, graph_.add_input("z", {Shape{4, 9}, &formats::f32()})}, "misshapen", 1);
  ASSERT_FALSE(misshapen);
  EXPECT_THAT(misshapen.error().message(), HasSubstr("misshapen"));
}

TEST_F(GraphTest, FollowsStorageThroughViewsAndStores) {
  const TensorDesc cache{Shape{2, 1, 4, 8}, &formats::f32()};
  const ValueId k = graph_.add_state("k", cache);
  const ValueId v = graph_.add_state("v", cache);
  const ValueId slots = graph_.add_input("slots", {Shape{4}, &formats::i32(), RowDomain::kTokens});
  const ValueId heads = *graph_.add_reshape(a_, {4, 1, 8}, "heads", 1);
  const auto stored = *graph_.add_node(KvStore{}, {heads, heads, slots, k, v}, "store", 1);
  EXPECT_EQ(graph_.storage_root(heads), a_);
  EXPECT_EQ(graph_.storage_root(stored[0]), k);
  EXPECT_EQ(graph_.storage_root(*graph_.add_reshape(stored[1], {2, 32}, "view", 1)), v);
  const std::vector<LayerInfo> layers = layers_of(graph_);
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_THAT(layers[1].states, ElementsAre(k, v));
}

TEST_F(GraphTest, DescribesNodesForDevices) {
  const ValueId w = graph_.add_weight("w", {Shape{8}, &formats::f32()});
  const ValueId y = *graph_.add(RmsNorm{}, {x_, w}, "norm", 1);
  const OpDesc desc = graph_.op_desc(node_of(y));
  EXPECT_EQ(desc.text(), "rms_norm norm (F32[tokens<=4, 8], F32[8]) -> F32[tokens<=4, 8]");
  EXPECT_FALSE(desc.inputs[0].constant);
  EXPECT_TRUE(desc.inputs[1].constant);
}

TEST_F(GraphTest, SameGraphSeesEveryDifference) {
  Graph other = graph_;
  EXPECT_TRUE(same_graph(graph_, other));
  other.mutable_node(node_of(a_)).params = Scale{2.5f};
  EXPECT_FALSE(same_graph(graph_, other));
  other = graph_;
  other.mutable_node(node_of(a_)).label = "other";
  EXPECT_FALSE(same_graph(graph_, other));
  other = graph_;
  other.mutable_node(node_of(c_)).layer = 2;
  EXPECT_FALSE(same_graph(graph_, other));
  other = graph_;
  other.mutable_node(node_of(c_)).inputs = {b_, a_};
  EXPECT_FALSE(same_graph(graph_, other));
  other = graph_;
  other.mutable_value(x_).name = "z";
  EXPECT_FALSE(same_graph(graph_, other));
  other = graph_;
  other.mutable_value(b_).desc.rows = RowDomain::kFixed;
  EXPECT_FALSE(same_graph(graph_, other));
  other = graph_;
  other.set_output("y", b_);
  EXPECT_FALSE(same_graph(graph_, other));
  other = graph_;
  other.set_output("z", b_);
  EXPECT_FALSE(same_graph(graph_, other));
  Graph minus = graph_;
  minus.add_constant("c", {Shape{1}, &formats::f32()}, {-0.0f});
  other = graph_;
  other.add_constant("c", {Shape{1}, &formats::f32()}, {0.0f});
  EXPECT_FALSE(same_graph(minus, other));
}

TEST_F(GraphTest, SameGraphDoesNotSeeIds) {
  Graph renumbered = graph_;
  renumbered.insert_before(node_of(b_));
  const ValueId copy = *renumbered.add(Scale{2}, {x_}, "a", 0);
  renumbered.replace_all_uses(a_, copy);
  ASSERT_TRUE(renumbered.erase_node(node_of(a_)));
  EXPECT_TRUE(same_graph(graph_, renumbered));
}

TEST(OperandsTest, SayWhatDevicesPrepare) {
  EXPECT_EQ(weight_use(EmbedRows{}, 0), WeightUse::kEmbedding);
  EXPECT_EQ(weight_use(EmbedRows{}, 1), std::nullopt);
  const Matmul matmul{ActScheme::kFloat, true, true};
  EXPECT_EQ(weight_use(matmul, 0), std::nullopt);
  EXPECT_EQ(weight_use(matmul, 1), WeightUse::kMatmul);
  EXPECT_EQ(weight_use(matmul, 2), WeightUse::kVector);
  EXPECT_EQ(weight_use(matmul, 3), std::nullopt);
  EXPECT_EQ(weight_use(Matmul{ActScheme::kFloat, false, true}, 2), std::nullopt);
  EXPECT_EQ(weight_use(MatmulGlu{}, 2), WeightUse::kMatmul);
  EXPECT_EQ(weight_use(GroupedMatmul{}, 1), WeightUse::kMatmul);
  EXPECT_EQ(weight_use(GroupedMatmul{}, 2), std::nullopt);
  EXPECT_EQ(weight_use(FusedNorm{{}, false, false}, 1), WeightUse::kVector);
  EXPECT_EQ(weight_use(FusedNorm{{}, true, false}, 1), std::nullopt);
  EXPECT_EQ(weight_use(FusedNorm{{}, true, false}, 2), WeightUse::kVector);
  EXPECT_EQ(weight_use(Rope{}, 2), WeightUse::kVector);
  std::vector<int> vectors;
  for (int i = 0; i < 10; ++i)
    if (weight_use(RopeStore{{}, true, {}}, i)) vectors.push_back(i);
  EXPECT_THAT(vectors, ElementsAre(3, 4, 6));
  EXPECT_EQ(weight_use(RopeStore{}, 4), WeightUse::kVector);
  EXPECT_EQ(weight_use(RopeStore{}, 3), std::nullopt);
}

}  // namespace
}  // namespace trireme::graph

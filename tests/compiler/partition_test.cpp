#include "compiler/partition.h"

#include <gmock/gmock.h>

#include <set>

#include "compiler/compile.h"
#include "hal/operands.h"
#include "tests/hal/forwarding_device.h"

namespace trireme::compiler {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Only judges ops: it can't do those of the given names.
class Judge final : public ForwardingDevice {
 public:
  Judge(std::string id, std::set<std::string> refused) : ForwardingDevice(nullptr), refused_(std::move(refused)) {
    info_.id = std::move(id);
  }
  const DeviceInfo& info() const override { return info_; }
  std::vector<Assessment> assess(std::span<const OpDesc> ops) const override {
    std::vector<Assessment> answers;
    for (const OpDesc& op : ops) {
      if (refused_.contains(std::string(op_name(op.params))))
        answers.emplace_back(Unsupported{"it does not want to"});
      else
        answers.emplace_back(OpCost{.workspace_bytes = info_.id == "main:0" ? 16u : 32u});
    }
    return answers;
  }

 private:
  DeviceInfo info_;
  std::set<std::string> refused_;
};

Placement on(std::set<std::string> refused, std::set<std::string> refused_by_fallback, bool allowed = true) {
  Placement placement = Placement::on(std::make_shared<Judge>("main:0", std::move(refused)), 2);
  placement.devices.push_back(std::make_shared<Judge>("other:0", std::move(refused_by_fallback)));
  if (allowed) placement.fallback = 1;
  return placement;
}

TensorDesc rows(Shape shape) { return {shape, &formats::f32(), RowDomain::kTokens}; }
TensorDesc numbers() { return {{4}, &formats::i32(), RowDomain::kTokens}; }

// q = x W (layer 0, seen as heads), stored and attended to, and then two independent chains, of silu and of softmax.
Graph sample() {
  Graph graph;
  const ValueId x = graph.add_input("x", rows({4, 64}));
  const ValueId slots = graph.add_input("slots", numbers()), positions = graph.add_input("positions", numbers());
  const ValueId sequences = graph.add_input("sequences", numbers());
  const ValueId table = graph.add_input("table", {{1, 1}, &formats::i32()});
  const TensorDesc cache{{1, 2, 32, 32}, &formats::f16()};
  const ValueId k_cache = graph.add_state("k", cache), v_cache = graph.add_state("v", cache);
  const ValueId q = *graph.add(Matmul{}, {x, graph.add_weight("w", {{64, 64}, &formats::f32()})}, "q", 0);
  const ValueId heads = *graph.add_reshape(q, {4, 2, 32}, "heads", 0);
  const auto stored = *graph.add_node(KvStore{}, {heads, heads, slots, k_cache, v_cache}, "store", 0);
  const ValueId attended =
      *graph.add(Attention{}, {heads, stored[0], stored[1], table, positions, sequences}, "attention", 0);
  const ValueId flat = *graph.add_reshape(attended, {4, 64}, "flat", 1);
  const ValueId a = *graph.add(Unary{}, {flat}, "a", 1), b = *graph.add(Softmax{}, {flat}, "b", 1);
  const ValueId a2 = *graph.add(Unary{}, {a}, "a2", 2), b2 = *graph.add(Softmax{}, {b}, "b2", 2);
  graph.set_output("sum", *graph.add(Binary{}, {a2, b2}, "sum", 2));
  return graph;
}

// "main: q store, other: a"
std::vector<std::string> texts(const Graph& graph, const Partition& partition) {
  std::vector<std::string> found;
  for (const PartNodes& part : partition.parts) {
    found.push_back(part.device == 0 ? "main:" : "other:");
    for (const NodeId node : part.nodes) found.back() += " " + graph.node(node).label;
  }
  return found;
}

TEST(Partition, IsOnePartWhereTheDeviceDoesEverything) {
  const Graph graph = sample();
  const auto found = partition(graph, on({}, {}));
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_THAT(texts(graph, *found), ElementsAre("main: q store attention a b a2 b2 sum"));
  EXPECT_EQ(found->parts[0].first_layer, 0);
  EXPECT_EQ(found->parts[0].last_layer, 2);
}

TEST(Partition, TakesTurnsNoMoreThanItMust) {
  const Graph graph = sample();
  const auto found = partition(graph, on({"softmax"}, {}));
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_THAT(texts(graph, *found), ElementsAre("main: q store attention a a2", "other: b b2", "main: sum"));
  EXPECT_EQ(found->costs[found->parts[0].nodes[0]].workspace_bytes, 16u);
  EXPECT_EQ(found->costs[found->parts[1].nodes[0]].workspace_bytes, 32u) << "of the device that does it";
}

TEST(Partition, OpsThatShareAStateStayTogether) {
  const Graph graph = sample();
  for (const char* refused : {"kv_store", "attention"}) {
    const auto found = partition(graph, on({refused}, {}));
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_THAT(texts(graph, *found), ElementsAre("main: q", "other: store attention", "main: a b a2 b2 sum"));
  }
  const auto impossible = partition(graph, on({"kv_store"}, {"attention"}));
  EXPECT_THAT(impossible.error().message(), HasSubstr("attention attention"));
}

TEST(Partition, KeepsToTheRangesOfLayers) {
  const Graph graph = sample();
  Placement placement = on({"softmax"}, {});
  placement.ranges = {{-1, 1, 0}, {2, 2, 1}};
  const auto found = partition(graph, placement);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_THAT(texts(graph, *found), ElementsAre("main: q store attention a", "other: b", "other: a2 b2 sum"));
}

TEST(Partition, WithoutPermissionAnOpIsRefusedByName) {
  const auto refused = partition(sample(), on({"attention"}, {}, false));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message(), testing::StartsWith("attention attention (F32[tokens<=4, 2, 32]"));
  EXPECT_THAT(refused.error().message(), HasSubstr("main:0 cannot do it: it does not want to"));
}

TEST(Partition, EachRefusedOpIsNamed) {
  const auto refused = partition(sample(), on({"softmax", "unary", "add"}, {"unary"}));
  ASSERT_FALSE(refused);
  const std::string message = refused.error().message();
  EXPECT_THAT(message, testing::StartsWith("2 ops: unary a ("));
  EXPECT_THAT(message, HasSubstr(". unary a2 ("));
  EXPECT_THAT(message, HasSubstr("main:0 cannot do it: it does not want to, and other:0 cannot do it"));
  EXPECT_THAT(message, Not(HasSubstr("softmax")));
}

TEST(Partition, RefusedOpsThatDifferByTheirLayerAreNamedTogether) {
  Graph graph;
  ValueId x = graph.add_input("x", rows({4, 64}));
  for (const int layer : {0, 1, 2, 2, 4, 11})
    x = *graph.add(Unary{}, {x}, "blk." + std::to_string(layer) + ".act", layer);
  graph.set_output("x", *graph.add(Unary{}, {x}, "last", 11));
  Placement placement = on({"unary"}, {}, false);
  placement.ranges = {{-1, 11, 0}};
  const std::string message = partition(graph, placement).error().message();
  EXPECT_THAT(message, testing::StartsWith("7 ops: unary blk.0.act ("));
  EXPECT_THAT(message, HasSubstr(" and so in layers 1 to 2, 4, 11: main:0 cannot do it"));
  EXPECT_THAT(message, HasSubstr(". unary last ("));
}

}  // namespace
}  // namespace trireme::compiler

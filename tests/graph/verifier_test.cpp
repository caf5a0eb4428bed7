// The verifier passes a sound graph and catches each fault that is planted in it.
#include "graph/verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trireme::graph {
namespace {

using ::testing::HasSubstr;

TensorDesc rows(Shape shape, const Format& format = formats::f32()) { return {shape, &format, RowDomain::kTokens}; }
TensorDesc fixed(Shape shape, const Format& format = formats::f32()) { return {shape, &format, RowDomain::kFixed}; }

// x -> norm -> heads -> stored twice and attended.
class VerifierTest : public ::testing::Test {
 protected:
  VerifierTest() {
    x_ = graph_.add_input("x", rows({6, 16}));
    numbers_ = graph_.add_input("numbers", rows({6}, formats::i32()));
    table_ = graph_.add_input("table", fixed({2, 5}, formats::i32()));
    weight_ = graph_.add_weight("weight", fixed({16}));
    k_ = graph_.add_state("k", fixed({3, 2, 16, 8}, formats::f16()));
    v_ = graph_.add_state("v", fixed({3, 2, 16, 8}, formats::f16()));
    norm_ = *graph_.add(RmsNorm{}, {x_, weight_}, "norm", 0);
    heads_ = *graph_.add_reshape(norm_, {6, 2, 8}, "heads", 0);
    stored_ = *graph_.add_node(KvStore{}, {heads_, heads_, numbers_, k_, v_}, "store", 0);
    attended_ = *graph_.add(Attention{}, {heads_, stored_[0], stored_[1], table_, numbers_, numbers_}, "attention", 1);
    graph_.set_output("y", attended_);
  }

  Node& producer(ValueId value) { return graph_.mutable_node(NodeId(graph_.value(value).producer)); }

  void expect_fault(std::string_view why) {
    const Status status = verify(graph_);
    ASSERT_FALSE(status) << "expected: " << why;
    EXPECT_EQ(status.error().code(), ErrorCode::kInternal);
    EXPECT_THAT(status.error().message(), HasSubstr(std::string(why)));
  }

  Graph graph_;
  ValueId x_, numbers_, table_, weight_, k_, v_, norm_, heads_, attended_;
  std::vector<ValueId> stored_;
};

TEST_F(VerifierTest, PassesASoundGraph) {
  const Status status = verify(graph_);
  EXPECT_TRUE(status) << status.error().message();
}

TEST_F(VerifierTest, CatchesAnInputThatDoesNotExist) {
  producer(norm_).inputs[0] = ValueId(graph_.value_count());
  expect_fault("an input does not exist");
}

TEST_F(VerifierTest, CatchesAUseBeforeTheDefinition) {
  const auto late = *graph_.add(RmsNorm{}, {x_, weight_}, "late", 1);
  producer(heads_).inputs[0] = late;
  expect_fault("input 0 is not defined before it");
}

TEST_F(VerifierTest, CatchesAnErasedInput) {
  graph_.mutable_value(x_).erased = true;
  expect_fault("input 0 is not defined before it");
}

TEST_F(VerifierTest, CatchesOutputsThatDisagreeWithTheirProducer) {
  graph_.mutable_value(norm_).producer = graph_.value(heads_).producer;
  expect_fault("does not name it as its producer");
}

TEST_F(VerifierTest, CatchesSwappedOutputs) {
  std::swap(producer(stored_[0]).outputs[0], producer(stored_[0]).outputs[1]);
  expect_fault("does not name it as its producer");
}

TEST_F(VerifierTest, CatchesAValueDefinedTwice) {
  producer(stored_[0]).outputs[1] = stored_[0];
  expect_fault("does not name it as its producer");
}

TEST_F(VerifierTest, CatchesAValueThatNoNodeLists) {
  graph_.mutable_node(NodeId(graph_.value(attended_).producer)).outputs.clear();
  expect_fault("its outputs are not what its inputs give");
}

TEST_F(VerifierTest, CatchesAShapeThatInferenceDoesNotGive) {
  graph_.mutable_value(norm_).desc.shape[1] = 32;
  expect_fault("its outputs are not what its inputs give");
}

TEST_F(VerifierTest, CatchesOperandsThatDoNotFit) {
  graph_.mutable_value(weight_).desc.shape[0] = 15;
  expect_fault("input 1 is F32[15]");
}

TEST_F(VerifierTest, CatchesTheWrongNumberOfInputs) {
  producer(norm_).inputs.pop_back();
  expect_fault("it takes 2 inputs");
}

TEST_F(VerifierTest, CatchesAWeightThatIsComputed) {
  graph_.mutable_value(weight_).kind = ValueKind::kInput;
  expect_fault("input 1 must be a weight or a constant");
}

TEST_F(VerifierTest, CatchesAWeightWhereAValueIsRead) {
  const ValueId w = graph_.add_weight("matrix", fixed({6, 16}));
  graph_.set_output("z", *graph_.add(Scale{}, {w}, "scale", 1));
  expect_fault("input 0 is a weight where the op reads a computed value");
}

TEST_F(VerifierTest, AllowsAVectorOfWeightsInAnElementwiseOp) {
  graph_.set_output("z", *graph_.add(Binary{}, {x_, weight_}, "add", 1));
  EXPECT_TRUE(verify(graph_));
}

TEST_F(VerifierTest, CatchesAnOldVersionOfAStateBeingRead) {
  producer(attended_).inputs[1] = k_;
  expect_fault("input 1 is an old version of a state");
}

TEST_F(VerifierTest, CatchesAnOldVersionBehindAReshape) {
  const ValueId f32_state = graph_.add_state("s", fixed({3, 2, 16, 8}));
  const ValueId s2 = graph_.add_state("s2", fixed({3, 2, 16, 8}));
  const ValueId view = *graph_.add_reshape(f32_state, {3, 256}, "view", 1);
  const auto stored = *graph_.add_node(KvStore{}, {heads_, heads_, numbers_, f32_state, s2}, "store", 1);
  const ValueId new_view = *graph_.add_reshape(stored[0], {3, 256}, "new_view", 1);
  graph_.set_output("z", *graph_.add(Scale{}, {new_view}, "scale", 1));
  EXPECT_TRUE(verify(graph_));
  graph_.set_output("z", *graph_.add(Scale{}, {view}, "scale", 1));
  expect_fault("input 0 is an old version of a state");
}

TEST_F(VerifierTest, CatchesTwoStoresIntoOneVersion) {
  const auto again = *graph_.add_node(KvStore{}, {heads_, heads_, numbers_, k_, v_}, "again", 1);
  graph_.set_output("z", again[0]);
  expect_fault("input 3 is an old version of a state");
}

TEST_F(VerifierTest, AllowsStoresInALine) {
  const auto again = *graph_.add_node(KvStore{}, {heads_, heads_, numbers_, stored_[0], stored_[1]}, "again", 1);
  graph_.set_output("z",
                    *graph_.add(Attention{}, {heads_, again[0], again[1], table_, numbers_, numbers_}, "reads", 1));
  const Status status = verify(graph_);
  EXPECT_TRUE(status) << status.error().message();
}

TEST_F(VerifierTest, CatchesAnOldVersionAsAnOutput) {
  graph_.set_output("old", k_);
  expect_fault("it is an old version of a state");
}

TEST_F(VerifierTest, CatchesOneStateStoredIntoTwiceAtOnce) {
  producer(stored_[0]).inputs[4] = k_;
  expect_fault("it overwrites one state twice");
}

TEST_F(VerifierTest, CatchesAStoreIntoSomethingElse) {
  graph_.mutable_value(k_).kind = ValueKind::kInput;
  expect_fault("it overwrites something that is not a state");
}

TEST_F(VerifierTest, CatchesLayersThatGoBack) {
  producer(attended_).layer = -1;
  expect_fault("its layer is smaller");
}

TEST_F(VerifierTest, CatchesDuplicateAndMissingNames) {
  graph_.mutable_value(numbers_).name = "x";
  expect_fault("another value has the same name");
  graph_.mutable_value(numbers_).name = "";
  expect_fault("it has no name");
}

TEST_F(VerifierTest, CatchesNamedValuesThatAreMalformed) {
  graph_.mutable_value(weight_).desc.rows = RowDomain::kTokens;
  expect_fault("only inputs and computed values may have a row domain");
  graph_.mutable_value(weight_).desc.format = nullptr;
  expect_fault("it has no format");
  graph_.mutable_value(weight_).desc = fixed({0});
  expect_fault("it has an empty dimension");
  graph_.mutable_value(weight_).desc = fixed({16});
  graph_.mutable_value(weight_).producer = 0;
  expect_fault("it is not computed but has a producer");
}

TEST_F(VerifierTest, CatchesConstantsWithoutTheirNumbers) {
  const ValueId constant = graph_.add_constant("c", fixed({2}), {1.0f, 2.0f});
  EXPECT_TRUE(verify(graph_));
  graph_.mutable_value(constant).data.pop_back();
  expect_fault("it has the wrong number of elements");
  graph_.mutable_value(constant).desc = {Shape{1}, &formats::f16()};
  expect_fault("a constant must be F32");
  graph_.mutable_value(x_).data = {1.0f};
  expect_fault("it has the wrong number of elements");
}

TEST_F(VerifierTest, CatchesErasedNodesThatRunAndLiveOnesThatDoNot) {
  producer(norm_).erased = true;
  expect_fault("it is erased but still runs");
}

TEST_F(VerifierTest, CatchesOutputsOfTheGraphThatAreNotThere) {
  Graph empty;
  EXPECT_FALSE(verify(empty));
  graph_.mutable_value(attended_).erased = true;
  expect_fault("an output does not exist");
}

TEST_F(VerifierTest, CatchesAnOutputWithoutAValue) {
  graph_.set_output("z", ValueId(graph_.value_count()));
  expect_fault("its value does not exist");
}

TEST_F(VerifierTest, CatchesAnOutputWithoutAName) {
  graph_.set_output("", attended_);
  expect_fault("its name is empty");
}

TEST_F(VerifierTest, CatchesAComputedValueThatNothingProduces) {
  graph_.mutable_value(table_).kind = ValueKind::kComputed;
  expect_fault("input 3 is not defined before it");
}

}  // namespace
}  // namespace trireme::graph

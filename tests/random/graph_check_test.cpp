// What random graphs find, and that what they find is real.
#include "tests/random/graph_check.h"

#include <gmock/gmock.h>

#include <numeric>

#include "graph/text.h"
#include "hal/validation.h"
#include "tests/compiler/interpreter_device.h"
#include "tests/conformance/random.h"
#include "tests/hal/forwarding_device.h"
#include "tests/random/devices.h"
#include "tests/random/graph_generator.h"
#include "tests/random/graph_reducer.h"

namespace trireme::random {
namespace {

using testing::HasSubstr;

std::shared_ptr<Device> reference() { return *open_op_device("reference:0"); }

TEST(RandomGraphs, ASeedGivesOneGraph) {
  for (const char* seed : {"1", "2", "3"}) {
    const auto first = random_graph(seed), second = random_graph(seed);
    ASSERT_TRUE(first) << first.error().message();
    EXPECT_TRUE(graph::same_graph(first->graph, second->graph));
    EXPECT_EQ(first->contents, second->contents);
  }
  EXPECT_FALSE(graph::same_graph(random_graph("1")->graph, random_graph("2")->graph));
}

TEST(RandomGraphs, AllDevicesGiveWhatTheyMay) {
  const Validation validation;
  std::vector<std::shared_ptr<Device>> devices = {*compiler::test::open_interpreter(),
                                                  *compiler::test::open_vector_interpreter(16)};
  for (const char* id : {"reference:0", "cpu:0", "vulkan:0", "opencl:0"}) devices.push_back(*open_op_device(id));
  for (auto& device : devices) device = validate(device, validation);
  GraphCheck check(validate(reference(), validation), devices);
  for (int i = 0; i < 3; ++i) {
    const auto finding = check.check("test " + std::to_string(i));
    EXPECT_FALSE(finding) << finding->seed << ": " << finding->what << "\n" << finding->reduced;
  }
  EXPECT_EQ(check.counts().runs, 18);
  for (const Error& finding : validation.findings()) ADD_FAILURE() << finding.message();
}

// Nothing lets these two wait for each other, both have groups of 64 items, and a rope alone has barriers. Each ends in
// a store that some items leave out.
TEST(RandomGraphs, BarriersBesideAnotherOpHoldOnOpenCl) {
  const auto parsed = graph::parse(R"(weight @table : F32[32, 96]
input @ids : I32[tokens<=32]
input @positions : I32[tokens<=32]
input @heads : F32[tokens<=32, 3, 3]
constant @frequencies : F32[1] = 1
%0 = embed_rows(@table, @ids) {scale=1.7} : F32[tokens<=32, 96] ; layer 0 "embed_rows"
%1 = rope(@heads, @positions, @frequencies) {style=interleaved magnitude=1.3} : F32[tokens<=32, 3, 3] ; layer 0 "rope"
output @rows = %0
output @turned = %1
)");
  ASSERT_TRUE(parsed) << parsed.error().message();
  GraphCase test;
  test.graph = *parsed;
  test.token_count = 32;
  std::vector<int32_t> numbers(32);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::vector<float> values(32 * 96);
  std::iota(values.begin(), values.end(), 1.0f);
  test.contents["table"] = conformance::bytes_of(values);
  values.resize(32 * 3 * 3);
  test.contents["heads"] = conformance::bytes_of(values);
  test.contents["ids"] = test.contents["positions"] = conformance::bytes_of(numbers);
  GraphCheck check(reference(), {*open_op_device("opencl:0")});
  const auto failed = check.failure(test, {});
  EXPECT_FALSE(failed) << *failed;
}

// Turned heads that round to neighbours in f16, errors that overflow in softmax, and exp that ends above the least
// normal number.
TEST(RandomGraphs, BoundsHoldWhereErrorsGrowLargeOrRoundingsPart) {
  GraphCheck check(reference(), {*open_op_device("cpu:0"), *compiler::test::open_interpreter()});
  for (const char* seed : {"101444", "101785", "101836", "103065", "104125", "105638"}) {
    const auto finding = check.check(seed);
    EXPECT_FALSE(finding) << finding->seed << ": " << finding->what << "\n" << finding->reduced;
  }
}

// Bounds that let everything pass would find nothing: most results must show an error of one part in a hundred.
TEST(RandomGraphs, AnElementThatIsOffByAHundredthIsFound) {
  GraphCheck check(reference(), {});
  int changed = 0, found = 0;
  for (int i = 0; i < 60; ++i) {
    const auto test = random_graph("test " + std::to_string(i));
    ASSERT_TRUE(test) << test.error().message();
    graph::Graph rewritten = test->graph;
    ASSERT_TRUE(compiler::optimize(rewritten)) << i;
    const auto values = evaluate(rewritten, *test, *reference(), NumericTraits{});
    ASSERT_TRUE(values) << values.error().message();
    conformance::Random random("element " + std::to_string(i));
    for (const auto& [name, judged] : judged_results(rewritten, *values)) {
      if (judged.desc.format != &formats::f32()) continue;
      EXPECT_FALSE(GraphCheck::difference(*test, judged, judged.bytes));
      auto wrong = conformance::values_of<float>(judged.bytes);
      const auto numbers = counted_numbers(*test, judged.desc, judged.bytes);
      const auto at = size_t(random.integer(0, int64_t(numbers->size()) - 1));
      if (wrong[at] == 0) continue;
      wrong[at] *= 1.01f;
      ++changed;
      found += GraphCheck::difference(*test, judged, conformance::bytes_of(wrong)).has_value();
    }
  }
  EXPECT_GT(changed, 80);
  EXPECT_GT(found, changed * 3 / 4) << "of " << changed;
}

// A test double: a device whose softcap has a cap that is off by one part in a hundred.
class WrongCap final : public ForwardingDevice {
 public:
  using ForwardingDevice::ForwardingDevice;
  Result<std::shared_ptr<const PreparedOp>> prepare(const OpDesc& op,
                                                    std::span<const std::shared_ptr<const Weight>> weights) override {
    OpDesc wrong = op;
    if (auto* softcap = std::get_if<Softcap>(&wrong.params)) softcap->cap *= 1.01f;
    return ForwardingDevice::prepare(wrong, weights);
  }
};

TEST(RandomGraphs, AWrongDeviceIsFoundAndTheGraphReduced) {
  GraphCheck check(reference(), {std::make_shared<WrongCap>(reference())});
  int found = 0;
  for (int i = 0; i < 120; ++i) {
    const auto finding = check.check("test " + std::to_string(i));
    if (!finding) continue;
    ++found;
    EXPECT_THAT(finding->what, HasSubstr("reference:0: out"));
    const auto reduced = graph::parse(finding->reduced);
    ASSERT_TRUE(reduced) << finding->reduced;
    EXPECT_THAT(finding->reduced, HasSubstr("softcap"));
    EXPECT_LE(reduced->node_order().size(), 4u) << finding->reduced;
  }
  EXPECT_GT(found, 2);
}

}  // namespace
}  // namespace trireme::random

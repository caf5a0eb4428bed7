// Products with experts on the devices of drivers: the bits of a matmul by each expert alone.
#include "tests/conformance/experts.h"

#include "tests/devices/masks.h"

namespace trireme::devices_test {
namespace {

struct Way {
  const char* device;
  const char* name;
  Mask mask;
  conformance::ExpertSizes sizes = {9, 2, 3, 40, 64};
};

void PrintTo(const Way& way, std::ostream* out) { *out << way.device << " " << way.name; }

class Experts : public testing::TestWithParam<Way> {};

TEST_P(Experts, HaveTheBitsOfEachAlone) {
  const auto device = open_masked(GetParam().device, GetParam().mask);
  ASSERT_TRUE(device) << device.error().message();
  const auto test = conformance::experts_case(*find_format("Q4_1"), ActScheme::kQ8, GetParam().sizes);
  ASSERT_TRUE(test) << test.error().message();
  const auto alone = conformance::by_single_experts(**device, *test);
  const auto together = conformance::execute(**device, *test);
  ASSERT_TRUE(alone) << alone.error().message();
  ASSERT_TRUE(together) << together.error().message();
  EXPECT_TRUE(*alone == together->at(0)) << test->op.text();
}

// OpenCL's driver takes seconds for a larger tile.
INSTANTIATE_TEST_SUITE_P(All, Experts,
                         testing::Values(Way{"opencl:0", "whole", whole, {2, 3, 2, 40, 64}},
                                         Way{"vulkan:0", "whole", whole}, Way{"vulkan:0", "as_a_gpu", as_a_gpu}),
                         [](const testing::TestParamInfo<Way>& way) {
                           const std::string device = way.param.device;
                           return device.substr(0, device.find(':')) + "_" + way.param.name;
                         });

}  // namespace
}  // namespace trireme::devices_test

// Formats that nobody has heard of run on every device, from their records alone.
#include <gtest/gtest.h>

#include "hal/validation.h"
#include "tests/compiler/interpreter_device.h"
#include "tests/conformance/runner.h"
#include "tests/devices/invented_formats.h"
#include "tests/devices/masked_device.h"
#include "tests/support/test_devices.h"

namespace trireme::devices_test {
namespace {

using Invented = std::tuple<const char*, Format (*)()>;

class InventedFormats : public testing::TestWithParam<Invented> {
 protected:
  static Result<std::shared_ptr<Device>> open(const std::string& id) {
    if (id == "interpreter") return compiler::test::open_interpreter();
    if (id == "opencl:0" || id == "vulkan:0") return open_masked(id, [](Target&) {});
    return testing_support::open_bare_device(id);
  }
};

TEST_P(InventedFormats, RunOnTheDevice) {
  const auto& [id, invent] = GetParam();
  const Format format = invent();
  ASSERT_TRUE(verify(format)) << verify(format).error().message();
  EXPECT_EQ(find_format(format.name), nullptr);
  const auto device = open(id);
  ASSERT_TRUE(device) << device.error().message();
  const auto reference = testing_support::open_bare_device("reference:0");
  const Validation validation([](const Error& finding) { ADD_FAILURE() << finding.message(); });
  const auto cases = conformance::format_cases(format, 2);
  ASSERT_GT(cases.size(), 10u);
  for (const conformance::CaseSource& source : cases) {
    const auto result = run_case(*validate(*device, validation), *reference, source);
    EXPECT_EQ(result.outcome, conformance::Outcome::kPassed) << result.name << ": " << result.message;
  }
}

std::string name_of(const testing::TestParamInfo<Invented>& info) {
  const std::string device = std::get<0>(info.param);
  return device.substr(0, device.find(':')) + "_" + std::get<1>(info.param)().name;
}

INSTANTIATE_TEST_SUITE_P(All, InventedFormats,
                         testing::Combine(testing::Values("reference:0", "cpu:0", "interpreter", "opencl:0",
                                                          "vulkan:0"),
                                          testing::Values(three_bits, odd_table)),
                         name_of);

}  // namespace
}  // namespace trireme::devices_test

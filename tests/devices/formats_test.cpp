// Formats that nobody has heard of run on every device, from their records alone.
#include <gtest/gtest.h>

#include "hal/op_check.h"
#include "hal/operands.h"
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
  int passed_q8 = 0;
  for (const conformance::CaseSource& source : cases) {
    const auto result = run_case(*validate(*device, validation), *reference, source);
    EXPECT_EQ(result.outcome, conformance::Outcome::kPassed) << result.name << ": " << result.message;
    passed_q8 += result.outcome == conformance::Outcome::kPassed && result.name.find(" q8 ") != std::string::npos;
  }
  EXPECT_EQ(passed_q8 > 0, has_integer_codes(format));
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
// The interpreter stands for the devices that run its kernels.
INSTANTIATE_TEST_SUITE_P(Packed, InventedFormats,
                         testing::Combine(testing::Values("reference:0", "cpu:0", "interpreter"),
                                          testing::Values(bytes_with_minimum, zero_points, strided_rows)),
                         name_of);

// What is assessed is what is held, and nothing is read from the source again: the weights are packed.
void expect_packed_as_assessed(Device& device, const Format& format) {
  for (const conformance::CaseSource& source : conformance::format_cases(format, 3)) {
    if (source.name.find(" q8 ") == std::string::npos) continue;
    const auto made = source.make(source.name);
    ASSERT_TRUE(made) << made.error().message();
    const Assessment answer = device.assess({&made->op, 1}).front();
    ASSERT_TRUE(std::holds_alternative<OpCost>(answer)) << source.name << ": " << std::get<Unsupported>(answer).reason;
    uint64_t held = 0;
    for (size_t i = 0; i < made->op.inputs.size(); ++i) {
      if (!made->op.inputs[i].constant) continue;
      const WeightUse use = weight_use(made->op.params, int(i)).value_or(WeightUse::kVector);
      const auto weight = device.prepare_weight(made->constant(i), use);
      ASSERT_TRUE(weight) << weight.error().message();
      EXPECT_FALSE((*weight)->keeps_source()) << source.name;
      held += (*weight)->device_bytes();
    }
    EXPECT_GT(held, 0u) << source.name;
    EXPECT_EQ(std::get<OpCost>(answer).weight_bytes, held) << source.name;
    EXPECT_EQ(std::get<OpCost>(answer).mapped_weight_bytes, 0u) << source.name;
  }
}

TEST(PackedFormats, TakeTheBytesOnTheCpuThatWereAssessed) {
  const auto device = testing_support::open_bare_device("cpu:0");
  ASSERT_TRUE(device);
  for (const Format* format : builtin_formats())
    if (has_float_values(*format) && has_integer_codes(*format)) expect_packed_as_assessed(*device, *format);
  for (Format (*invent)() : {three_bits, bytes_with_minimum, zero_points, strided_rows})
    expect_packed_as_assessed(*device, invent());
}

}  // namespace
}  // namespace trireme::devices_test

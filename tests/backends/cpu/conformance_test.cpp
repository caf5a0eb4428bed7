#include "backends/cpu/backend.h"
#include "tests/conformance/suite.h"

namespace trireme {
namespace {

TRIREME_CONFORMANCE(Cpu, 3, [] { return cpu::create_backend()->open(0, {.threads = 2}); });

// Asked for, products of bf16 weights see activations in bf16, and say so in the device's traits.
class NativeBf16Conformance : public conformance::Conformance {};
TEST_P(NativeBf16Conformance, AgreesWithTheReference) {
  const auto open = [] { return cpu::create_backend()->open(0, {.threads = 2, .native_bf16 = true}); };
  if (const auto device = open(); !device) {
    EXPECT_EQ(device.error().code(), ErrorCode::kUnsupported);
    GTEST_SKIP() << device.error().message();
  }
  run(GetParam(), open);
}

bool is_bf16_matmul(const std::string& name) {
  return name.starts_with("matmul") && name.find("BF16") != std::string::npos;
}
INSTANTIATE_TEST_SUITE_P(All, NativeBf16Conformance, ::testing::ValuesIn(conformance::groups(3, is_bf16_matmul)),
                         conformance::group_name);

// So that the suite above is known to have judged the products that it is about.
TEST(NativeBf16, RoundsTheActivationsOfManyRows) {
  const auto device = cpu::create_backend()->open(0, {.threads = 2, .native_bf16 = true});
  if (!device) GTEST_SKIP() << device.error().message();
  constexpr int64_t kColumns = 64, kOutputs = 48;
  for (const int64_t rows : {8, 40}) {
    const OpDesc op{
        .params = Matmul{},
        .inputs = {{{{rows, kColumns}, &formats::f32()}, false}, {{{kOutputs, kColumns}, &formats::bf16()}, true}},
        .outputs = {{{rows, kOutputs}, &formats::f32()}},
        .label = "ones"};
    const conformance::Case test{
        .name = "ones",
        .op = op,
        .inputs = {conformance::bytes_of(std::vector<float>(size_t(rows * kColumns), 1 + 0x1p-10f)),
                   conformance::bytes_of(std::vector<uint16_t>(kOutputs * kColumns, 0x3f80))},
        .token_count = {},
        .output_count = {}};
    const auto outputs = conformance::execute(**device, test);
    ASSERT_TRUE(outputs) << outputs.error().message();
    const float expected = rows > 32 ? kColumns : kColumns * (1 + 0x1p-10f);
    for (const float y : conformance::values_of<float>((*outputs)[0])) ASSERT_EQ(y, expected) << rows << " rows";
  }
}

}  // namespace
}  // namespace trireme

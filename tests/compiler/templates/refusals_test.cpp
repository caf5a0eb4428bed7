// What templates are asked for and cannot do is refused by name, and what they choose by themselves fits the target.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/kernel/verifier.h"
#include "compiler/templates/matmul_schedule.h"
#include "tests/compiler/templates/sample_ops.h"

namespace trireme::compiler::test {
namespace {

using testing::HasSubstr;

void expect_refused(const OpDesc& op, const char* why) {
  const auto written = write_kernels(op, Target{});
  ASSERT_FALSE(written) << op.text();
  EXPECT_EQ(written.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(written.error().message(), HasSubstr(why));
}

TEST(Refusals, QuantizedActivationsNeedIntegerCodes) {
  for (const Format* format : {&formats::f32(), &formats::f16(), &formats::bf16()}) {
    const Operand x{rows({4, 64}, q8()), false}, weight{fixed({64, 64}, *format), true};
    const TensorDesc y = rows({4, 64});
    expect_refused({Matmul{.act = ActScheme::kQ8}, {x, weight}, {y}, "product"}, "no integer codes");
    expect_refused({MatmulGlu{.act = ActScheme::kQ8}, {x, weight, weight}, {y}, "gate and up"}, "no integer codes");
  }
}

TEST(Refusals, ElementwiseKernelsComputeWithF32) {
  const TensorDesc x = rows({4, 64});
  expect_refused({Binary{}, {{x, false}, {fixed({64}, formats::f16()), false}}, {x}, "add"}, "compute with F32");
}

TEST(Refusals, ElementsAreCountedIn32Bits) {
  const TensorDesc x = fixed({65536, 65537}, formats::f16()), y = fixed({65536, 65537}, formats::bf16());
  expect_refused({Cast{}, {{x, false}}, {y}, "cast"}, "32 bits");
}

TEST(Schedules, ShareNoMoreThanTheTargetHas) {
  Target target;
  target.max_group_size = 1024;
  for (const uint32_t shared : {16384u, 32768u})
    for (const bool quantize : {false, true}) {
      target.shared_bytes = shared;
      const Operand x{rows({4, 1024}, q8()), false}, weight{fixed({1024, 1024}, *find_format("Q4_0")), true};
      const TensorDesc y = rows({4, 1024}, quantize ? q8() : formats::f32());
      const OpDesc op{MatmulGlu{.act = ActScheme::kQ8, .quantize = quantize}, {x, weight, weight}, {y}, "gate and up"};
      for (const MatmulSchedule& schedule : candidate_schedules(op, target)) {
        const TuningTable table{"", {{tuning_key(op), schedule}}};
        const auto calls = write_kernels(op, target, &table);
        ASSERT_TRUE(calls) << calls.error().message();
        const Status fits = kernel::check_limits((*calls)[0].function, kernel::limits_of(target));
        EXPECT_TRUE(fits) << schedule.text() << ": " << fits.error().message();
      }
    }
}

}  // namespace
}  // namespace trireme::compiler::test

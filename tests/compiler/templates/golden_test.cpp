// What the templates write for a target, kept as text: the kernel IR and the target's own language.
#include <gtest/gtest.h>

#include "compiler/emit/emit.h"
#include "compiler/kernel/text.h"
#include "compiler/templates/templates.h"
#include "tests/compiler/golden.h"

namespace trireme::compiler::test {
namespace {

Target opencl_target() {
  Target target;
  target.max_group_size = 256;
  target.shared_bytes = 32768;
  target.small_stores = true;
  return target;
}

// One row of activations: a gemv.
OpDesc gemv(const char* format, int64_t outputs, int64_t columns) {
  const TensorDesc x{{1, columns}, &formats::q8_act(), RowDomain::kTokens};
  const TensorDesc weight{{outputs, columns}, find_format(format), RowDomain::kFixed};
  const TensorDesc y{{1, outputs}, &formats::f32(), RowDomain::kTokens};
  return {Matmul{.act = ActScheme::kQ8}, {{x, false}, {weight, true}}, {y}, "gemv"};
}

void expect_kernels(const std::string& name, const OpDesc& op) {
  const auto calls = write_kernels(op, opencl_target());
  ASSERT_TRUE(calls) << calls.error().message();
  std::string ir, code;
  for (const KernelCall& call : *calls) {
    ir += kernel::print(call.function);
    const auto source = emit(call.function, opencl_target());
    ASSERT_TRUE(source) << source.error().message();
    code += source->code;
  }
  expect_golden(name + ".kernel", ir);
  expect_golden(name + ".cl", code);
}

TEST(TemplateGolden, GemvOfQ4_0) { expect_kernels("gemv_q4_0", gemv("Q4_0", 576, 576)); }
TEST(TemplateGolden, GemvOfQ6_K) { expect_kernels("gemv_q6_k", gemv("Q6_K", 64, 256)); }

TEST(TemplateGolden, NormAndQuantize) {
  const TensorDesc x{{8, 64}, &formats::f32(), RowDomain::kTokens}, weight{{64}, &formats::f32()};
  const TensorDesc y{{8, 64}, &formats::q8_act(), RowDomain::kTokens};
  expect_kernels("norm_quantize", {FusedNorm{{}, false, true}, {{x, false}, {weight, true}}, {y}, "norm"});
}

}  // namespace
}  // namespace trireme::compiler::test

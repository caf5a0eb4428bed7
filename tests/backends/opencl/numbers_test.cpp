// Numbers that kernels compute on an OpenCL device.
#include "backends/opencl/program.h"
#include "compiler/emit/opencl_c.h"
#include "compiler/kernel/builder.h"
#include "tests/backends/kernel_numbers.h"
#include "tests/backends/opencl/kernel_fixture.h"

namespace trireme::opencl {
namespace {

class NumbersOnOpenCl : public OpenClTest {
 protected:
  void SetUp() override {
    OpenClTest::SetUp();
    const auto library = Library::load("libOpenCL.so.1");
    ASSERT_TRUE(library) << library.error().message();
    const auto devices = find_devices(**library);
    ASSERT_TRUE(devices) << devices.error().message();
    connection_.emplace(*library, devices->at(size_t(index_)), "opencl:" + std::to_string(index_));
    ASSERT_TRUE(connection_->open());
  }

  // Fails where a kernel calls what is not declared: it would be built with the driver's header, and slowly.
  Result<KernelSource> emitted(const kernel::Function& function) {
    auto source = compiler::emit_opencl_c(function, device_->target());
    if (!source || !connection_->facts().reads_long_header()) return source;
    const auto declared = build_declared_text(*connection_, source->code);
    EXPECT_TRUE(declared) << function.name << ": " << declared.error().message();
    return source;
  }

  testing_support::KernelNumbers numbers() {
    return {*device_, [&](const kernel::Function& function) { return emitted(function); }};
  }

  std::optional<Connection> connection_;
};

TEST_F(NumbersOnOpenCl, HalvesConvertExactlyAndRoundToEvenAlsoInVectors) {
  for (const int lanes : {1, 2, 4, 8, 16}) numbers().expect_exact_halves(lanes);
}

TEST_F(NumbersOnOpenCl, ExactOpsGiveTheInterpretersBits) {
  for (const int lanes : {1, 2, 4, 8, 16}) numbers().expect_exact_ops(lanes);
}

TEST_F(NumbersOnOpenCl, DotProductsOfBytesAreExact) {
  for (const int lanes : {1, 2, 4, 8, 16}) numbers().expect_exact_dot_products(lanes);
}

TEST_F(NumbersOnOpenCl, VectorsOfBoolGiveTheInterpretersBits) {
  for (const int lanes : {1, 2, 4, 8, 16}) numbers().expect_exact_masks(lanes);
}

TEST_F(NumbersOnOpenCl, MemoryHoldsWhatWasStoredLastWhateverItsType) { numbers().expect_punned_memory(); }

TEST_F(NumbersOnOpenCl, IntegersWrapAround) { numbers().expect_wrapped_integers(); }

TEST_F(NumbersOnOpenCl, EveryFunctionOfFloatsIsDeclared) {
  using kernel::Op;
  for (const int lanes : {1, 2, 4, 8, 16}) {
    kernel::Builder b("functions", 1);
    const uint32_t in = b.buffer("in", kernel::Access::kRead), out = b.buffer("out", kernel::Access::kWrite);
    const kernel::Term x = b.load(in, b.u32(0), kernel::kF32.with_lanes(lanes));
    kernel::Term sum = fused_multiply_add(x, x, x);
    for (const Op op : {Op::kSquareRoot, Op::kExponential, Op::kSine, Op::kCosine, Op::kFloor, Op::kRoundEven})
      sum = minimum(maximum(sum, absolute(x)), apply_function(op, sum));
    b.store(out, b.u32(0), select(x < sum, sum, x));
    const auto function = b.finish();
    ASSERT_TRUE(function) << function.error().message();
    EXPECT_TRUE(emitted(*function));
  }
}

TEST_F(NumbersOnOpenCl, WhatIsNotDeclaredIsBuiltWithTheDriversHeader) {
  const std::string text = "__kernel void root(__global float* x) { x[0] = cbrt(x[0]); }";
  EXPECT_FALSE(build_declared_text(*connection_, text));
  const auto program = build_text(*connection_, text);
  EXPECT_TRUE(program) << program.error().message();
}

}  // namespace
}  // namespace trireme::opencl

// Numbers that kernels compute on an OpenCL device.
#include "compiler/emit/opencl_c.h"
#include "tests/backends/kernel_numbers.h"
#include "tests/backends/opencl/kernel_fixture.h"

namespace trireme::opencl {
namespace {

class NumbersOnOpenCl : public OpenClTest {
 protected:
  testing_support::KernelNumbers numbers() {
    return {*device_,
            [&](const kernel::Function& function) { return compiler::emit_opencl_c(function, device_->target()); }};
  }
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

}  // namespace
}  // namespace trireme::opencl

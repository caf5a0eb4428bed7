// What random kernels find, and that what they find is real.
#include "tests/random/kernel_check.h"

#include <gmock/gmock.h>

#include "compiler/kernel/text.h"
#include "tests/compiler/interpreter_device.h"
#include "tests/random/devices.h"
#include "tests/random/kernel_generator.h"
#include "tests/random/kernel_reducer.h"
#include "tests/support/forwarding_kernel_device.h"

namespace trireme::random {
namespace {

using testing::HasSubstr;

// A test double: it interprets kernels, but takes the first difference of integers for a sum.
class MiscompilingDevice final : public ForwardingKernelDevice {
 public:
  MiscompilingDevice() : ForwardingKernelDevice(compiler::test::create_interpreter_device()) {}

  Result<std::vector<std::byte>> build_kernel(const KernelSource& source) override {
    KernelSource wrong = source;
    if (const size_t at = wrong.code.find("= subtract "); at != std::string::npos) wrong.code.replace(at, 11, "= add ");
    return inner_->build_kernel(wrong);
  }
};

TEST(RandomKernels, ASeedGivesOneKernel) {
  for (const char* seed : {"1", "2", "3"}) {
    const auto first = random_kernel(seed, 4), second = random_kernel(seed, 4);
    ASSERT_TRUE(first) << first.error().message();
    EXPECT_EQ(kernel::print(first->function), kernel::print(second->function));
    EXPECT_EQ(first->memory, second->memory);
  }
  EXPECT_NE(kernel::print(random_kernel("1", 4)->function), kernel::print(random_kernel("2", 4)->function));
}

TEST(RandomKernels, AllDevicesGiveTheInterpretersWords) {
  KernelCheck check(
      {*open_kernel_device("opencl:0"), *open_kernel_device("vulkan:0"), compiler::test::create_interpreter_device()});
  for (int i = 0; i < 12; ++i) {
    const auto finding = check.check("test " + std::to_string(i));
    EXPECT_FALSE(finding) << finding->seed << ": " << finding->what << "\n" << finding->reduced;
  }
  EXPECT_GT(check.counts().launches, 24);
}

TEST(RandomKernels, AMiscompiledOneIsFoundAndReduced) {
  KernelCheck check({std::make_shared<MiscompilingDevice>()});
  int found = 0;
  for (int i = 0; i < 60; ++i) {
    const auto finding = check.check("test " + std::to_string(i));
    if (!finding) continue;
    ++found;
    EXPECT_THAT(finding->what, HasSubstr("interpreter:0: word "));
    const auto reduced = kernel::parse(finding->reduced);
    ASSERT_TRUE(reduced) << reduced.error().message();
    EXPECT_THAT(finding->reduced, HasSubstr("= subtract "));
    EXPECT_LT(reduced->body.body.size(), 24u) << finding->reduced;
  }
  EXPECT_GT(found, 5);
}

TEST(KernelReducer, KeepsWhatFailsAndNothingElse) {
  const auto test = random_kernel("7", 4);
  ASSERT_TRUE(test) << test.error().message();
  const auto small = reduced(test->function, [](const kernel::Function& function) {
    return kernel::print(function).find("store out") != std::string::npos;
  });
  EXPECT_LT(small.body.body.size(), 5u) << kernel::print(small);
}

}  // namespace
}  // namespace trireme::random

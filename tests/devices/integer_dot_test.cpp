// vulkan:0 with dot products of bytes, which its driver has in software and so are left alone elsewhere.
#include "compiler/device/compile_for.h"
#include "tests/backends/vulkan/kernel_fixture.h"
#include "tests/conformance/suite.h"

namespace trireme::devices_test {
namespace {

using vulkan::Instance;
using vulkan::Library;
using vulkan::Messages;

class IntegerDot : public conformance::Conformance {
 protected:
  // Errors: kUnsupported where the driver has no such products.
  Result<std::shared_ptr<Device>> open(bool as_a_gpu) const {
    TRIREME_ASSIGN(const std::shared_ptr<const Library> library, Library::load(vulkan::kLoader));
    TRIREME_ASSIGN(
        const std::shared_ptr<const Instance> instance,
        Instance::create(library, {{"VK_LAYER_KHRONOS_validation"},
                                   [messages = messages_](std::string_view message) { messages->add(message); }}));
    TRIREME_ASSIGN(std::vector<vulkan::DeviceFacts> found, vulkan::find_devices(*instance));
    for (vulkan::DeviceFacts& facts : found) {
      if (!facts.software() || !facts.has(VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME)) continue;
      facts.integer_dot = true;
      if (as_a_gpu) facts.type = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU;
      TRIREME_ASSIGN(std::shared_ptr<KernelDevice> device, vulkan::VulkanDevice::open(instance, facts, "vulkan:0"));
      return compiler::compile_for(device);
    }
    return fail(ErrorCode::kUnsupported, "vulkan:0", "no driver for a processor has integer dot products");
  }

  // Kernels of products with int8 activations are those with the products; without this the suite proves nothing.
  void expect_used(bool as_a_gpu) const {
    const auto device = open(as_a_gpu);
    ASSERT_TRUE(device) << device.error().message();
    EXPECT_THAT((*device)->info().features, testing::Contains("integer_dot"));
  }

  void run_all(bool as_a_gpu) {
    expect_used(as_a_gpu);
    run(GetParam(), [&] { return open(as_a_gpu); });
    EXPECT_THAT(messages_->all(), testing::IsEmpty());
  }

  std::shared_ptr<Messages> messages_ = std::make_shared<Messages>();
};

class IntegerDotOfAGpu : public IntegerDot {};

TEST_P(IntegerDot, AgreesWithTheReference) { run_all(false); }
TEST_P(IntegerDotOfAGpu, AgreesWithTheReference) { run_all(true); }

// Codes of 4 and 8 bits, with minima and without. The driver takes a quarter of a second to build each kernel.
constexpr const char* kFew[] = {"matmul Q4_0 ", "matmul_glu Q4_1 ", "matmul Q6_K "};

// The products with int8 activations, of a few formats or of all.
bool is_product(const std::string& name) {
  return name.starts_with("matmul") && name.find(" q8 ") != std::string::npos;
}
bool is_one_of_few(const std::string& name) {
  return is_product(name) && std::ranges::any_of(kFew, [&](const char* few) { return name.starts_with(few); });
}
INSTANTIATE_TEST_SUITE_P(All, IntegerDot, testing::ValuesIn(conformance::groups(2, is_one_of_few)),
                         conformance::group_name);
INSTANTIATE_TEST_SUITE_P(All, IntegerDotOfAGpu, testing::ValuesIn(conformance::groups(2, is_one_of_few)),
                         conformance::group_name);
INSTANTIATE_TEST_SUITE_P(DISABLED_All, IntegerDot, testing::ValuesIn(conformance::groups(3, is_product)),
                         conformance::group_name);
INSTANTIATE_TEST_SUITE_P(DISABLED_All, IntegerDotOfAGpu, testing::ValuesIn(conformance::groups(3, is_product)),
                         conformance::group_name);

}  // namespace
}  // namespace trireme::devices_test

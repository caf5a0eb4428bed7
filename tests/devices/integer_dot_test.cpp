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

TEST_P(IntegerDot, AgreesWithTheReference) { run_all(false); }
TEST_P(IntegerDot, AgreesWithTheReferenceAsAGpu) { run_all(true); }

// Every product with int8 activations.
std::vector<conformance::Group> products() {
  std::vector<conformance::Group> groups = conformance::groups(3);
  for (conformance::Group& group : groups)
    std::erase_if(group.cases, [](const conformance::CaseSource& source) {
      return !source.name.starts_with("matmul") || source.name.find(" q8 ") == std::string::npos;
    });
  std::erase_if(groups, [](const conformance::Group& group) { return group.cases.empty(); });
  return groups;
}
INSTANTIATE_TEST_SUITE_P(All, IntegerDot, testing::ValuesIn(products()), conformance::group_name);

}  // namespace
}  // namespace trireme::devices_test

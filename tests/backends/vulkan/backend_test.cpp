// What the vulkan backend says of drivers and devices.
#include "backends/vulkan/backend.h"

#include "tests/backends/vulkan/kernel_fixture.h"

namespace trireme::vulkan {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

DeviceFacts usable() {
  DeviceFacts facts;
  facts.version = kOldestVersion;
  facts.timeline_semaphores = true;
  facts.queue_family = 0;
  facts.limits.minStorageBufferOffsetAlignment = 256;
  facts.memory.memoryTypeCount = 2;
  facts.memory.memoryTypes[0] = {VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0};
  facts.memory.memoryTypes[1] = {VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT, 1};
  return facts;
}

TEST(VulkanBackend, ListsDevicesInOneOrderWithTheirDrivers) {
  const auto backend = create_backend();
  ASSERT_FALSE(backend->unavailable()) << *backend->unavailable();
  const auto first = backend->devices(), second = create_backend()->devices();
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].id, "vulkan:" + std::to_string(i));
    EXPECT_EQ(first[i].name, second[i].name);
    EXPECT_FALSE(first[i].name.empty());
    EXPECT_THAT(first[i].driver, HasSubstr("Vulkan 1."));
  }
}

TEST(VulkanBackend, OpensByIndexOnlyAndNotWithoutACompiler) {
  const auto backend = create_backend();
  EXPECT_EQ(backend->open(-1, {}).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(backend->open(int(backend->devices().size()), {}).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(backend->open(0, {}).error().code(), ErrorCode::kUnsupported);
  DeviceOptions options;
  options.native_bf16 = true;
  EXPECT_EQ(backend->open(0, options).error().code(), ErrorCode::kUnsupported);
}

class VulkanDeviceFacts : public VulkanTest {};

TEST_F(VulkanDeviceFacts, DescribeTheDevice) {
  EXPECT_EQ(device_->info().id, "vulkan:0");
  EXPECT_EQ(device_->info().name, facts_.name);
  EXPECT_THAT(device_->info().driver, HasSubstr("Mesa"));
  EXPECT_TRUE(device_->info().software);
  EXPECT_FALSE(device_->info().numeric.fused_multiply_add);
  const Target& target = device_->target();
  EXPECT_EQ(target.language, TargetLanguage::kSpirV);
  EXPECT_EQ(target.version, 103);
  EXPECT_THAT(target.build_key, HasSubstr(facts_.name));
  EXPECT_TRUE(target.software);
  EXPECT_TRUE(target.small_stores);
  EXPECT_GE(target.max_group_size, 64u);
  EXPECT_GE(target.shared_bytes, 16384u);
  EXPECT_GE(target.max_buffer_bytes, uint64_t(1) << 27);
}

TEST_F(VulkanDeviceFacts, TexelsAreForSoftwareThatBindsAsMuchAsIfTheyWereNone) {
  EXPECT_TRUE(target_of(facts_).fetches_texels);
  DeviceFacts other = facts_;
  other.type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
  EXPECT_FALSE(target_of(other).fetches_texels);
  other = facts_;
  other.limits.maxTexelBufferElements = 65536;
  EXPECT_FALSE(target_of(other).fetches_texels);
  other = facts_;
  other.limits.maxPerStageDescriptorSampledImages = other.limits.maxPerStageDescriptorStorageBuffers - 1;
  EXPECT_FALSE(target_of(other).fetches_texels);
}

TEST(VulkanWithoutDriver, AMissingLoaderIsAReasonAndNoError) {
  const auto backend = create_backend("libvulkan-of-nobody.so.1");
  ASSERT_TRUE(backend->unavailable());
  EXPECT_THAT(*backend->unavailable(), StartsWith("libvulkan-of-nobody.so.1: "));
  EXPECT_TRUE(backend->devices().empty());
  EXPECT_EQ(backend->open(0, {}).error().code(), ErrorCode::kNotFound);
}

TEST(VulkanWithoutDriver, AnotherLibraryIsAReasonThatNamesWhatItLacks) {
  const auto backend = create_backend("libm.so.6");
  ASSERT_TRUE(backend->unavailable());
  EXPECT_THAT(*backend->unavailable(), HasSubstr("it has no vkGetInstanceProcAddr"));
}

TEST(VulkanWithoutDriver, AMissingLayerIsAReason) {
  const auto backend = create_backend(kLoader, {{"VK_LAYER_of_nobody"}, {}});
  ASSERT_TRUE(backend->unavailable());
  EXPECT_THAT(*backend->unavailable(), HasSubstr("VK_ERROR_LAYER_NOT_PRESENT"));
}

TEST(VulkanWithoutDriver, ALoaderWithoutDriversOrDevicesIsAReason) {
  auto library = std::make_shared<Library>(**Library::load(kLoader));
  const auto instance = *Instance::create(library, {});
  instance->functions.vkEnumeratePhysicalDevices = [](VkInstance, uint32_t* count, VkPhysicalDevice*) {
    *count = 0;
    return VK_SUCCESS;
  };
  EXPECT_THAT(find_devices(*instance).error().message(), HasSubstr("no Vulkan driver found a device"));
  instance->functions.vkEnumeratePhysicalDevices = [](VkInstance, uint32_t*, VkPhysicalDevice*) {
    return VK_ERROR_INITIALIZATION_FAILED;
  };
  EXPECT_THAT(find_devices(*instance).error().message(), HasSubstr("VK_ERROR_INITIALIZATION_FAILED"));
  library->vkCreateInstance = [](const VkInstanceCreateInfo*, const VkAllocationCallbacks*, VkInstance*) {
    return VK_ERROR_INCOMPATIBLE_DRIVER;
  };
  EXPECT_THAT(Instance::create(library, {}).error().message(), HasSubstr("no Vulkan driver is installed"));
}

TEST(VulkanRefusals, NameWhatADeviceLacks) {
  const auto refusal = [](auto change) {
    DeviceFacts facts = usable();
    change(facts);
    return facts.refusal().value_or("none");
  };
  EXPECT_EQ(refusal([](DeviceFacts&) {}), "none");
  EXPECT_THAT(refusal([](DeviceFacts& facts) { facts.version = VK_MAKE_API_VERSION(0, 1, 1, 130); }),
              HasSubstr("it has Vulkan 1.1.130"));
  EXPECT_THAT(refusal([](DeviceFacts& facts) { facts.timeline_semaphores = false; }), HasSubstr("timeline"));
  EXPECT_THAT(refusal([](DeviceFacts& facts) { facts.queue_family.reset(); }), HasSubstr("no queue"));
  EXPECT_THAT(refusal([](DeviceFacts& facts) { facts.limits.minStorageBufferOffsetAlignment = 512; }),
              HasSubstr("multiples of 512 bytes"));
  EXPECT_THAT(refusal([](DeviceFacts& facts) { facts.memory.memoryTypeCount = 1; }), HasSubstr("the host sees none"));
}

TEST(VulkanRefusals, AreSaidWhenTheDeviceIsOpened) {
  DeviceFacts facts = usable();
  facts.timeline_semaphores = false;
  const auto device = VulkanDevice::open(*Instance::create(*Library::load(kLoader), {}), facts, "vulkan:7");
  EXPECT_EQ(device.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(device.error().message(), StartsWith("device vulkan:7: it has no timeline semaphores"));
}

TEST(VulkanMemoryTypes, AreChosenByWhoReadsThem) {
  DeviceFacts facts = usable();
  facts.staged = true;
  EXPECT_EQ(facts.buffer_memory(3), 0u);
  EXPECT_EQ(facts.host_memory(3), 1u);
  EXPECT_EQ(facts.host_memory(1), std::nullopt);
  facts.staged = false;
  EXPECT_EQ(facts.buffer_memory(3), 1u);
  facts.memory.memoryTypeCount = 3;
  facts.memory.memoryTypes[2] = facts.memory.memoryTypes[1];
  facts.memory.memoryTypes[2].propertyFlags |= VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
  EXPECT_EQ(facts.buffer_memory(7), 2u);
}

}  // namespace
}  // namespace trireme::vulkan

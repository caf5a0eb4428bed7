// The rig of the first CPU device that a Vulkan driver gives, under the validation layer.
#pragma once

#include "backends/vulkan/device.h"
#include "compiler/emit/spirv.h"
#include "tests/backends/kernel_device/rig.h"
#include "tests/backends/vulkan/messages.h"
#include "tests/compiler/kernel/sample_kernels.h"

namespace trireme::vulkan {

using kernel::Builder;
using kernel::Term;
using testing_support::kPatience;
using testing_support::whole;

inline const std::string kLoader = "libvulkan.so.1";

inline KernelSource emitted(const kernel::Function& function, bool fetches_texels = false) {
  Target target;
  target.fetches_texels = fetches_texels;
  target.max_group_size = 256;
  target.shared_bytes = 16384;
  target.small_stores = true;
  return *compiler::emit_spirv(function, target);
}

// A missing layer is a failure, as a missing device is.
class VulkanRig : public testing_support::DeviceRig {
 public:
  void set_up() override {
    auto library = Library::load(kLoader);
    ASSERT_TRUE(library) << library.error().message();
    auto instance = Instance::create(
        *library,
        {layers_, [messages = messages_](std::string_view message) { messages->add(message); }, gpu_assisted_});
    ASSERT_TRUE(instance) << instance.error().message();
    instance_ = *instance;
    const auto found = find_devices(*instance_);
    ASSERT_TRUE(found) << found.error().message();
    const auto software = std::ranges::find_if(*found, [](const DeviceFacts& facts) { return facts.software(); });
    ASSERT_NE(software, found->end()) << "no driver gives a CPU device";
    facts_ = *software;
    device_ = open();
    ASSERT_TRUE(device_);
  }
  // What the layer said is a failure.
  void tear_down() override {
    device_.reset();
    instance_.reset();
    EXPECT_THAT(messages_->all(), ::testing::IsEmpty());
  }

  std::shared_ptr<KernelDevice> open() override {
    auto device = VulkanDevice::open(instance_, facts_, "vulkan:0");
    EXPECT_TRUE(device) << device.error().message();
    return device ? *device : nullptr;
  }

  KernelSource scale() const override {
    Builder b("scale", 64);
    const uint32_t x = b.buffer("x", kernel::Access::kReadWrite);
    const Term count = b.launch("count", kernel::kU32), factor = b.launch("factor", kernel::kU32);
    const Term i = b.group_id(0) * 64u + b.local_id();
    b.when(i < count, [&] { b.store(x, i, b.load(x, i, kernel::kF32) * convert(factor, kernel::Scalar::kF32)); });
    return emitted(*b.finish());
  }
  KernelSource row_sum() const override { return emitted(kernel::test::row_sum(64)); }
  KernelSource group_ids() const override {
    Builder b("group_ids", 8);
    const uint32_t ids = b.buffer("ids", kernel::Access::kWrite);
    const Term width = b.launch("width", kernel::kU32), height = b.launch("height", kernel::kU32);
    const Term x = b.group_id(0), y = b.group_id(1), z = b.group_id(2);
    b.store(ids, ((z * height + y) * width + x) * 8u + b.local_id(), z * 100u + y * 10u + x);
    return emitted(*b.finish());
  }

#ifdef __SANITIZE_THREAD__
  std::vector<std::string> layers_;  // ThreadSanitizer does not see how the layer orders its own threads
#else
  std::vector<std::string> layers_{"VK_LAYER_KHRONOS_validation"};
#endif
  bool gpu_assisted_ = false;
  std::shared_ptr<Messages> messages_ = std::make_shared<Messages>();
  std::shared_ptr<Instance> instance_;
  DeviceFacts facts_;
};

using VulkanTest = testing_support::RigTest<VulkanRig>;

}  // namespace trireme::vulkan

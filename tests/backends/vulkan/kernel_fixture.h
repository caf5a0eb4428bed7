// The first CPU device that a Vulkan driver gives, under the validation layer, with short forms of what tests do.
#pragma once

#include <gmock/gmock.h>

#include "backends/vulkan/device.h"
#include "compiler/emit/spirv.h"
#include "tests/backends/vulkan/messages.h"
#include "tests/compiler/kernel/sample_kernels.h"

namespace trireme::vulkan {

using kernel::Builder;
using kernel::Term;

inline constexpr std::chrono::seconds kPatience{60};
inline const std::string kLoader = "libvulkan.so.1";

inline KernelSource emitted(const kernel::Function& function) {
  Target target;
  target.max_group_size = 256;
  target.shared_bytes = 16384;
  target.small_stores = true;
  return *compiler::emit_spirv(function, target);
}

// x[i] *= factor for i < count.
inline KernelSource scale() {
  Builder b("scale", 64);
  const uint32_t x = b.buffer("x", kernel::Access::kReadWrite);
  const Term count = b.launch("count", kernel::kU32), factor = b.launch("factor", kernel::kU32);
  const Term i = b.group_id(0) * 64u + b.local_id();
  b.when(i < count, [&] { b.store(x, i, b.load(x, i, kernel::kF32) * convert(factor, kernel::Scalar::kF32)); });
  return emitted(*b.finish());
}

// The sum of each row of `columns` floats, by a group.
inline KernelSource row_sum() { return emitted(kernel::test::row_sum(64)); }

// Ids of groups on three axes, of which the first two have `width` and `height` groups.
inline KernelSource group_ids() {
  Builder b("group_ids", 8);
  const uint32_t ids = b.buffer("ids", kernel::Access::kWrite);
  const Term width = b.launch("width", kernel::kU32), height = b.launch("height", kernel::kU32);
  const Term x = b.group_id(0), y = b.group_id(1), z = b.group_id(2);
  b.store(ids, ((z * height + y) * width + x) * 8u + b.local_id(), z * 100u + y * 10u + x);
  return emitted(*b.finish());
}

// Neither a missing device nor a missing layer is skipped: the test's packages bring both.
class VulkanTest : public ::testing::Test {
 protected:
  void SetUp() override {
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
  void TearDown() override {
    device_.reset();
    instance_.reset();
    EXPECT_THAT(messages_->all(), ::testing::IsEmpty());
  }

  std::shared_ptr<KernelDevice> open() {
    auto device = VulkanDevice::open(instance_, facts_, "vulkan:0");
    EXPECT_TRUE(device) << device.error().message();
    return device ? *device : nullptr;
  }

  static std::shared_ptr<const Kernel> load(KernelDevice& device, const KernelSource& source) {
    const auto built = device.build_kernel(source);
    EXPECT_TRUE(built) << built.error().message();
    const auto kernel = device.load_kernel(source, *built);
    EXPECT_TRUE(kernel) << kernel.error().message();
    return *kernel;
  }
  std::shared_ptr<const Kernel> load(const KernelSource& source) { return load(*device_, source); }

  template <typename T>
  std::shared_ptr<Buffer> buffer_of(const std::vector<T>& values) {
    auto buffer = *device_->allocate(values.size() * sizeof(T));
    EXPECT_TRUE(buffer->write(0, std::as_bytes(std::span(values))));
    return buffer;
  }
  template <typename T>
  static std::vector<T> values_of(const Buffer& buffer, uint64_t offset, size_t count) {
    std::vector<T> values(count);
    const Status status = buffer.read(offset, std::as_writable_bytes(std::span(values)));
    EXPECT_TRUE(status) << status.error().message();
    return values;
  }

  static Status run(KernelDevice& device, KernelList& list) {
    auto timeline = *device.create_timeline();
    const TimelinePoint done{timeline.get(), 1};
    TRIREME_TRY(device.submit(list, {}, {&done, 1}));
    return timeline->wait(1, kPatience);
  }
  void run(KernelList& list) {
    const Status status = run(*device_, list);
    EXPECT_TRUE(status) << status.error().message();
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
  std::shared_ptr<KernelDevice> device_;
};

inline BufferRange whole(const std::shared_ptr<Buffer>& buffer) { return {buffer.get(), 0, buffer->size()}; }

}  // namespace trireme::vulkan

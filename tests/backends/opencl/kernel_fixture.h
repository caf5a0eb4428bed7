// The first CPU device that an OpenCL driver gives, with short forms of what tests do with one.
#pragma once

#include <gmock/gmock.h>

#include "backends/opencl/backend.h"

namespace trireme::opencl {

inline constexpr std::chrono::seconds kPatience{60};

// Doubles and more: x[i] *= factor for i < count.
inline const KernelSource kScale = {"scale", R"(
__kernel void scale(__global float* x, uint count, uint factor) {
  const uint i = get_group_id(0) * 64 + get_local_id(0);
  if (i < count) x[i] *= (float)factor;
})",
                                    64, 1, 2};

// The sum of each row of `columns` floats, by a group.
inline const KernelSource kRowSum = {"row_sum", R"(
__kernel void row_sum(__global const float* x, __global float* sums, uint columns) {
  __local float part[64];
  const uint row = get_group_id(0), item = get_local_id(0);
  float sum = 0;
  for (uint i = item; i < columns; i += 64) sum += x[row * columns + i];
  part[item] = sum;
  for (uint half_size = 32; half_size > 0; half_size /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < half_size) part[item] += part[item + half_size];
  }
  if (item == 0) sums[row] = part[0];
})",
                                     64, 2, 1};

// Ids of groups on three axes.
inline const KernelSource kGroupIds = {"group_ids", R"(
__kernel void group_ids(__global uint* ids) {
  const uint group = (get_group_id(2) * get_num_groups(1) + get_group_id(1)) * get_num_groups(0) + get_group_id(0);
  ids[group * 8 + get_local_id(0)] = get_group_id(2) * 100 + get_group_id(1) * 10 + get_group_id(0);
})",
                                       8, 1, 0};

// A missing device is a failure: the test's packages bring one.
class OpenClTest : public ::testing::Test {
 protected:
  void SetUp() override {
    backend_ = create_backend();
    ASSERT_FALSE(backend_->unavailable()) << *backend_->unavailable();
    const auto listings = backend_->devices();
    while (index_ < int(listings.size()) && !listings[size_t(index_)].software) ++index_;
    ASSERT_LT(index_, int(listings.size())) << "no driver gives a CPU device";
    device_ = open();
    ASSERT_TRUE(device_);
  }

  std::shared_ptr<KernelDevice> open() {
    std::shared_ptr<KernelDevice> opened;
    DeviceOptions options;
    options.kernel_compiler = [&](std::shared_ptr<KernelDevice> device) -> Result<std::shared_ptr<Device>> {
      opened = std::move(device);
      return nullptr;
    };
    const auto device = backend_->open(index_, options);
    EXPECT_TRUE(device) << device.error().message();
    return opened;
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

  std::unique_ptr<Backend> backend_;
  int index_ = 0;
  std::shared_ptr<KernelDevice> device_;
};

inline BufferRange whole(const std::shared_ptr<Buffer>& buffer) { return {buffer.get(), 0, buffer->size()}; }

}  // namespace trireme::opencl

// The rig of the first CPU device that an OpenCL driver gives.
#pragma once

#include "backends/opencl/backend.h"
#include "tests/backends/kernel_device/rig.h"

namespace trireme::opencl {

using testing_support::kPatience;
using testing_support::whole;

class OpenClRig : public testing_support::DeviceRig {
 public:
  explicit OpenClRig(bool only_builds = false) : only_builds_(only_builds) {}

  void set_up() override {
    backend_ = create_backend();
    if (only_builds_) backend_->only_build();
    ASSERT_FALSE(backend_->unavailable()) << *backend_->unavailable();
    const auto listings = backend_->devices();
    while (index_ < int(listings.size()) && !listings[size_t(index_)].software) ++index_;
    ASSERT_LT(index_, int(listings.size())) << "no driver gives a CPU device";
    device_ = open();
    ASSERT_TRUE(device_);
  }

  std::shared_ptr<KernelDevice> open() override { return open(DeviceOptions{}); }
  std::shared_ptr<KernelDevice> open(DeviceOptions options) {
    std::shared_ptr<KernelDevice> opened;
    options.kernel_compiler = [&](std::shared_ptr<KernelDevice> device) -> Result<std::shared_ptr<Device>> {
      opened = std::move(device);
      return nullptr;
    };
    const auto device = backend_->open(index_, options);
    EXPECT_TRUE(device) << device.error().message();
    return opened;
  }

  KernelSource scale() const override {
    return {"scale", R"(
__kernel void scale(__global float* x, uint count, uint factor) {
  const uint i = get_group_id(0) * 64 + get_local_id(0);
  if (i < count) x[i] *= (float)factor;
})",
            64, 1, 2};
  }
  KernelSource row_sum() const override {
    return {"row_sum", R"(
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
  }
  KernelSource group_ids() const override {
    return {"group_ids", R"(
__kernel void group_ids(__global uint* ids, uint width, uint height) {
  const uint group = (get_group_id(2) * height + get_group_id(1)) * width + get_group_id(0);
  ids[group * 8 + get_local_id(0)] = get_group_id(2) * 100 + get_group_id(1) * 10 + get_group_id(0);
})",
            8, 1, 2};
  }

  bool only_builds_;
  std::unique_ptr<Backend> backend_;
  int index_ = 0;
};

using OpenClTest = testing_support::RigTest<OpenClRig>;

}  // namespace trireme::opencl

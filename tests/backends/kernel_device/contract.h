// What every device of compiled kernels does. A backend's tests instantiate the three suites with its rig:
//   INSTANTIATE_TEST_SUITE_P(OpenCl, KernelListContract, testing::Values(make_rig<OpenClRig>));
#pragma once

#include "tests/backends/kernel_device/rig.h"

namespace trireme::testing_support {

using MakeRig = std::unique_ptr<DeviceRig> (*)();
template <typename Rig>
std::unique_ptr<DeviceRig> make_rig() {
  return std::make_unique<Rig>();
}

class RigContract : public ::testing::TestWithParam<MakeRig> {
 protected:
  void SetUp() override {
    rig_ = GetParam()();
    rig_->set_up();
    ASSERT_TRUE(rig_->device_);
  }
  void TearDown() override { rig_->tear_down(); }

  KernelDevice& device() { return *rig_->device_; }
  template <typename T>
  std::shared_ptr<Buffer> buffer_of(const std::vector<T>& values) {
    return rig_->buffer_of(values);
  }
  template <typename T>
  static std::vector<T> values_of(const Buffer& buffer, uint64_t offset, size_t count) {
    return DeviceRig::values_of<T>(buffer, offset, count);
  }

  std::unique_ptr<DeviceRig> rig_;
};

// Buffers, kernels and submissions.
class KernelDeviceContract : public RigContract {
 protected:
  // A finished list that copies the first of two ints over the second.
  std::unique_ptr<KernelList> copying(const std::shared_ptr<Buffer>& buffer);
};

// Submissions of several threads.
class KernelThreadsContract : public KernelDeviceContract {};

// Recorded launches and copies.
class KernelListContract : public RigContract {
 protected:
  void SetUp() override {
    RigContract::SetUp();
    list_ = *device().create_list();
  }
  void TearDown() override {
    list_.reset();
    RigContract::TearDown();
  }

  void launch(const KernelSource& source, std::vector<BufferRange> buffers, std::vector<uint32_t> words,
              std::array<uint32_t, 3> groups = {1, 1, 1});
  void finish_and_run();

  std::unique_ptr<KernelList> list_;
};

}  // namespace trireme::testing_support

// DeviceRig: a driver's CPU device with what tests do with one, whatever its language.
#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <vector>

#include "hal/kernel_device.h"

namespace trireme::testing_support {

inline constexpr std::chrono::seconds kPatience{60};

inline BufferRange whole(const std::shared_ptr<Buffer>& buffer) { return {buffer.get(), 0, buffer->size()}; }

class DeviceRig {
 public:
  virtual ~DeviceRig() = default;

  // Opens device_: a driver that is missing is a failure, since the tests' packages bring one.
  virtual void set_up() = 0;
  // Closes it.
  virtual void tear_down() { device_.reset(); }
  // One more device of the same driver.
  virtual std::shared_ptr<KernelDevice> open() = 0;

  // x[i] *= factor for i < count: {x}, {count, factor}, groups of 64.
  virtual KernelSource scale() const = 0;
  // The sum of each row of `columns` floats, by a group of 64: {x, sums}, {columns}.
  virtual KernelSource row_sum() const = 0;
  // 100 z + 10 y + x by each of 8 items of group (x, y, z): {ids}, {groups on axis 0, on axis 1}.
  virtual KernelSource group_ids() const = 0;

  static std::shared_ptr<const Kernel> load(KernelDevice& device, const KernelSource& source);
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

  // Submits the list and waits for it.
  static Status run(KernelDevice& device, KernelList& list);
  void run(KernelList& list);

  std::shared_ptr<KernelDevice> device_;
};

// The fixture of tests for one backend.
template <typename Rig>
class RigTest : public ::testing::Test, public Rig {
 protected:
  void SetUp() override { Rig::set_up(); }
  void TearDown() override { Rig::tear_down(); }
};

}  // namespace trireme::testing_support

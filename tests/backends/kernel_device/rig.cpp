#include "tests/backends/kernel_device/rig.h"

namespace trireme::testing_support {

std::shared_ptr<const Kernel> DeviceRig::load(KernelDevice& device, const KernelSource& source) {
  const auto built = device.build_kernel(source);
  EXPECT_TRUE(built) << built.error().message();
  const auto kernel = device.load_kernel(source, *built);
  EXPECT_TRUE(kernel) << kernel.error().message();
  return *kernel;
}

Status DeviceRig::run(KernelDevice& device, KernelList& list) {
  auto timeline = *device.create_timeline();
  const TimelinePoint done{timeline.get(), 1};
  TRIREME_TRY(device.submit(list, {}, {&done, 1}));
  return timeline->wait(1, kPatience);
}

void DeviceRig::run(KernelList& list) {
  const Status status = run(*device_, list);
  EXPECT_TRUE(status) << status.error().message();
}

}  // namespace trireme::testing_support

#include "tests/support/test_devices.h"

#include <cstdio>
#include <cstdlib>

#include "backends/built_in.h"

namespace trireme::testing_support {

std::shared_ptr<Device> open_device(const std::string& id, int threads) {
  auto device = built_in_backends().open(id, {threads});
  if (device) return *device;
  std::fprintf(stderr, "error: %s\n", device.error().message().c_str());
  std::abort();
}

}  // namespace trireme::testing_support

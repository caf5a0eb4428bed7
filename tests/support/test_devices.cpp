#include "tests/support/test_devices.h"

#include <cstdio>
#include <cstdlib>

#ifdef TRIREME_HAVE_CPU
#include "backends/cpu/backend.h"
#endif
#include "backends/reference/backend.h"

namespace trireme::testing_support {

std::shared_ptr<Device> open_device(const std::string& id, int threads) {
  Registry registry;
#ifdef TRIREME_HAVE_CPU
  registry.add(cpu::create_backend());
#endif
  registry.add(reference::create_backend());
  auto device = registry.open(id, {threads});
  if (device) return *device;
  std::fprintf(stderr, "error: %s\n", device.error().message().c_str());
  std::abort();
}

}  // namespace trireme::testing_support

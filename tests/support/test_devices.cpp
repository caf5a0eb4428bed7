#include "tests/support/test_devices.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "backends/built_in.h"
#include "compiler/device/compile_for.h"
#include "hal/validation.h"

namespace trireme::testing_support {

namespace {

const Validation& validation() {
  static const Validation shared([](const Error& finding) { ADD_FAILURE() << finding.message(); });
  return shared;
}

}  // namespace

std::shared_ptr<Device> open_device(const std::string& id, int threads) {
  return validate(open_bare_device(id, threads), validation());
}

std::shared_ptr<Device> open_bare_device(const std::string& id, int threads) {
  Registry registry = built_in_backends();
  registry.compile_with(compiler::kernel_compiler());
  auto device = registry.open(id, {threads});
  if (device) return *device;
  std::fprintf(stderr, "error: %s\n", device.error().message().c_str());
  std::abort();
}

}  // namespace trireme::testing_support

// The devices that tests run on.
#pragma once

#include <memory>
#include <string>

#include "hal/backend.h"

namespace trireme::testing_support {

// Opens "reference:0" or "cpu:0" under the validation layer; what that finds fails the test. Ends the test program when
// there is no such device, for a required device is no reason to skip. All devices of a program are validated together,
// as they may wait for each other.
std::shared_ptr<Device> open_device(const std::string& id, int threads = 2);

// Without the validation layer, which allocates at every call: for tests of what the device itself does.
std::shared_ptr<Device> open_bare_device(const std::string& id, int threads = 2);

}  // namespace trireme::testing_support

// The devices that tests run on.
#pragma once

#include <memory>
#include <string>

#include "hal/backend.h"

namespace trireme::testing_support {

// Opens "reference:0" or "cpu:0"; ends the test program when that fails, for a required device is no reason to skip.
std::shared_ptr<Device> open_device(const std::string& id, int threads = 2);

}  // namespace trireme::testing_support

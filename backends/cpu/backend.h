// The cpu backend: one device, "cpu:0", that computes on this machine's cores.
#pragma once

#include <memory>

#include "hal/backend.h"

namespace trireme::cpu {

// For Registry::add. Always available.
std::unique_ptr<Backend> create_backend();

}  // namespace trireme::cpu

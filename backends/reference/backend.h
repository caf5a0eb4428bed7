// The reference backend: one device that computes every op with plain loops, the oracle of all others.
#pragma once

#include <memory>

#include "hal/backend.h"

namespace trireme::reference {

std::unique_ptr<Backend> create_backend();

}  // namespace trireme::reference

// The backends that this build of Trireme holds.
#pragma once

#include "hal/backend.h"

namespace trireme {

// One of each, in the order in which TRIREME_BACKENDS named them when Trireme was built. Never empty.
Registry built_in_backends();

}  // namespace trireme

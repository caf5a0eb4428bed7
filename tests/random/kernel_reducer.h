// Makes a kernel smaller for as long as it shows the same failure.
#pragma once

#include <functional>

#include "compiler/kernel/function.h"

namespace trireme::random {

// Leaves out instructions, and puts operands in the place of what is made of them, while `fails` says so of what is
// left. Every kernel that `fails` is asked about passes the verifier.
kernel::Function reduced(const kernel::Function& function, const std::function<bool(const kernel::Function&)>& fails);

}  // namespace trireme::random

// Uniformity: which values are the same for all work items of a group.
#pragma once

#include <vector>

#include "compiler/kernel/function.h"

namespace trireme::kernel {

// By ValueId. Conservative: false where it cannot be told.
std::vector<bool> uniform_values(const Function& function);

}  // namespace trireme::kernel

// What the drivers of this machine are known to compile wrongly, so that it is no finding.
#pragma once

#include "compiler/kernel/function.h"
#include "hal/target.h"

namespace trireme::random {

// Why a kernel is left out on devices of a language; null when it is not.
//
// PoCL 3.1 keeps one copy of a variable for all items of a group when every value that it is given is the same for all,
// although items leave the loop around it at different times: such loops beside barriers are left out. LLVM 14 to 19
// lose the sign of a vector that a loop negates. Mesa 22.3 does not swap the vectors that a loop carries when items
// leave it at different times. SPIR-V has no vectors of more than 4 lanes.
const char* left_out(const kernel::Function& function, TargetLanguage language);

}  // namespace trireme::random

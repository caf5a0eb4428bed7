// Operands: which inputs of an op are constants, and what a device prepares them as.
#pragma once

#include <optional>

#include "hal/ops.h"
#include "hal/prepared.h"

namespace trireme {

// How a device prepares input `input` of the op, or nullopt when it is not a constant. An elementwise Binary may have a
// constant as its second operand, which is a vector too, and this says nullopt for it.
std::optional<WeightUse> weight_use(const OpParams& params, int input);

// How the op sees its activations; kFloat for ops other than matmuls.
ActScheme act_scheme(const OpParams& params);

// True when the op writes into the storage of an input and so ends the life of the input's old value.
bool overwrites_state(const OpParams& params);

}  // namespace trireme

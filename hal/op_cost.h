// The work of an op as its descriptor gives it: what assess() answers start from.
#pragma once

#include "hal/device.h"

namespace trireme {

// Work at full capacity, on an op that passed check_op(): multiply_adds counts scalar products and elementwise results;
// bytes_moved counts every operand once, but of a gathered table only the rows that are read, of experts as many as the
// rows can meet, and nothing of storage that an output shares with an input. Attention is counted over the whole block
// table. weight_bytes is the constants' size in their own formats; the other two are 0.
OpCost op_cost(const OpDesc& op);

// The share of matmul weights that such an op can read at once: of experts, as many as its rows can meet.
double read_share(const OpDesc& op);

}  // namespace trireme

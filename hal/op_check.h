// Whether an op's operands fit its descriptor, whatever the device.
#pragma once

#include "hal/ops.h"

namespace trireme {

// Checks number, ranks, shapes, formats and row domains of all operands against the op's struct in hal/ops.h. A device
// that has called this may rely on them. Errors: kInvalidArgument naming the op and the operand.
Status check_op(const OpDesc& op);

// The format's elements are numbers that decode_row() can give: a weight may have it.
bool has_float_values(const Format& format);

}  // namespace trireme

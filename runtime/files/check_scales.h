// check_scales: a packed tensor's scales and minima, looked at before they are computed with.
#pragma once

#include "hal/prepared.h"

namespace trireme::runtime {

// Reads every float scale, minimum and zero point that the tensor's format names, and nothing else of it; a plain
// tensor has none and is not read. One pass at about the speed of memory. Errors: kCorruptData naming the tensor when
// one is infinite or not a number (of a dividing scale: zero, too), or when the bytes do not match the shape.
Status check_scales(const HostTensor& tensor);

}  // namespace trireme::runtime

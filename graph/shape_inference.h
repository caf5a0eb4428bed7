// Shape inference: what an op makes of its inputs, and every check of shapes, formats and row domains.
#pragma once

#include <span>
#include <vector>

#include "hal/ops.h"

namespace trireme::graph {

// The outputs' descriptors. Errors: kInvalidArgument naming op, operand, shapes and what was expected.
// Reshape and Cast have a result that their inputs do not determine: pass it as `wanted`, which the other ops
// ignore. Sizes from untrusted text are safe to pass.
Result<std::vector<TensorDesc>> infer_outputs(const OpParams& params, std::span<const TensorDesc> inputs,
                                              std::span<const TensorDesc> wanted = {});

}  // namespace trireme::graph

// What the cpu device can do: one answer that assess() and prepare() share.
#pragma once

#include <optional>

#include "hal/device.h"

namespace trireme::cpu {

// Why the device cannot do the op; empty when it can.
std::optional<std::string> unsupported_reason(const OpDesc& op);

// Cost of an op without unsupported_reason(); `threads` workers share its scratch.
OpCost cpu_op_cost(const OpDesc& op, int threads, bool native_bf16);

}  // namespace trireme::cpu

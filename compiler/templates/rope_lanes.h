// RopeStore where an item is a thread of a processor.
#pragma once

#include "compiler/templates/templates.h"

namespace trireme::compiler {

// How many lanes it computes with; 1 where it does not suit.
uint32_t rope_lanes(const RopeStore& params, const OpDesc& op, const Target& target);
Result<OpCalls> write_rope_lanes(const RopeStore& params, const OpDesc& op, const Target& target);

}  // namespace trireme::compiler

// The families, one function each: adding a family adds a line here, one in families(), and its own file.
#pragma once

#include "graph/models/family.h"

namespace trireme::graph {

const Family& llama_family();
const Family& qwen2_family();
const Family& qwen3_family();
const Family& gemma3_family();

}  // namespace trireme::graph

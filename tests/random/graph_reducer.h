// Makes a graph smaller for as long as it shows the same failure.
#pragma once

#include <functional>

#include "tests/random/graph_case.h"

namespace trireme::random {

// Leaves out nodes and outputs while `fails` says so of what is left. What a node that is left out computed is an input
// then, with the reference's result in it.
GraphCase reduced(const GraphCase& test, Device& reference, const std::function<bool(const GraphCase&)>& fails);

}  // namespace trireme::random

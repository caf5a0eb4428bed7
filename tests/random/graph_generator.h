// Random graphs: valid ones, as a model's family could build them, with contents for everything that they read.
#pragma once

#include <string>

#include "tests/random/graph_case.h"

namespace trireme::random {

// The same seed gives the same graph on every machine: up to a dozen ops with shapes of ones and primes, weights in
// random formats, counts below capacity, values with several uses, and views of others' storage. Rows that do not count
// hold NaN, or ids out of range. Errors: kInternal when the verifier refuses what was made.
Result<GraphCase> random_graph(const std::string& seed);

}  // namespace trireme::random

// A graph with the contents of everything that it reads, and the ways to run one step of it.
#pragma once

#include <map>
#include <memory>

#include "compiler/compile.h"
#include "tests/conformance/execute.h"

namespace trireme::random {

using conformance::Bytes;

struct GraphCase {
  graph::Graph graph;                     // as a model's family would build it; all nodes in layer 0
  std::map<std::string, Bytes> contents;  // of inputs, weights and states, by name
  std::map<std::string, std::vector<Bytes>> planes;
  int32_t token_count = 1;
  int32_t output_count = 1;
};

// By name: each output of the graph, and each state that it writes, as it is after the step.
using Results = std::map<std::string, Bytes>;

// Compiles the graph for a device and runs one step. `fallback` does the ops that the device cannot.
// Errors: those of the compiler and the devices.
struct Run {
  Results results;
  bool fell_back = false;
};
Result<Run> run(const std::shared_ptr<Device>& device, const std::shared_ptr<Device>& fallback, const GraphCase& test,
                const compiler::CompileOptions& options);

// What a value may be: its bytes as the reference computes them, and how far each of its elements may be off. Those of
// rows that do not count mean nothing.
struct Judged {
  TensorDesc desc;
  Bytes bytes;
  std::vector<double> errors;  // empty: none
};

// Every value of a graph, by id. The nodes run one by one on the reference; each adds the error that conformance allows
// it to those that its inputs have. Works for graphs before and after the compiler's rewrites.
// Errors: those of the reference.
Result<std::vector<Judged>> evaluate(const graph::Graph& graph, const GraphCase& test, Device& reference,
                                     const NumericTraits& traits);

// The values of results by name, out of those of a graph.
std::map<std::string, Judged> judged_results(const graph::Graph& graph, const std::vector<Judged>& values);

// The elements of rows that count, as numbers; of Q8_ACT scale * code.
Result<std::vector<double>> counted_numbers(const GraphCase& test, const TensorDesc& desc, const Bytes& bytes);

}  // namespace trireme::random

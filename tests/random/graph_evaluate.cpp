#include <algorithm>
#include <cmath>

#include "tests/conformance/intervals.h"
#include "tests/conformance/judge.h"
#include "tests/conformance/operands.h"
#include "tests/random/graph_case.h"

namespace trireme::random {

using conformance::Case;
using graph::Graph;
using graph::NodeId;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

namespace {

using Errors = std::vector<std::vector<double>>;

Judged named_value(const Value& value, const GraphCase& test) {
  if (value.kind == ValueKind::kConstant) return {value.desc, conformance::bytes_of(value.data), {}};
  return {value.desc, test.contents.at(value.name), {}};
}

Case case_of(const Graph& graph, NodeId id, const GraphCase& test, const std::vector<Judged>& values) {
  Case made;
  made.name = graph.node(id).label;
  made.op = graph.op_desc(id);
  made.token_count = test.token_count;
  made.output_count = test.output_count;
  for (const ValueId input : graph.node(id).inputs) {
    made.inputs.push_back(values[input].bytes);
    const auto planes = test.planes.find(graph.value(input).name);
    made.planes.push_back(planes == test.planes.end() ? std::vector<Bytes>() : planes->second);
  }
  return made;
}

// Of one group that is quantised, x and the errors of x: how far scale * code may be off.
void quantise_errors(const double* x, const double* errors, double* result) {
  double largest = 0, slack = 0;
  for (int i = 0; i < 32; ++i) {
    largest = std::max(largest, std::fabs(x[i]));
    slack = std::max(slack, errors[i]);
  }
  for (int i = 0; i < 32; ++i) result[i] = 0;
  if (slack == 0) return;
  // The scale is rounded to f32, and so is each quotient.
  const double scale = largest / 127, scale_error = slack / 127 + scale * 0x1p-23;
  for (int i = 0; i < 32; ++i) {
    const double low_scale = std::max(scale - scale_error, 0.0);
    if (low_scale == 0) {
      result[i] = std::fabs(x[i]) + largest + 2 * slack;
      continue;
    }
    const double size = std::fabs(x[i]), code = std::nearbyint(size / scale);
    const double most = std::min(127.0, std::nearbyint((size + errors[i]) / low_scale * (1 + 0x1p-22))),
                 least = std::nearbyint(std::max(size - errors[i], 0.0) / (scale + scale_error) * (1 - 0x1p-22));
    // What is about 0 may have either sign.
    const double lowest = size < errors[i] ? -std::nearbyint((errors[i] - size) / low_scale * (1 + 0x1p-22)) : least;
    result[i] = std::max(most - code, code - lowest) * (scale + scale_error) + code * scale_error;
  }
}

Result<std::vector<double>> quantise_errors(const Case& test, const TensorDesc& desc, const Bytes& floats,
                                            const std::vector<double>& errors) {
  const std::vector<double> x = conformance::decode_plain(formats::f32(), floats);
  std::vector<double> result(x.size(), 0.0);
  const auto count = size_t(conformance::counted_rows(test, desc) * desc.shape.back());
  for (size_t i = 0; i < count; i += 32) quantise_errors(&x[i], &errors[i], &result[i]);
  return result;
}

// The node's outputs. `plain` is the same case without its quantisation.
Status judge_outputs(const Case& test, const Errors& carried, Device& reference, const NumericTraits& traits,
                     std::vector<Judged>& outputs) {
  TRIREME_ASSIGN(std::vector<Bytes> bytes, conformance::execute(reference, test));
  TRIREME_ASSIGN(Errors errors, conformance::allowed_errors(test, traits, carried));
  std::vector<Bytes> floats;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const TensorDesc& desc = test.op.outputs[i];
    if (desc.format == &formats::q8_act()) {
      const bool alone = std::holds_alternative<QuantizeQ8>(test.op.params);
      if (!alone && floats.empty()) {
        TRIREME_ASSIGN(floats, conformance::execute(reference, unquantised(test)));
      }
      TRIREME_ASSIGN(errors[i], quantise_errors(test, desc, alone ? test.inputs[0] : floats[i], errors[i]));
    }
    if (std::ranges::all_of(errors[i], [](double error) { return error == 0; })) errors[i].clear();
    outputs.push_back({desc, std::move(bytes[i]), std::move(errors[i])});
  }
  return {};
}

}  // namespace

Result<std::vector<Judged>> evaluate(const Graph& graph, const GraphCase& test, Device& reference,
                                     const NumericTraits& traits) {
  std::vector<Judged> values(graph.value_count());
  for (ValueId id = 0; id < graph.value_count(); ++id)
    if (!graph.value(id).erased && graph.value(id).kind != ValueKind::kComputed)
      values[id] = named_value(graph.value(id), test);
  for (const NodeId id : graph.node_order()) {
    const graph::Node& node = graph.node(id);
    if (std::holds_alternative<Reshape>(node.params)) {
      values[node.outputs[0]] = values[node.inputs[0]];
      values[node.outputs[0]].desc = graph.value(node.outputs[0]).desc;
      continue;
    }
    Errors carried;
    for (const ValueId input : node.inputs) carried.push_back(values[input].errors);
    std::vector<Judged> outputs;
    TRIREME_TRY(judge_outputs(case_of(graph, id, test, values), carried, reference, traits, outputs));
    for (size_t i = 0; i < outputs.size(); ++i) values[node.outputs[i]] = std::move(outputs[i]);
  }
  return values;
}

std::map<std::string, Judged> judged_results(const Graph& graph, const std::vector<Judged>& values) {
  std::map<std::string, Judged> results;
  for (const graph::Output& output : graph.outputs()) results[output.name] = values[output.value];
  for (const ValueId state : graph.values_of(ValueKind::kState)) results[graph.value(state).name] = values[state];
  // The last version of a state is what it holds in the end.
  for (const NodeId id : graph.node_order())
    for (const ValueId output : graph.node(id).outputs) {
      const Value& root = graph.value(graph.storage_root(output));
      if (root.kind == ValueKind::kState) results[root.name] = values[output];
    }
  return results;
}

Result<std::vector<double>> counted_numbers(const GraphCase& test, const TensorDesc& desc, const Bytes& bytes) {
  Case made;
  made.op.inputs.push_back({desc, false});
  made.inputs.push_back(bytes);
  made.token_count = test.token_count;
  made.output_count = test.output_count;
  TRIREME_ASSIGN(conformance::Numbers numbers, conformance::numbers_of(made, 0));
  numbers.values.resize(size_t(conformance::counted_rows(made, desc) * (desc.shape.elements() / desc.shape[0])));
  return std::move(numbers.values);
}

}  // namespace trireme::random

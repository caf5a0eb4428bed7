#include "tests/random/graph_check.h"

#include <algorithm>
#include <cmath>

#include "graph/text.h"
#include "tests/conformance/random.h"
#include "tests/random/graph_generator.h"
#include "tests/random/graph_reducer.h"

namespace trireme::random {

using graph::Graph;

namespace {

constexpr int kMostGraphs = 8;

std::string part_of(const std::string& failure) { return failure.substr(0, failure.find(": ")); }

// Results of two ways to compute the same, each of which may be off.
std::optional<std::string> disagreement(const GraphCase& test, const Judged& a, const Judged& b) {
  Judged both = a;
  if (both.errors.empty()) both.errors.assign(size_t(a.desc.shape.elements()), 0.0);
  for (size_t i = 0; i < b.errors.size(); ++i) both.errors[i] += b.errors[i];
  return GraphCheck::difference(test, both, b.bytes);
}

}  // namespace

void GraphCheck::use(std::shared_ptr<Device> reference, std::vector<std::shared_ptr<Device>> devices) {
  reference_ = std::move(reference);
  devices_ = std::move(devices);
  traits_ = {};
  for (const auto& device : devices_) {
    const NumericTraits& own = device->info().numeric;
    traits_.accumulator_epsilon = std::max(traits_.accumulator_epsilon, own.accumulator_epsilon);
    traits_.activation_epsilon = std::max(traits_.activation_epsilon, own.activation_epsilon);
  }
}

std::optional<std::string> GraphCheck::difference(const GraphCase& test, const Judged& expected, const Bytes& actual) {
  const auto e = counted_numbers(test, expected.desc, expected.bytes), a = counted_numbers(test, expected.desc, actual);
  if (!e || !a) return "the result cannot be read";
  for (size_t i = 0; i < e->size(); ++i) {
    const double allowed = expected.errors.empty() ? 0 : expected.errors[i];
    const double error = std::fabs((*e)[i] - (*a)[i]);
    // A bound may have no end.
    if ((*e)[i] == (*a)[i] || (std::isfinite((*a)[i]) && !(error > allowed))) continue;
    char text[160];
    std::snprintf(text, sizeof text, "element %zu is %.9g, the reference has %.9g, allowed is %.3g", i, (*a)[i],
                  (*e)[i], allowed);
    return text;
  }
  return std::nullopt;
}

Result<GraphCheck::Expected> GraphCheck::expect(const GraphCase& test, const compiler::CompileOptions& options) {
  Graph rewritten = test.graph;
  TRIREME_TRY(compiler::optimize(rewritten, options));
  TRIREME_ASSIGN(const std::vector<Judged> values, evaluate(rewritten, test, *reference_, traits_));
  Expected expected;
  for (const graph::NodeId id : rewritten.node_order())
    for (const graph::ValueId output : rewritten.node(id).outputs) {
      TRIREME_ASSIGN(const auto numbers, counted_numbers(test, values[output].desc, values[output].bytes));
      expected.finite = expected.finite && std::ranges::all_of(numbers, [](double x) { return std::isfinite(x); });
    }
  expected.results = judged_results(rewritten, values);
  return expected;
}

std::optional<std::string> GraphCheck::failure_on(const std::shared_ptr<Device>& device, const GraphCase& test,
                                                  const Expected& expected, const compiler::CompileOptions& options) {
  const std::string id = device->info().id;
  const auto actual = run(device, reference_, test, options);
  if (!actual) return id + ": " + actual.error().message();
  ++counts_.runs;
  if (actual->fell_back) ++counts_.fell_back[id];
  for (const auto& [name, bytes] : actual->results)
    if (const auto different = difference(test, expected.results.at(name), bytes))
      return id + ": " + name + ", " + *different;
  return std::nullopt;
}

std::optional<std::string> GraphCheck::failure(const GraphCase& test, const compiler::CompileOptions& options) {
  const auto parsed = graph::parse(graph::print(test.graph));
  if (!parsed) return "text: " + parsed.error().message();
  if (!graph::same_graph(*parsed, test.graph)) return "text: what is read back is another graph";
  const auto expected = expect(test, options);
  if (!expected) return "reference: " + expected.error().message();
  compiler::CompileOptions plain = options;
  plain.fuse = false;
  const auto unfused = options.fuse ? expect(test, plain) : expected;
  if (!unfused) return "reference unfused: " + unfused.error().message();
  for (const auto& [name, judged] : expected->results)
    if (const auto different = disagreement(test, judged, unfused->results.at(name)))
      return "rewrites: " + name + ", " + *different;
  for (const auto& device : devices_)
    if (auto failed = failure_on(device, test, *expected, options)) return failed;
  return std::nullopt;
}

Result<GraphCase> GraphCheck::generate(const std::string& seed, const compiler::CompileOptions& options) {
  for (int attempt = 0; attempt < kMostGraphs; ++attempt) {
    TRIREME_ASSIGN(GraphCase test, random_graph(attempt == 0 ? seed : seed + " again " + std::to_string(attempt)));
    const auto expected = expect(test, options);
    if (expected && !expected->finite) {
      ++counts_.regenerated;
      continue;
    }
    if (expected) count(test, *expected);
    return test;
  }
  return fail(ErrorCode::kInternal, seed, "every graph of it has values that are not finite");
}

void GraphCheck::count(const GraphCase& test, const Expected& expected) {
  ++counts_.graphs;
  counts_.nodes += int(test.graph.node_order().size());
  for (const auto& [name, judged] : expected.results) {
    const auto numbers = counted_numbers(test, judged.desc, judged.bytes);
    for (size_t i = 0; numbers && i < numbers->size(); ++i) {
      ++counts_.elements;
      const double error = judged.errors.empty() ? 0 : judged.errors[i];
      counts_.would_catch += 0.01 * std::fabs((*numbers)[i]) > error;
    }
  }
}

std::optional<Finding> GraphCheck::check(const std::string& seed) {
  conformance::Random random("options of " + seed);
  compiler::CompileOptions options;
  options.fuse = random.integer(0, 3) > 0;
  options.quantize_activations = random.integer(0, 3) > 0;
  const auto test = generate(seed, options);
  if (!test) return Finding{seed, "generator: " + test.error().message(), ""};
  const auto failed = failure(*test, options);
  if (!failed) return std::nullopt;
  // A smaller graph counts when the same part of the program or the same device fails.
  const auto fails = [&](const GraphCase& smaller) {
    const auto why = failure(smaller, options);
    return why && part_of(*why) == part_of(*failed);
  };
  const GraphCase smaller = reduced(*test, *reference_, fails);
  const std::string how = std::string("fused ") + (options.fuse ? "yes" : "no") + ", quantised " +
                          (options.quantize_activations ? "yes" : "no") + ", rows " +
                          std::to_string(smaller.token_count) + ", output rows " + std::to_string(smaller.output_count);
  return Finding{seed, *failed,
                 "# " + how + "\n# " + failure(smaller, options).value_or("") + "\n" + graph::print(smaller.graph)};
}

}  // namespace trireme::random

// Runs random graphs on devices, and compares their results with the reference's.
#pragma once

#include <map>
#include <optional>

#include "tests/random/finding.h"
#include "tests/random/graph_case.h"

namespace trireme::random {

struct GraphCounts {
  int graphs = 0;
  int nodes = 0;
  int runs = 0;                               // on devices
  int regenerated = 0;                        // graphs with values that are not finite: replaced by others
  int64_t elements = 0;                       // that were compared on each device
  int64_t would_catch = 0;                    // those of which an error of 1 % would be a finding
  std::map<std::string, int> fell_back = {};  // runs with an op that the reference did for this device
};

class GraphCheck {
 public:
  // The devices under the validation layer of the caller's choice.
  GraphCheck(std::shared_ptr<Device> reference, std::vector<std::shared_ptr<Device>> devices) {
    use(std::move(reference), std::move(devices));
  }
  // From now on these, instead of those before.
  void use(std::shared_ptr<Device> reference, std::vector<std::shared_ptr<Device>> devices);

  // One graph: its text reads back, the compiler's rewrites keep its results, and all devices give what they may.
  std::optional<Finding> check(const std::string& seed);

  const GraphCounts& counts() const { return counts_; }

  // The first failure in one line, or nothing.
  std::optional<std::string> failure(const GraphCase& test, const compiler::CompileOptions& options);

  // What is wrong with an output, or nothing: each element must be as far from the reference's as it may be.
  static std::optional<std::string> difference(const GraphCase& test, const Judged& expected, const Bytes& actual);

 private:
  struct Expected {
    std::map<std::string, Judged> results;
    bool finite = true;
  };
  Result<Expected> expect(const GraphCase& test, const compiler::CompileOptions& options);
  Result<GraphCase> generate(const std::string& seed, const compiler::CompileOptions& options);
  void count(const GraphCase& test, const Expected& expected);
  std::optional<std::string> failure_on(const std::shared_ptr<Device>& device, const GraphCase& test,
                                        const Expected& expected, const compiler::CompileOptions& options);

  std::shared_ptr<Device> reference_;
  std::vector<std::shared_ptr<Device>> devices_;
  NumericTraits traits_;  // the widest of all devices
  GraphCounts counts_;
};

}  // namespace trireme::random

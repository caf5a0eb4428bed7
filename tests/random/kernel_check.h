// Runs random kernels on the interpreter and on devices, and compares every word.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "tests/random/finding.h"
#include "tests/random/kernel_case.h"

namespace trireme::random {

struct KernelCounts {
  int kernels = 0;
  int launches = 0;                          // on devices
  int regenerated = 0;                       // kernels that the interpreter refused: replaced by others
  std::map<std::string, int> left_out = {};  // launches, by the device and the reason
};

class KernelCheck {
 public:
  explicit KernelCheck(std::vector<std::shared_ptr<KernelDevice>> devices) : devices_(std::move(devices)) {}

  // One kernel: its text reads back, simplify() keeps its results, and all devices give the interpreter's words.
  std::optional<Finding> check(const std::string& seed);

  const KernelCounts& counts() const { return counts_; }

  // The first failure in one line, or nothing. `simplified`: devices run what simplify() makes of it.
  std::optional<std::string> failure(const KernelCase& test, bool simplified);

 private:
  Result<KernelCase> generate(const std::string& seed);
  std::optional<std::string> failure_on(KernelDevice& device, const KernelCase& test,
                                        const std::vector<Words>& expected);

  std::vector<std::shared_ptr<KernelDevice>> devices_;
  KernelCounts counts_;
};

}  // namespace trireme::random

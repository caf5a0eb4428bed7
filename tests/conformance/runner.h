// Runs cases on a device and on the reference, and tells what it found as data.
#pragma once

#include "tests/conformance/cases.h"

namespace trireme::conformance {

enum class Outcome { kPassed, kFailed, kUnsupported };

struct CaseResult {
  std::string name;
  std::string op;  // the op's text
  Outcome outcome = Outcome::kPassed;
  double worst = 0;     // the largest error over the allowed one
  std::string message;  // why it failed, or the device's reason
};

// Both devices through the public contract alone. An op that the device's assess() refuses is kUnsupported with its
// reason; any other error is a failure.
CaseResult run_case(Device& device, Device& reference, const CaseSource& source);

// All cases of the level, in order. `progress` is called after each; it may be empty.
std::vector<CaseResult> run_all(Device& device, Device& reference, int level,
                                const std::function<void(const CaseResult&)>& progress = {});

}  // namespace trireme::conformance

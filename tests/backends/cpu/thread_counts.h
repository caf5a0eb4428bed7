// The cpu device with one, two and three threads, which must give the same bits, beside the reference.
#pragma once

#include "tests/conformance/execute.h"

namespace trireme::cpu {

class ThreadCounts {
 protected:
  void open_devices();

  // Runs on all thread counts, expects the same bits, and gives the outputs; none where a device fails.
  std::vector<conformance::Bytes> run(const conformance::Case& test);

  std::vector<std::shared_ptr<Device>> devices_;
  std::shared_ptr<Device> reference_;
};

}  // namespace trireme::cpu

#include "tests/backends/cpu/thread_counts.h"

#include <gtest/gtest.h>

#include "backends/cpu/backend.h"
#include "backends/reference/backend.h"

namespace trireme::cpu {

void ThreadCounts::open_devices() {
  for (int threads : {1, 2, 3}) devices_.push_back(*create_backend()->open(0, {.threads = threads}));
  reference_ = *reference::create_backend()->open(0, {});
}

std::vector<conformance::Bytes> ThreadCounts::run(const conformance::Case& test) {
  std::vector<conformance::Bytes> first;
  for (const auto& device : devices_) {
    auto outputs = conformance::execute(*device, test);
    EXPECT_TRUE(outputs) << (outputs ? "" : outputs.error().message());
    if (!outputs) return {};
    if (first.empty()) first = *outputs;
    EXPECT_TRUE(first == *outputs) << test.op.text() << " differs with " << device->info().threads << " threads";
  }
  return first;
}

}  // namespace trireme::cpu

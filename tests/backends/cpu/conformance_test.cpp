#include "backends/cpu/backend.h"
#include "tests/conformance/suite.h"

namespace trireme {
namespace {

// Formats without integer kernels are computed with float activations; the refusal says so before anything runs.
bool may_refuse(const conformance::CaseResult& result) {
  return result.message == "the format has no integer kernel on the cpu";
}

TRIREME_CONFORMANCE(Cpu, 3, [] { return cpu::create_backend()->open(0, {.threads = 2}); }, may_refuse);

}  // namespace
}  // namespace trireme

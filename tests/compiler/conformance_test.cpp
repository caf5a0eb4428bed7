// Every template computes what the reference does, on the interpreter, which also finds races and strays.
#include "tests/compiler/interpreter_device.h"
#include "tests/conformance/suite.h"

namespace trireme::compiler::test {
namespace {

// What has no template yet.
bool may_refuse(const conformance::CaseResult& result) {
  for (const char* op : {"softmax", "argmax", "cast", "gelu_erf"})
    if (result.message.find(op) != std::string::npos) return true;
  return false;
}

TRIREME_CONFORMANCE(Interpreter, 3, open_interpreter, may_refuse);

}  // namespace
}  // namespace trireme::compiler::test

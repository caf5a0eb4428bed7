// Every template computes what the reference does, on the interpreter, which also finds races and strays.
#include "tests/compiler/interpreter_device.h"
#include "tests/conformance/suite.h"

namespace trireme::compiler::test {
namespace {

TRIREME_CONFORMANCE(Interpreter, 3, open_interpreter);

}  // namespace
}  // namespace trireme::compiler::test

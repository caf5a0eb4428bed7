// Every template computes what the reference does, on the interpreter, which also finds races and strays.
#include "tests/compiler/interpreter_device.h"
#include "tests/conformance/suite.h"

namespace trireme::compiler::test {
namespace {

TRIREME_CONFORMANCE(Interpreter, 3, [] { return open_interpreter(); });

Result<std::shared_ptr<Device>> with_lanes_of_4() {
  Target target;
  target.vector_lanes = 4;
  return open_interpreter(target);
}
Result<std::shared_ptr<Device>> with_lanes_of_8() { return open_vector_interpreter(8); }
TRIREME_CONFORMANCE(InterpreterOf4LanesThatDivideLoosely, 1, with_lanes_of_4);
Result<std::shared_ptr<Device>> with_lanes_of_16() { return open_vector_interpreter(16); }
Result<std::shared_ptr<Device>> as_if_emulated() {
  Target target;
  target.software = true;
  return open_interpreter(target);
}
TRIREME_CONFORMANCE(EmulatedInterpreter, 1, as_if_emulated);
TRIREME_CONFORMANCE(InterpreterOf8Lanes, 2, with_lanes_of_8);
TRIREME_CONFORMANCE(InterpreterOf16Lanes, 2, with_lanes_of_16);

}  // namespace
}  // namespace trireme::compiler::test

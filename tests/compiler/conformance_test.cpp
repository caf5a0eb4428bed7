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
template <uint32_t size>
Result<std::shared_ptr<Device>> with_subgroups() {
  Target target;
  target.subgroup_size = size;
  return open_interpreter(target);
}
TRIREME_CONFORMANCE(InterpreterOf8ItemSubgroups, 1, with_subgroups<8>);
TRIREME_CONFORMANCE(InterpreterOf64ItemSubgroups, 1, with_subgroups<64>);
TRIREME_CONFORMANCE(EmulatedInterpreter, 1, as_if_emulated);
TRIREME_CONFORMANCE(InterpreterOf8Lanes, 2, with_lanes_of_8);
TRIREME_CONFORMANCE(InterpreterOf16Lanes, 2, with_lanes_of_16);

// 457 rows by 330 of 512 columns in every format: many tiles, none of which divides the rows. Minutes.
class LargeMatmul : public conformance::Conformance {};
TEST_P(LargeMatmul, AgreesWithTheReference) {
  run(GetParam(), [] { return open_interpreter(); });
}
bool is_large_matmul(const std::string& name) {
  return name.starts_with("matmul ") && name.find(" 457x") != std::string::npos;
}
INSTANTIATE_TEST_SUITE_P(DISABLED_All, LargeMatmul, testing::ValuesIn(conformance::groups(4, is_large_matmul)),
                         conformance::group_name);

}  // namespace
}  // namespace trireme::compiler::test

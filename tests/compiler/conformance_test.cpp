// Every template computes what the reference does, on the interpreter, which also finds races and strays.
#include "tests/compiler/interpreter_device.h"
#include "tests/conformance/execute.h"
#include "tests/conformance/suite.h"
#include "tests/hal/sample_tiles.h"

namespace trireme::compiler::test {
namespace {

// Sanitizers see the same code at any level.
#ifdef TRIREME_SANITIZED
constexpr int kLevel = 1;
#else
constexpr int kLevel = 3;
#endif
TRIREME_CONFORMANCE(Interpreter, kLevel, [] { return open_interpreter(); });

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
  target.software = target.fetches_texels = true;
  target.subgroup_size = 8;
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

// Of 32 items as of 64, in every format that has codes of integers.
class MatrixTiles : public conformance::Conformance {};
TEST_P(MatrixTiles, AgreeWithTheReference) {
  for (const MatrixTile& tile : {trireme::test::tile_of_32_items(), trireme::test::tile_of_64_items()})
    run(GetParam(), [&] { return open_matrix_interpreter(tile); });
}
// The bits of dot products by whole rows.
TEST_P(MatrixTiles, HaveTheBitsOfDotProducts) {
  const auto dots = as_if_emulated();
  for (const MatrixTile& tile : {trireme::test::tile_of_32_items(), trireme::test::tile_of_64_items()}) {
    const auto tiles = open_matrix_interpreter(tile);
    for (const conformance::CaseSource& source : GetParam().cases) {
      const auto test = source.make(source.name);
      ASSERT_TRUE(test) << test.error().message();
      const auto expected = conformance::execute(**dots, *test), actual = conformance::execute(**tiles, *test);
      ASSERT_TRUE(expected) << expected.error().message();
      ASSERT_TRUE(actual) << actual.error().message();
      EXPECT_TRUE(*actual == *expected) << source.name;
    }
  }
}
// Those of at least as many rows as a tile has columns: a product in every format, the rest in a few.
bool takes_matrix_tiles(const std::string& name) {
  const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
  if (!has(" q8 ") || has("457x")) return false;
  if (name.starts_with("matmul ") && has(" 81x")) return true;
  return (has(" 33x21x") || has(" 37x40x")) && (has(" Q4_0 ") || has(" Q4_1 ") || has(" Q4_K ") || has(" NVFP4 "));
}
INSTANTIATE_TEST_SUITE_P(All, MatrixTiles, testing::ValuesIn(conformance::groups(4, takes_matrix_tiles)),
                         conformance::group_name);

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

// A weight whose planes are beyond what a device binds at once is bound in parts, and gives the same bits.
#include <gtest/gtest.h>

#include "compiler/templates/weight_layout.h"
#include "tests/compiler/interpreter_device.h"
#include "tests/conformance/case_builder.h"
#include "tests/conformance/experts.h"

namespace trireme::compiler::test {
namespace {

using conformance::Case;
using conformance::CaseBuilder;

constexpr int64_t kRows = 800, kColumns = 64;  // four parts, the last of them small

uint64_t bytes_of_two_parts(const Format& format) {
  const std::vector<uint64_t> bytes =
      plane_bytes(weight_layout(TensorDesc{{kRows, kColumns}, &format}, {}), 2 * 256 - 1, kColumns);
  return *std::max_element(bytes.begin(), bytes.end());
}

void expect_same_bits(const Case& test, const Format& format) {
  Target target;
  target.max_buffer_bytes = bytes_of_two_parts(format);
  const auto whole = open_interpreter(), parted = open_interpreter(target);
  const auto expected = execute(**whole, test), found = execute(**parted, test);
  ASSERT_TRUE(expected) << expected.error().message();
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(*expected, *found) << test.op.text();
}

Case matmul_case(const Format& format, ActScheme act) {
  CaseBuilder builder("parts of " + format.name);
  builder.rows(RowDomain::kTokens, 2);
  if (act == ActScheme::kQ8)
    builder.q8(3, kColumns, 0.01f, false);
  else
    builder.f32({3, kColumns});
  EXPECT_TRUE(builder.weight(format, {kRows, kColumns}));
  builder.row_output({3, kRows});
  return builder.build(Matmul{.act = act});
}

TEST(Parts, OfAMatmulWithCodes) {
  for (const Format* format : {find_format("Q4_0"), find_format("Q4_1")})
    expect_same_bits(matmul_case(*format, ActScheme::kQ8), *format);
}

TEST(Parts, OfAMatmulWithFloats) { expect_same_bits(matmul_case(formats::f16(), ActScheme::kFloat), formats::f16()); }

TEST(Parts, OfGateAndUp) {
  CaseBuilder builder("parts of gate and up");
  builder.q8(1, kColumns, 0.01f, false);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(builder.weight(*find_format("Q8_0"), {kRows, kColumns}));
  builder.output({{1, kRows}, &formats::q8_act(), RowDomain::kFixed});
  expect_same_bits(builder.build(MatmulGlu{ActScheme::kQ8, Activation::kSilu, true}), *find_format("Q8_0"));
}

TEST(Parts, OfATable) {
  CaseBuilder builder("parts of a table");
  EXPECT_TRUE(builder.weight(*find_format("Q4_0"), {kRows, kColumns}));
  builder.i32({0, 255, 256, 799, 511, 512, -1, 800, 767, 768});
  builder.row_output({10, kColumns});
  expect_same_bits(builder.build(EmbedRows{1.0f}), *find_format("Q4_0"));
}

// Eight of 100 rows each: some lie in two parts.
TEST(Parts, OfExperts) {
  for (const int64_t rows : {2, 9}) {
    const auto test = conformance::experts_case(*find_format("Q4_0"), ActScheme::kQ8, {rows, 4, 8, 100, kColumns});
    ASSERT_TRUE(test) << test.error().message();
    expect_same_bits(*test, *find_format("Q4_0"));
  }
}

TEST(Parts, AreRefusedWhenTheFewestRowsAreTooLarge) {
  Target target;
  target.max_buffer_bytes = 1024;
  const auto device = open_interpreter(target);
  const std::vector<OpDesc> ops = {matmul_case(*find_format("Q4_0"), ActScheme::kQ8).op};
  const std::vector<Assessment> answers = (*device)->assess(ops);
  ASSERT_TRUE(std::holds_alternative<Unsupported>(answers[0]));
  EXPECT_NE(std::get<Unsupported>(answers[0]).reason.find("binds at most 1024"), std::string::npos);
}

}  // namespace
}  // namespace trireme::compiler::test

// Weights beyond what a device allocates and binds at once.
#include "compiler/device/compile_for.h"
#include "compiler/templates/weight_layout.h"
#include "hal/op_check.h"
#include "tests/conformance/case_builder.h"
#include "tests/devices/masks.h"
#include "tests/support/test_devices.h"

namespace trireme::devices_test {
namespace {

using conformance::CaseBuilder;
using conformance::CaseSource;
using conformance::Outcome;

constexpr int64_t kColumns = 512;

struct Size {
  int64_t rows, n;
};

CaseSource matmul(const std::vector<const Format*>& weights, Size size, ActScheme act) {
  std::string name = std::string(weights.size() > 1 ? "glu" : "matmul") + (act == ActScheme::kQ8 ? " q8" : " float");
  for (const Format* weight : weights) name += " " + weight->name;
  name += " " + std::to_string(size.rows) + "x" + std::to_string(size.n);
  return {name, 0, [=](const std::string& seed) -> Result<conformance::Case> {
            CaseBuilder builder(seed);
            if (act == ActScheme::kQ8)
              builder.q8(size.rows, kColumns, 0.01f, false);
            else
              builder.f32({size.rows, kColumns});
            for (const Format* weight : weights) TRIREME_TRY(builder.weight(*weight, {size.n, kColumns}));
            builder.row_output({size.rows, size.n});
            if (weights.size() > 1) return builder.build(MatmulGlu{.act = act});
            return builder.build(Matmul{.act = act});
          }};
}

// Rows on both sides of every border.
CaseSource embed(const Format& format, int64_t n, const std::vector<int32_t>& ids) {
  return {"embed " + format.name + " of " + std::to_string(n), 0,
          [=, &format](const std::string& seed) -> Result<conformance::Case> {
            CaseBuilder builder(seed);
            TRIREME_TRY(builder.weight(format, {n, kColumns}));
            builder.i32(ids);
            builder.row_output({int64_t(ids.size()), kColumns});
            return builder.build(EmbedRows{});
          }};
}

class WeightsInParts : public testing::TestWithParam<const char*> {
 protected:
  static Mask binds_at_most(uint64_t bytes) {
    return [=](Target& target) { target.max_buffer_bytes = bytes; };
  }

  // The largest plane of so many rows.
  uint64_t bytes_of(const Format& format, int64_t rows) const {
    Target target;
    const auto device = open_masked(GetParam(), [&](Target& whole) { target = whole; });
    EXPECT_TRUE(device);
    const auto layout = compiler::weight_layout({{rows, kColumns}, &format, RowDomain::kFixed}, target);
    const auto bytes = compiler::plane_bytes(layout, rows, kColumns);
    return *std::ranges::max_element(bytes);
  }

  void run(const std::vector<CaseSource>& cases, uint64_t most_bytes, size_t parts) const {
    const Validation validation([](const Error& finding) { ADD_FAILURE() << finding.message(); });
    const auto device = open_masked(GetParam(), binds_at_most(most_bytes));
    ASSERT_TRUE(device) << device.error().message();
    const auto reference = testing_support::open_bare_device("reference:0");
    for (const CaseSource& source : cases) {
      const auto made = source.make(source.name);
      ASSERT_TRUE(made) << made.error().message();
      const auto kernels = compiler::kernel_sources(**device, made->op);
      ASSERT_TRUE(kernels) << source.name << ": " << kernels.error().message();
      EXPECT_EQ(kernels->size(), parts) << source.name;
      const auto result = run_case(*validate(*device, validation), *reference, source);
      EXPECT_EQ(result.outcome, Outcome::kPassed) << source.name << ": " << result.message;
    }
  }
};

// As many rows as a part has at least, twice, and a tail.
class FormatsInParts : public WeightsInParts {
 protected:
  void run_format(const Format& format) const {
    const int64_t n = format.block_rows == 1 ? 601 : 640;
    std::vector<CaseSource> cases = {embed(format, n, {0, 255, 256, 511, 512, int32_t(n - 1)})};
    for (const int64_t rows : {1, 5}) {
      cases.push_back(matmul({&format}, {rows, n}, ActScheme::kFloat));
      if (has_integer_codes(format)) cases.push_back(matmul({&format}, {rows, n}, ActScheme::kQ8));
    }
    run(cases, bytes_of(format, 256), 3);
  }
};

// Floats, and codes of 2, 4 and 8 bits, with minima and without.
TEST_P(WeightsInParts, AreReadAsOne) {
  for (const char* name : {"F16", "TQ1_0", "Q4_0", "Q4_K", "Q6_K"}) {
    const Format& format = *find_format(name);
    const ActScheme act = has_integer_codes(format) ? ActScheme::kQ8 : ActScheme::kFloat;
    run({embed(format, 601, {0, 255, 256, 511, 512, 600}), matmul({&format}, {5, 601}, act)}, bytes_of(format, 256), 3);
  }
}

TEST_P(FormatsInParts, AreReadAsOne) {
  for (const Format* format : builtin_formats())
    if (has_float_values(*format)) run_format(*format);
}

// One has parts of 512 rows, the other of 1280.
TEST_P(WeightsInParts, NeedNotHaveTheSameBorders) {
  const Format &wide = *find_format("Q8_0"), &narrow = *find_format("Q4_0");
  const uint64_t most_bytes = bytes_of(narrow, 1280);
  ASSERT_LE(bytes_of(wide, 512), most_bytes);
  ASSERT_GT(bytes_of(wide, 768), most_bytes);
  run({matmul({&wide, &narrow}, {2, 1500}, ActScheme::kQ8), matmul({&narrow, &wide}, {2, 1500}, ActScheme::kQ8)},
      most_bytes, 4);
}

TEST_P(WeightsInParts, AreOf32MiB) {
  constexpr uint64_t kMost = 32 << 20;
  const Format& format = *find_format("Q4_0");
  constexpr int32_t kFirst = 131072, kRows = 150001;
  ASSERT_EQ(bytes_of(format, kFirst), kMost);
  run({embed(format, kRows, {0, kFirst - 1, kFirst, kRows - 1}), matmul({&format}, {1, kRows}, ActScheme::kQ8)}, kMost,
      2);
}

TEST_P(WeightsInParts, AreAsLargeAsWasAssessed) {
  const Format& format = *find_format("Q4_1");
  const auto device = open_masked(GetParam(), binds_at_most(bytes_of(format, 256)));
  ASSERT_TRUE(device) << device.error().message();
  const auto made = *matmul({&format}, {1, 601}, ActScheme::kQ8).make("assessed");
  const auto answers = (*device)->assess({&made.op, 1});
  ASSERT_TRUE(std::holds_alternative<OpCost>(answers[0]));
  const auto weight = (*device)->prepare_weight(made.constant(1), WeightUse::kMatmul);
  ASSERT_TRUE(weight) << weight.error().message();
  EXPECT_EQ(std::get<OpCost>(answers[0]).weight_bytes, (*weight)->device_bytes());
}

// 256 rows are the fewest of a part.
TEST_P(WeightsInParts, AreRefusedByNameWhereAPartIsTooLarge) {
  const uint64_t most_bytes = bytes_of(*find_format("Q4_0"), 256) - 1;
  const auto device = open_masked(GetParam(), binds_at_most(most_bytes));
  ASSERT_TRUE(device) << device.error().message();
  const auto made = *matmul({find_format("Q4_0")}, {1, 601}, ActScheme::kQ8).make("refused");
  const auto answers = (*device)->assess({&made.op, 1});
  ASSERT_TRUE(std::holds_alternative<Unsupported>(answers[0]));
  EXPECT_EQ(std::get<Unsupported>(answers[0]).reason.find("a weight of 512 columns: "), 0u);
  const auto weight = (*device)->prepare_weight(made.constant(1), WeightUse::kMatmul);
  ASSERT_FALSE(weight);
  EXPECT_EQ(weight.error().code(), ErrorCode::kUnsupported) << weight.error().message();
}

std::string name_of(const testing::TestParamInfo<const char*>& info) {
  const std::string device = info.param;
  return device.substr(0, device.find(':'));
}

INSTANTIATE_TEST_SUITE_P(DISABLED_All, FormatsInParts, testing::Values("opencl:0", "vulkan:0"), name_of);
INSTANTIATE_TEST_SUITE_P(All, WeightsInParts, testing::Values("opencl:0", "vulkan:0"), name_of);

}  // namespace
}  // namespace trireme::devices_test

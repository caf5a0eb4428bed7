// What the templates write for the ops of the conformance suite is OpenCL C that clang takes for GPUs, whose subgroups
// and integer dot products no driver of the tests has.
#include <gtest/gtest.h>

#include <set>

#include "compiler/emit/opencl_c.h"
#include "compiler/templates/templates.h"
#include "tests/compiler/emit/programs.h"
#include "tests/conformance/cases.h"

namespace trireme::compiler::test {
namespace {

struct Gpu {
  const char* name;
  uint32_t subgroup_size;
  const char* options;
};

const std::set<std::string> kWithDots = {"matmul Q4_0 q8 1x1x32", "matmul Q4_0 q8 2x35x512", "matmul Q6_K q8 2x35x512",
                                         "matmul_glu Q8_0 q8 5x64x256 activation 1 quantised of which 4"};

class OpenClOfTemplates : public testing::TestWithParam<Gpu> {};

TEST_P(OpenClOfTemplates, IsTakenByClang) {
  Target target;
  target.max_group_size = 256;
  target.shared_bytes = 32768;
  target.small_stores = target.integer_dot = target.exact_division = true;
  target.subgroup_size = GetParam().subgroup_size;
  std::set<std::string> small, seen;
  for (const conformance::CaseSource& source : conformance::all_cases(0)) small.insert(source.name);
  int with_subgroups = 0, with_dots = 0;
  for (const conformance::CaseSource& source : conformance::all_cases(4)) {
    if (!small.contains(source.name) && !kWithDots.contains(source.name)) continue;
    const auto made = source.make(source.name);
    ASSERT_TRUE(made) << made.error().message();
    const auto calls = write_kernels(made->op, target);
    if (!calls) continue;  // whether templates cover every op is asked elsewhere
    for (const KernelCall& call : *calls) {
      const auto emitted = emit_opencl_c(call.function, target);
      ASSERT_TRUE(emitted) << source.name << ": " << emitted.error().message();
      if (!seen.insert(emitted->code).second) continue;
      with_subgroups += emitted->code.find("sub_group_") != std::string::npos;
      with_dots += emitted->code.find("dot_4x8packed") != std::string::npos;
      EXPECT_EQ(opencl_objections(emitted->code, GetParam().options), "") << source.name << '\n' << emitted->code;
    }
  }
  EXPECT_GT(with_subgroups, 5);
  EXPECT_GE(with_dots, int(kWithDots.size()));
}

constexpr Gpu kGpus[] = {
    {"Amd", 64, "amdgcn-amd-amdhsa -mcpu=gfx906 -D__opencl_c_integer_dot_product_input_4x8bit_packed"},
    {"Intel", 16,
     "spir64 -Dcl_khr_subgroups -D__opencl_c_integer_dot_product_input_4x8bit_packed "
     "-Dcl_intel_required_subgroup_size"}};
INSTANTIATE_TEST_SUITE_P(All, OpenClOfTemplates, testing::ValuesIn(kGpus),
                         [](const testing::TestParamInfo<Gpu>& gpu) { return gpu.param.name; });

}  // namespace
}  // namespace trireme::compiler::test

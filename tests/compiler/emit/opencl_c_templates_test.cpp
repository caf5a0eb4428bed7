// What the templates write for the ops of the conformance suite is OpenCL C that clang takes for GPUs, whose subgroups
// and integer dot products no driver of the tests has.
#include <gtest/gtest.h>

#include <set>

#include "tests/compiler/emit/programs.h"
#include "tests/compiler/emit/template_texts.h"
#include "tests/compiler/templates/sample_ops.h"

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
  Target target = target_for(TargetLanguage::kOpenClC);
  target.integer_dot = target.exact_division = true;
  target.subgroup_size = GetParam().subgroup_size;
  std::vector<conformance::CaseSource> cases = conformance::all_cases(0);
  for (const conformance::CaseSource& source : conformance::all_cases(4))
    if (kWithDots.contains(source.name)) cases.push_back(source);
  int with_subgroups = 0, with_dots = 0;
  for (const auto& [text, name] : template_texts(cases, target)) {
    with_subgroups += text.find("sub_group_") != std::string::npos;
    with_dots += text.find("dot_4x8packed") != std::string::npos;
    EXPECT_EQ(opencl_objections(text, GetParam().options), "") << name << '\n' << text;
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

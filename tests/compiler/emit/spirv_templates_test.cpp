// What the templates write for the ops of the conformance suite is valid as SPIR-V.
#include <gtest/gtest.h>

#include <set>

#include "compiler/emit/spirv.h"
#include "compiler/templates/templates.h"
#include "tests/compiler/emit/programs.h"
#include "tests/conformance/cases.h"

namespace trireme::compiler::test {
namespace {

class SpirVOfTemplates : public testing::TestWithParam<bool> {};

TEST_P(SpirVOfTemplates, IsValid) {
  Target target;
  target.software = target.fetches_texels = GetParam();
  target.language = TargetLanguage::kSpirV;
  target.version = 103;
  target.max_group_size = 256;
  target.shared_bytes = 32768;
  target.small_stores = true;
  std::set<std::string> seen;
  for (const conformance::CaseSource& source : conformance::all_cases(GetParam() ? 1 : 2)) {
    const auto made = source.make(source.name);
    ASSERT_TRUE(made) << made.error().message();
    const auto calls = write_kernels(made->op, target);
    if (!calls) continue;  // whether templates cover every op is asked elsewhere
    for (const KernelCall& call : *calls) {
      const auto emitted = emit_spirv(call.function, target);
      ASSERT_TRUE(emitted) << source.name << ": " << emitted.error().message();
      if (!seen.insert(emitted->code).second) continue;
      EXPECT_EQ(spirv_objections(emitted->code), "") << source.name;
    }
  }
  EXPECT_GT(seen.size(), 50u);
}
INSTANTIATE_TEST_SUITE_P(All, SpirVOfTemplates, testing::Bool(), [](const testing::TestParamInfo<bool>& software) {
  return software.param ? "ForSoftwareWithTexels" : "ForGpus";
});

}  // namespace
}  // namespace trireme::compiler::test

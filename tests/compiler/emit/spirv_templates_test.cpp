// What the templates write for the ops of the conformance suite is valid as SPIR-V.
#include <gtest/gtest.h>

#include "tests/compiler/emit/programs.h"
#include "tests/compiler/emit/template_texts.h"
#include "tests/compiler/templates/sample_ops.h"

namespace trireme::compiler::test {
namespace {

class SpirVOfTemplates : public testing::TestWithParam<bool> {};

TEST_P(SpirVOfTemplates, IsValid) {
  Target target = target_for(TargetLanguage::kSpirV);
  target.software = target.fetches_texels = GetParam();
  const auto texts = template_texts(conformance::all_cases(GetParam() ? 1 : 2), target);
  for (const auto& [module, name] : texts) EXPECT_EQ(spirv_objections(module), "") << name;
  EXPECT_GT(texts.size(), 50u);
}
INSTANTIATE_TEST_SUITE_P(All, SpirVOfTemplates, testing::Bool(), [](const testing::TestParamInfo<bool>& software) {
  return software.param ? "ForSoftwareWithTexels" : "ForGpus";
});

}  // namespace
}  // namespace trireme::compiler::test

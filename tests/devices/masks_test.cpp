// That masks take something away: a suite whose kernels are those of the whole device proves nothing.
#include "tests/devices/masks.h"

#include "compiler/device/compile_for.h"

namespace trireme::devices_test {
namespace {

using conformance::CaseSource;

// The first case whose kernels are others, or are refused, with `mask` than with `than`; nothing where there is none.
std::string first_change(const std::string& id, const Mask& mask, const Mask& than) {
  const auto device = open_masked(id, mask), other = open_masked(id, than);
  if (!device || !other) return "it does not open";
  const auto code = [](const Result<std::vector<KernelSource>>& sources) {
    std::string all;
    if (!sources) return sources.error().message();
    for (const KernelSource& source : *sources) all += source.code;
    return all;
  };
  std::vector<CaseSource> cases = conformance::all_cases(1);
  for (const CaseSource& source : conformance::format_cases(*find_format("Q4_0"), 2)) cases.push_back(source);
  for (const auto& group : groups_of(4, {"attention F32 16 rows of 4x288 4/1x256"}))
    cases.insert(cases.end(), group.cases.begin(), group.cases.end());
  for (const CaseSource& source : cases) {
    const auto made = source.make(source.name);
    if (!made) return made.error().message();
    if (code(compiler::kernel_sources(**device, made->op)) != code(compiler::kernel_sources(**other, made->op)))
      return source.name;
  }
  return "";
}

struct Lack {
  const char* device;
  const char* name;
  Mask mask, than;
};

void PrintTo(const Lack& lack, std::ostream* out) { *out << lack.device << " " << lack.name; }

class Masks : public testing::TestWithParam<Lack> {};

TEST_P(Masks, TakeSomethingAway) {
  const Lack& lack = GetParam();
  EXPECT_NE(first_change(lack.device, lack.mask, lack.than), "");
}

const std::vector<Lack> kLacks = {
    {"opencl:0", "one_lane", one_lane, whole},
    {"opencl:0", "no_exact_division", no_exact_division, whole},
    {"opencl:0", "little_shared", little_shared, whole},
    {"opencl:0", "no_small_stores", no_small_stores, whole},
    {"opencl:0", "small_buffers", small_buffers, whole},
    {"opencl:0", "as_a_gpu", as_a_gpu, whole},
    {"opencl:0", "small_groups", small_groups, as_a_gpu},
    {"vulkan:0", "no_subgroups", no_subgroups, whole},
    {"vulkan:0", "no_texels", no_texels, whole},
    {"vulkan:0", "no_small_stores", no_small_stores, whole},
    {"vulkan:0", "small_buffers", small_buffers, whole},
    {"vulkan:0", "as_a_gpu", as_a_gpu, whole},
    {"vulkan:0", "small_groups", small_groups, as_a_gpu},
};
INSTANTIATE_TEST_SUITE_P(All, Masks, testing::ValuesIn(kLacks), [](const testing::TestParamInfo<Lack>& lack) {
  const std::string device = lack.param.device;
  return device.substr(0, device.find(':')) + "_" + lack.param.name;
});

// opencl:0 does not say that it has subgroups: there is nothing to mask.
TEST(NoMask, IsNeededOfSubgroupsOfOpenCl) { EXPECT_EQ(first_change("opencl:0", no_subgroups, whole), ""); }

}  // namespace
}  // namespace trireme::devices_test

// Prompts and contexts of all lengths run the same kernels: what was built for one is kept for all.
#include <gtest/gtest.h>

#include "compiler/kernel/text.h"
#include "tests/compiler/templates/sample_ops.h"

namespace trireme::compiler::test {
namespace {

struct Lengths {
  int64_t rows;    // of a step
  int64_t blocks;  // of a sequence's context
};

// The ops of a layer and of what stands around the layers.
std::vector<OpDesc> step(const Lengths& lengths) {
  const int64_t n = lengths.rows;
  const Format& q4_0 = *find_format("Q4_0");
  const TensorDesc cache = fixed({2 * lengths.blocks, 1, 16, 32}, formats::f16());
  const TensorDesc ids = rows({n}, i32());
  return {
      {EmbedRows{}, {{fixed({100, 64}, q4_0), true}, {ids, false}}, {rows({n, 64})}, "embed"},
      {RmsNorm{}, {{rows({n, 64}), false}, {fixed({64}), true}}, {rows({n, 64})}, "norm"},
      {FusedNorm{{}, false, true}, {{rows({n, 64}), false}, {fixed({64}), true}}, {rows({n, 64}, q8())}, "fused norm"},
      {QuantizeQ8{}, {{rows({n, 64}), false}}, {rows({n, 64}, q8())}, "quantize"},
      {Matmul{.act = ActScheme::kQ8},
       {{rows({n, 64}, q8()), false}, {fixed({96, 64}, q4_0), true}},
       {rows({n, 96})},
       "matmul"},
      {Matmul{}, {{rows({n, 64}), false}, {fixed({96, 64}, formats::f16()), true}}, {rows({n, 96})}, "f16 matmul"},
      {MatmulGlu{ActScheme::kQ8, Activation::kSilu, true},
       {{rows({n, 64}, q8()), false}, {fixed({96, 64}, q4_0), true}, {fixed({96, 64}, q4_0), true}},
       {rows({n, 96}, q8())},
       "gate and up"},
      {KvStore{},
       {{rows({n, 1, 32}), false}, {rows({n, 1, 32}), false}, {ids, false}, {cache, false}, {cache, false}},
       {cache, cache},
       "store"},
      {RopeStore{},
       {{rows({n, 2, 32}), false},
        {rows({n, 1, 32}), false},
        {rows({n, 1, 32}), false},
        {ids, false},
        {fixed({16}), true},
        {ids, false},
        {cache, false},
        {cache, false}},
       {rows({n, 2, 32}), cache, cache},
       "rope and store"},
      {Attention{.scale = 0.5f, .quantize = true},
       {{rows({n, 2, 32}), false},
        {cache, false},
        {cache, false},
        {fixed({2, lengths.blocks}, i32()), false},
        {ids, false},
        {ids, false}},
       {rows({n, 64}, q8())},
       "attention"},
      {Glu{Activation::kSilu}, {{rows({n, 40}), false}, {rows({n, 40}), false}}, {rows({n, 40})}, "glu"},
      {GatherRows{}, {{fixed({n, 64}), false}, {fixed({2}, i32()), false}}, {fixed({2, 64})}, "gather"},
  };
}

std::string kernels(const OpDesc& op, const Target& target) {
  const auto calls = write_kernels(op, target);
  EXPECT_TRUE(calls) << op.label << ": " << calls.error().message();
  std::string text;
  for (size_t i = 0; calls && i < calls->size(); ++i) text += kernel::print((*calls)[i].function);
  return text;
}

class KernelsOfAllLengths : public testing::TestWithParam<uint32_t> {};

TEST_P(KernelsOfAllLengths, AreTheSame) {
  const Target target = target_for(TargetLanguage::kOpenClC, GetParam());
  const std::vector<OpDesc> one = step({40, 4}), other = step({57, 7});
  for (size_t i = 0; i < one.size(); ++i) EXPECT_EQ(kernels(one[i], target), kernels(other[i], target)) << one[i].label;
}

INSTANTIATE_TEST_SUITE_P(Lanes, KernelsOfAllLengths, testing::Values(1, 8), testing::PrintToStringParamName());

}  // namespace
}  // namespace trireme::compiler::test

// What the templates write for a target, kept as text: the kernel IR and the target's own language.
#include <gtest/gtest.h>

#include <functional>

#include "compiler/emit/emit.h"
#include "compiler/kernel/text.h"
#include "compiler/templates/repack.h"
#include "tests/compiler/emit/programs.h"
#include "tests/compiler/golden.h"
#include "tests/compiler/templates/sample_ops.h"
#include "tests/hal/sample_tiles.h"

namespace trireme::compiler::test {
namespace {

const Target kGpu = target_for(TargetLanguage::kOpenClC);
const Target kProcessor = target_for(TargetLanguage::kOpenClC, 8);
const Target kSpirV = target_for(TargetLanguage::kSpirV);

std::string written(const OpDesc& op, const Target& target, const std::function<std::string(const KernelCall&)>& text) {
  const auto calls = write_kernels(op, target);
  EXPECT_TRUE(calls) << calls.error().message();
  std::string all;
  for (size_t i = 0; calls && i < calls->size(); ++i) all += text((*calls)[i]);
  return all;
}

std::string code_of(const KernelCall& call, const Target& target) {
  const auto source = emit(call.function, target);
  EXPECT_TRUE(source) << source.error().message();
  if (!source) return "";
  return target.language == TargetLanguage::kSpirV ? spirv_text_form(source->code) : source->code;
}

// The IR, as GPUs and as processors get it.
void expect_kernels(const std::string& name, const OpDesc& op) {
  const auto ir = [](const KernelCall& call) { return kernel::print(call.function); };
  expect_golden(name + ".kernel", written(op, kGpu, ir));
  expect_golden(name + "_lanes.kernel", written(op, kProcessor, ir));
}

// And what the emitters make of it.
void expect_texts(const std::string& name, const OpDesc& op) {
  expect_kernels(name, op);
  expect_golden(name + ".cl", written(op, kGpu, [](const KernelCall& call) { return code_of(call, kGpu); }));
  expect_golden(name + "_lanes.cl",
                written(op, kProcessor, [](const KernelCall& call) { return code_of(call, kProcessor); }));
  expect_golden(name + ".spvasm", written(op, kSpirV, [](const KernelCall& call) { return code_of(call, kSpirV); }));
}

// One row of activations: a gemv.
OpDesc gemv(const char* format, int64_t outputs, int64_t columns) {
  return {Matmul{.act = ActScheme::kQ8},
          {{rows({1, columns}, q8()), false}, {fixed({outputs, columns}, *find_format(format)), true}},
          {rows({1, outputs})},
          "gemv"};
}

TEST(TemplateGolden, GemvOfQ4_0) { expect_texts("gemv_q4_0", gemv("Q4_0", 576, 576)); }
TEST(TemplateGolden, GemvOfQ6_K) { expect_kernels("gemv_q6_k", gemv("Q6_K", 64, 256)); }

TEST(TemplateGolden, GemmByMatrixTiles) {
  Target target = kGpu;
  target.matrix = trireme::test::tile_of_64_items();
  target.subgroup_size = target.matrix->lanes;
  const OpDesc op{Matmul{.act = ActScheme::kQ8},
                  {{rows({16, 64}, q8()), false}, {fixed({40, 64}, *find_format("Q4_0")), true}},
                  {rows({16, 40})},
                  "gemm"};
  expect_golden("gemm_q4_0_matrix.kernel",
                written(op, target, [](const KernelCall& call) { return kernel::print(call.function); }));
}

TEST(TemplateGolden, GemvOfF16) {
  expect_kernels(
      "gemv_f16",
      {Matmul{}, {{rows({1, 64}), false}, {fixed({64, 64}, formats::f16()), true}}, {rows({1, 64})}, "gemv"});
}

// Rows of no whole blocks, which lie row after row.
TEST(TemplateGolden, GemmOfFloatsInRows) {
  expect_kernels(
      "gemm_f16",
      {Matmul{.has_bias = true, .has_residual = true},
       {{rows({8, 48}), false}, {fixed({40, 48}, formats::f16()), true}, {fixed({40}), true}, {rows({8, 40}), false}},
       {rows({8, 40})},
       "gemm"});
}

TEST(TemplateGolden, GateAndUp) {
  expect_kernels("glu_q8_0", {MatmulGlu{ActScheme::kQ8, Activation::kSilu, true},
                              {{rows({2, 64}, q8()), false},
                               {fixed({96, 64}, *find_format("Q8_0")), true},
                               {fixed({96, 64}, *find_format("Q8_0")), true}},
                              {rows({2, 96}, q8())},
                              "glu"});
}

TEST(TemplateGolden, NormAndQuantize) {
  expect_texts(
      "norm_quantize",
      {FusedNorm{{}, false, true}, {{rows({8, 64}), false}, {fixed({64}), true}}, {rows({8, 64}, q8())}, "norm"});
}

TEST(TemplateGolden, Quantize) {
  expect_kernels("quantize", {QuantizeQ8{}, {{rows({8, 64}), false}}, {rows({8, 64}, q8())}, "quantize"});
}

TEST(TemplateGolden, RopeAndStore) {
  const TensorDesc cache = fixed({4, 1, 16, 16}, formats::f16());
  expect_kernels("rope_store", {RopeStore{},
                                {{rows({4, 2, 16}), false},
                                 {rows({4, 1, 16}), false},
                                 {rows({4, 1, 16}), false},
                                 {rows({4}, i32()), false},
                                 {fixed({8}), true},
                                 {rows({4}, i32()), false},
                                 {cache, false},
                                 {cache, false}},
                                {rows({4, 2, 16}), cache, cache},
                                "rope_store"});
}

TEST(TemplateGolden, Attention) {
  const TensorDesc cache = fixed({4, 1, 16, 32}, formats::f16());
  expect_kernels("attention", {trireme::Attention{.scale = 0.5f, .window = 20, .quantize = true},
                               {{rows({4, 2, 32}), false},
                                {cache, false},
                                {cache, false},
                                {fixed({1, 4}, i32()), false},
                                {rows({4}, i32()), false},
                                {rows({4}, i32()), false}},
                               {rows({4, 64}, q8())},
                               "attention"});
}

TEST(TemplateGolden, Elementwise) {
  expect_kernels("glu_elementwise",
                 {Glu{Activation::kGeluErf}, {{rows({4, 40}), false}, {rows({4, 40}), false}}, {rows({4, 40})}, "glu"});
}

TEST(TemplateGolden, RepackingOfQ4_K) {
  const Format& format = *find_format("Q4_K");
  const auto kernels = write_repack(format, format_tables(format), weight_layout(fixed({64, 256}, format), kGpu));
  ASSERT_TRUE(kernels) << kernels.error().message();
  std::string ir, code;
  for (const RepackKernel& one : *kernels) {
    ir += kernel::print(one.function);
    const auto source = emit(one.function, kGpu);
    ASSERT_TRUE(source) << source.error().message();
    code += source->code;
  }
  expect_golden("repack_q4_k.kernel", ir);
  expect_golden("repack_q4_k.cl", code);
}

TEST(TemplateGolden, Softmax) {
  expect_kernels("softmax", {trireme::Softmax{}, {{rows({4, 40}), false}}, {rows({4, 40})}, "softmax"});
}

// Experts whose rows begin with a tile, and slots that are brought together.
TEST(TemplateGolden, Experts) {
  expect_kernels(
      "experts_q4_0",
      {GroupedMatmul{ActScheme::kQ8},
       {{rows({8, 64}, q8()), false}, {fixed({4, 96, 64}, *find_format("Q4_0")), true}, {rows({8, 2}, i32()), false}},
       {rows({8, 2, 96})},
       "experts"});
}

TEST(TemplateGolden, TopK) {
  expect_kernels("top_k", {trireme::TopK{8}, {{rows({4, 300}), false}}, {rows({4, 8}), rows({4, 8}, i32())}, "top_k"});
}

TEST(TemplateGolden, RowsOfATable) {
  expect_kernels("embed_q6_k", {EmbedRows{},
                                {{fixed({100, 256}, *find_format("Q6_K")), true}, {rows({4}, i32()), false}},
                                {rows({4, 256})},
                                "embed"});
}

}  // namespace
}  // namespace trireme::compiler::test

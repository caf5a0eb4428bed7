// The SPIR-V that kernels become is valid, and says what it should.
#include "compiler/emit/spirv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/emit/emit.h"
#include "compiler/kernel/simplify.h"
#include "tests/compiler/emit/spirv_tools.h"
#include "tests/compiler/kernel/sample_kernels.h"

namespace trireme::compiler::test {
namespace {

using namespace kernel;
using testing::HasSubstr;
using testing::Not;

Target vulkan_target() {
  Target target;
  target.language = TargetLanguage::kSpirV;
  target.version = 103;
  target.max_group_size = 256;
  target.shared_bytes = 32768;
  target.small_stores = true;
  target.subgroup_size = 4;
  return target;
}

std::string emitted(const Function& function, const Target& target = vulkan_target()) {
  const auto source = emit(function, target);
  EXPECT_TRUE(source) << source.error().message();
  return source ? source->code : "";
}

TEST(SpirV, KeepsTheNamesOfTheKernel) {
  const auto source = emit_spirv(*simplify(kernel::test::row_sum(4)), vulkan_target());
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_EQ(source->entry, "row_sum");
  EXPECT_EQ(source->group_size, 4u);
  EXPECT_EQ(source->buffers, 2u);
  EXPECT_EQ(source->launch_words, 1u);
  EXPECT_EQ(spirv_objections(source->code), "");
  const std::string text = spirv_text_form(source->code);
  for (const char* name : {"%columns", "%item", "%sum", "%partial", "OpLoopMerge"})
    EXPECT_NE(text.find(name), std::string::npos) << name << "\n" << text;
}

TEST(SpirV, IsValidWithEveryOp) {
  EXPECT_EQ(spirv_objections(emitted(kernel::test::everything())), "");
  EXPECT_EQ(spirv_objections(emitted(*simplify(kernel::test::everything()))), "");
}

TEST(SpirV, DotProductsAreOneInstructionWhereTheTargetHasIt) {
  Target target = vulkan_target();
  target.integer_dot = true;
  const std::string module = emitted(kernel::test::everything(), target);
  EXPECT_EQ(spirv_objections(module), "");
  const std::string text = spirv_text_form(module);
  EXPECT_THAT(text, HasSubstr("OpSDot"));
  EXPECT_THAT(text, HasSubstr("OpSUDot"));
  EXPECT_THAT(spirv_text_form(emitted(kernel::test::everything())), Not(HasSubstr("OpSDot")));
}

// Vectors of every scalar go through memory, arithmetic, comparisons, conversions, loops and ifs.
TEST(SpirV, IsValidWithVectors) {
  Builder b("vectors", 8);
  const uint32_t in = b.buffer("in", Access::kRead), out = b.buffer("out", Access::kReadWrite);
  const Term i = b.local_id();
  for (const int lanes : {1, 2, 4}) {
    const Term u = b.load(in, i, {Scalar::kU32, lanes}), s = b.load(in, i, {Scalar::kI32, lanes}),
               f = b.load(in, i, {Scalar::kF32, lanes});
    const Term small = convert(b.load(in, i, {Scalar::kU8, lanes}), Scalar::kU32),
               half = convert(b.load(in, i, {Scalar::kU16, lanes}), Scalar::kU32);
    const Term chosen = select((f < -f) & (s <= -s), u + small, minimum(u, half) ^ extract_bits(u, 0, 32));
    const Term mixed = convert(f, Scalar::kI32) + absolute(s) + extract_bits(s, 3, 7) + convert(u, Scalar::kI32) +
                       convert(f != f, Scalar::kI32);
    const Terms last = b.loop(b.u32(0), i, b.u32(2), {chosen, mixed}, [&](Term, const Terms& carried) {
      // One side swaps, so that each yields what the other carried.
      return b.branch(
          i < 3u, [&] { return carried; },
          [&] {
            return Terms{bitcast(carried[1], Scalar::kU32), bitcast(carried[0], Scalar::kI32)};
          });
    });
    b.store(out, i, convert(last[0], Scalar::kU8));
    b.store(out, i, convert(last[0], Scalar::kU16));
    b.store(out, i, maximum(convert(last[1], Scalar::kF32), convert(f == f, Scalar::kF32)));
    b.store(out, i, fused_multiply_add(f, f, f));
  }
  const auto function = b.finish();
  ASSERT_TRUE(function) << function.error().message();
  EXPECT_EQ(spirv_objections(emitted(*function)), "");
  EXPECT_EQ(spirv_objections(emitted(*simplify(*function))), "");
}

TEST(SpirV, CarriedValuesMayChangePlaces) {
  Builder b("swap", 8);
  const uint32_t out = b.buffer("out", Access::kWrite);
  const Terms last = b.loop(b.i32(0), b.i32(3), b.i32(1), {b.u32(1), b.u32(2)}, [](Term, const Terms& carried) {
    return Terms{carried[1], carried[0]};
  });
  b.store(out, b.local_id(), last[0] - last[1]);
  EXPECT_EQ(spirv_objections(emitted(*b.finish())), "");
}

TEST(SpirV, AKernelOfNothingIsValid) {
  Builder b("nothing", 1);
  EXPECT_EQ(spirv_objections(emitted(*b.finish())), "");
}

TEST(SpirV, RefusesWhatTheTargetDoesNotHave) {
  Target target = vulkan_target();
  target.max_group_size = 2;
  EXPECT_THAT(emit_spirv(kernel::test::row_sum(4), target).error().message(), HasSubstr("needs 4 and there are 2"));
  target = vulkan_target();
  target.small_stores = false;
  const auto refused = emit_spirv(kernel::test::everything(), target);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message(), HasSubstr("loads or stores u8"));
  target = vulkan_target();
  target.subgroup_size = 0;
  EXPECT_FALSE(emit_spirv(kernel::test::everything(), target));
}

}  // namespace
}  // namespace trireme::compiler::test

// The SPIR-V that kernels become is valid, and says what it should.
#include "compiler/emit/spirv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <set>
#include <spirv/unified1/spirv.hpp>

#include "compiler/emit/emit.h"
#include "compiler/kernel/simplify.h"
#include "tests/compiler/emit/programs.h"
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

// Buffers are texels where they are only read, and all loads have one word or all have four.
TEST(SpirV, FetchesTexelsWhereTheTargetDoes) {
  Builder b("texels", 8);
  const uint32_t words = b.buffer("words", Access::kRead), fours = b.buffer("fours", Access::kRead),
                 both = b.buffer("both", Access::kRead), halves = b.buffer("halves", Access::kRead),
                 pairs = b.buffer("pairs", Access::kRead), out = b.buffer("out", Access::kReadWrite);
  const Term i = b.local_id();
  const Term u = b.load(words, i, kU32), f = b.load(words, i + 1u, kF32);
  const Term four = b.load(fours, i, kU32.with_lanes(4)) + bitcast(b.load(fours, i, kF32.with_lanes(4)), Scalar::kU32);
  Term sum = u + bitcast(f, Scalar::kU32) + extract(four, 3);
  b.loop(b.u32(0), i, b.u32(1), [&](Term k) { b.store(out, k, sum + b.load(both, k, kU32)); });
  sum = sum + extract(b.load(both, i, kU32.with_lanes(4)), 0) + extract(b.load(pairs, i, kU32.with_lanes(2)), 0) +
        convert(b.load(halves, i, kU16), Scalar::kU32) + b.load(out, i, kU32);
  b.store(out, i, sum);
  const auto function = b.finish();
  ASSERT_TRUE(function) << function.error().message();
  Target target = vulkan_target();
  target.fetches_texels = true;
  const std::string module = emitted(*function, target), text = spirv_text_form(module);
  EXPECT_EQ(spirv_objections(module), "");
  for (const char* name : {"words_texels", "fours_texels_x4", "both_u32", "both_u32x4", "pairs_u32x2", "halves_u16",
                           "out_u32", "Buffer 0 0 0 1 R32ui", "Buffer 0 0 0 1 Rgba32ui"})
    EXPECT_THAT(text, HasSubstr(name));
  for (const char* name : {"both_texels", "pairs_texels", "halves_texels", "out_texels"})
    EXPECT_THAT(text, Not(HasSubstr(name)));
  EXPECT_THAT(spirv_text_form(emitted(*function)), Not(HasSubstr("OpImageFetch")));
  EXPECT_EQ(spirv_objections(emitted(kernel::test::everything(), target)), "");
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

// Debian's spirv-tools know no cooperative matrices, and no driver here has them: what is checked is which instructions
// there are, and that their operands are what the registry says.
std::map<uint32_t, std::vector<std::vector<uint32_t>>> instructions_of(const std::string& module) {
  std::vector<uint32_t> words(module.size() / 4);
  std::memcpy(words.data(), module.data(), module.size());
  std::map<uint32_t, std::vector<std::vector<uint32_t>>> found;
  for (size_t at = 5; at < words.size(); at += words[at] >> 16) {
    if ((words[at] >> 16) == 0 || at + (words[at] >> 16) > words.size()) {
      ADD_FAILURE() << "the words end inside an instruction";
      break;
    }
    found[words[at] & 0xffff].emplace_back(words.begin() + std::ptrdiff_t(at) + 1,
                                           words.begin() + std::ptrdiff_t(at + (words[at] >> 16)));
  }
  return found;
}

TEST(SpirV, MatrixTilesAreCooperativeMatrices) {
  const MatrixTile tile = trireme::test::tile_of_64_items();
  Target target = vulkan_target();
  target.subgroup_size = 64;
  target.matrix = tile;
  auto found = instructions_of(emitted(kernel::test::tile_product(tile), target));
  const auto number = [&](uint32_t id) {
    for (const auto& constant : found[spv::OpConstant])
      if (constant[1] == id) return constant[2];
    ADD_FAILURE() << "%" << id << " is no constant";
    return 0u;
  };
  std::set<uint32_t> capabilities;
  for (const auto& operands : found[spv::OpCapability]) capabilities.insert(operands[0]);
  EXPECT_TRUE(capabilities.contains(6022));
  EXPECT_TRUE(capabilities.contains(spv::CapabilityVulkanMemoryModel));
  EXPECT_EQ(found[spv::OpMemoryModel][0], (std::vector<uint32_t>{0, spv::MemoryModelVulkan}));
  std::map<uint32_t, std::array<uint32_t, 4>> types;  // scope, rows, columns and use by type
  for (const auto& type : found[4456])
    types[type[0]] = {number(type[2]), number(type[3]), number(type[4]), number(type[5])};
  ASSERT_EQ(types.size(), 3u);
  std::vector<std::array<uint32_t, 4>> loaded;
  for (const auto& load : found[4457]) loaded.push_back(types[load[0]]);
  EXPECT_THAT(loaded, testing::ElementsAre(std::array<uint32_t, 4>{spv::ScopeSubgroup, 16, 16, 0},
                                           std::array<uint32_t, 4>{spv::ScopeSubgroup, 16, 16, 1},
                                           std::array<uint32_t, 4>{spv::ScopeSubgroup, 16, 16, 2}));
  ASSERT_EQ(found[4459].size(), 1u);
  const std::vector<uint32_t>& product = found[4459][0];
  ASSERT_EQ(product.size(), 6u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(product[2 + i], found[4457][i][1]) << i;
  EXPECT_EQ(product[5], 0xfu);
  ASSERT_EQ(found[4458].size(), 1u);
  EXPECT_EQ(found[4458][0][1], product[1]);
  // Layouts and strides: bytes four a word along k.
  EXPECT_EQ(number(found[4457][0][3]), 0u);
  EXPECT_EQ(number(found[4457][0][4]), 4u);
  EXPECT_EQ(number(found[4457][1][3]), 1u);
  EXPECT_EQ(number(found[4457][1][4]), 4u);
  EXPECT_EQ(number(found[4457][2][4]), 16u);
}

TEST(SpirV, MatrixTilesThatTheDeviceLacksAreRefused) {
  const MatrixTile tile = trireme::test::tile_of_64_items();
  const Function product = kernel::test::tile_product(tile);
  Target target = vulkan_target();
  target.subgroup_size = 64;
  const auto message = [&] {
    const auto source = emit(product, target);
    return source ? "" : source.error().message();
  };
  EXPECT_THAT(message(), HasSubstr("the device has no such units"));
  target.matrix = trireme::test::tile_of_32_items();
  EXPECT_THAT(message(), HasSubstr("the device has no such units"));
  target.matrix = tile;
  EXPECT_EQ(message(), "");
  target.shared_bytes = 2 * 1536 - 1;  // two subgroups: 256 + 256 bytes of operands, 1024 of results
  EXPECT_THAT(message(), HasSubstr("do not fit into shared memory"));
  target.language = TargetLanguage::kOpenClC;
  EXPECT_THAT(message(), HasSubstr("OpenCL C has no words"));
}

}  // namespace
}  // namespace trireme::compiler::test

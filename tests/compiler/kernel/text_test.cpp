// print() and parse() are each other's inverse, and parse() takes nothing that it cannot read.
#include "compiler/kernel/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "compiler/kernel/simplify.h"
#include "tests/compiler/kernel/sample_kernels.h"

namespace trireme::kernel::test {
namespace {

using testing::HasSubstr;

void count_ops(const Region& region, std::vector<int>& counts) {
  for (const Instruction& in : region.body) {
    ++counts[size_t(in.op)];
    for (const Region& inner : in.regions) count_ops(inner, counts);
  }
}

TEST(KernelText, SaysEveryOpAndReadsBackTheSame) {
  const Function function = everything(true);
  std::vector<int> counts(kOpCount, 0);
  count_ops(function.body, counts);
  for (int op = 0; op < kOpCount; ++op) EXPECT_GT(counts[size_t(op)], 0) << op_name(Op(op));
  const std::string text = print(function);
  const auto read = parse(text);
  ASSERT_TRUE(read) << read.error().message() << "\n" << text;
  EXPECT_EQ(print(*read), text);
  EXPECT_EQ(read->comment, function.comment);
  EXPECT_EQ(read->subgroup_size, 4u);
  EXPECT_EQ(read->matrix, function.matrix);
}

TEST(KernelText, TypesOfEveryLaneCountReadBackAndOthersAreRefused) {
  for (const int lanes : {1, 2, 4, 8, 16}) {
    Type read;
    ASSERT_TRUE(parse_type(type_name({Scalar::kF32, lanes}), read)) << lanes;
    EXPECT_EQ(read, (Type{Scalar::kF32, lanes}));
  }
  Type read;
  for (const char* name : {"f32x3", "f32x6", "f32x32", "f32x", "x8"}) EXPECT_FALSE(parse_type(name, read)) << name;
}

TEST(KernelText, IsReadable) {
  Builder b("scale", 64);
  const uint32_t x = b.buffer("x", Access::kReadWrite);
  const Term factor = b.launch("factor", kF32);
  const Term i = b.named(b.group_id(0) * 64u + b.local_id(), "i");
  b.store(x, i, b.load(x, i, kF32) * factor);
  EXPECT_EQ(print(*simplify(*b.finish())), R"(kernel scale
group 64
buffer x read_write
launch factor f32
{
  %group = group_id 0 : u32
  %v0 = constant 64 : u32
  %v1 = multiply %group, %v0 : u32
  %item = local_id : u32
  %i = add %v1, %item : u32
  %v2 = load x[%i] : f32
  %factor1 = launch factor : f32
  %v3 = multiply %v2, %factor1 : f32
  store x[%i], %v3
}
)");
}

// Whatever is changed in a text, reading it ends, and what is taken prints and reads back.
TEST(KernelText, DamagedTextIsRefusedOrTaken) {
  const std::string text = print(everything());
  std::mt19937 random(1);
  int taken = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = text;
    const size_t at = random() % text.size();
    switch (random() % 3) {
      case 0: damaged[at] = text[random() % text.size()]; break;
      case 1: damaged.erase(at, 1 + random() % 20); break;
      default: damaged.insert(at, text.substr(random() % text.size(), random() % 40));
    }
    const auto read = parse(damaged);
    if (!read) continue;
    ++taken;
    const std::string printed = print(*read);
    const auto again = parse(printed);
    ASSERT_TRUE(again) << again.error().message() << printed;
    EXPECT_EQ(print(*again), printed);
  }
  EXPECT_GT(taken, 0);
}

TEST(KernelText, ErrorsNameTheLine) {
  const auto expect_refused = [](const char* text, const char* what) {
    const auto read = parse(text);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message(), HasSubstr(what));
  };
  expect_refused("kernel k\ngroup x\n{\n}\n", "line 2");
  expect_refused("kernel k\ngroup 8\n{\n  %a = nothing : u32\n}\n", "line 4");
  expect_refused("kernel k\ngroup 8\n{\n  %a = add %b, %b : u32\n}\n", "'%b' is no value");
  expect_refused("kernel k\ngroup 8\n{\n  %a = local_id : u64\n}\n", "'u64' is no type");
  expect_refused("kernel k\ngroup 8\n{\n", "'}' is missing");
  expect_refused("kernel k\ngroup 8\n{\n}\n}\n", "something follows");
  expect_refused("kernel k\ngroup 8\n{\n  %a = local_id : u32\n  %a = local_id : u32\n}\n", "defined twice");
  expect_refused("kernel k\ngroup 8\n{\n  %a = local_id : f32\n}\n", "types do not fit");
}

}  // namespace
}  // namespace trireme::kernel::test

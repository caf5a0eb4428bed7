// The verifier takes kernels that can run and names what is wrong with the others.
#include "compiler/kernel/verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "compiler/kernel/uniformity.h"
#include "tests/compiler/kernel/sample_kernels.h"

namespace trireme::kernel::test {
namespace {

using testing::HasSubstr;

struct Wrong {
  const char* why;
  std::function<void(Builder&)> write;
};

class Refuses : public testing::TestWithParam<Wrong> {};

TEST_P(Refuses, TheKernel) {
  Builder b("wrong", 8);
  b.buffer("in", Access::kRead);
  b.buffer("out", Access::kWrite);
  b.use_matrix(trireme::test::tile_of_4_items());
  GetParam().write(b);
  const auto function = b.finish();
  ASSERT_FALSE(function);
  EXPECT_THAT(function.error().message(), HasSubstr(GetParam().why));
}

constexpr const char* kTypes = "types do not fit";
constexpr const char* kTogether = "not all items of a group need come here";

INSTANTIATE_TEST_SUITE_P(
    All, Refuses,
    testing::Values(
        Wrong{kTypes,
              [](Builder& b) {
                b.apply(Op::kAdd, kU32, {b.u32(1), b.i32(1)});
              }},
        Wrong{kTypes,
              [](Builder& b) {
                b.apply(Op::kAdd, kF32, {b.u32(1), b.u32(1)});
              }},
        Wrong{kTypes,
              [](Builder& b) {
                b.apply(Op::kRemainder, kF32, {b.f32(1), b.f32(1)});
              }},
        Wrong{kTypes, [](Builder& b) { b.apply(Op::kExponential, kU32, {b.u32(1)}); }},
        Wrong{kTypes,
              [](Builder& b) {
                b.apply(Op::kLess, kU32, {b.u32(1), b.u32(1)});
              }},
        Wrong{kTypes, [](Builder& b) { extract_bits(b.u32(1), 28, 5); }},
        Wrong{kTypes, [](Builder& b) { extract(splat(b.u32(1), 4), 4); }},
        Wrong{kTypes, [](Builder& b) { b.store(0, b.u32(0), b.u32(1)); }},
        Wrong{kTypes, [](Builder& b) { b.load(1, b.u32(0), kU32); }},
        Wrong{kTypes, [](Builder& b) { b.load(2, b.u32(0), kU32); }},
        Wrong{kTypes, [](Builder& b) { b.load(0, b.i32(0), kU32); }},
        Wrong{kTypes, [](Builder& b) { b.store(1, b.u32(0), b.boolean(true)); }},
        Wrong{kTypes, [](Builder& b) { b.apply(Op::kSubgroupBroadcast, kU32, {b.u32(1)}, 4); }},
        Wrong{kTypes, [](Builder& b) { b.matrix_multiply({b.u32(1)}, {b.u32(1)}, Terms(8, b.i32(0))); }},
        Wrong{kTypes,
              [](Builder& b) {
                b.matrix_multiply({b.u32(1), b.u32(1)}, {b.i32(1)}, Terms(8, b.i32(0)));
              }},
        Wrong{kTypes,
              [](Builder& b) {
                b.matrix_multiply({b.u32(1), b.u32(1)}, {b.u32(1)}, Terms(4, b.i32(0)));
              }},
        Wrong{kTypes,
              [](Builder& b) {
                b.matrix_multiply({b.u32(1), b.u32(1)}, {b.u32(1)}, Terms(8, b.u32(0)));
              }},
        Wrong{kTogether,
              [](Builder& b) {
                b.when(b.subgroup_id() == 0u, [&] {
                  b.matrix_multiply({b.u32(1), b.u32(1)}, {b.u32(1)}, Terms(8, b.i32(0)));
                });
              }},
        Wrong{kTogether,
              [](Builder& b) {
                const Terms products = b.matrix_multiply({b.u32(1), b.u32(1)}, {b.u32(1)}, Terms(8, b.i32(0)));
                b.when(products[0] == b.i32(0), [&] { b.barrier(); });
              }},
        Wrong{"its items are not those of a subgroup", [](Builder& b) { b.use_subgroups(8); }},
        Wrong{"leaves out",
              [](Builder& b) {
                MatrixTile tile = trireme::test::tile_of_4_items();
                tile.result.row.clear();
                b.use_matrix(tile);
              }},
        Wrong{kTypes, [](Builder& b) { b.apply(Op::kGroupId, kU32, {}, 3); }},
        Wrong{kTypes,
              [](Builder& b) {
                b.loop(b.u32(0), b.u32(4), b.u32(1), {b.u32(0)}, [&](Term, const Terms&) { return Terms{b.f32(0)}; });
              }},
        Wrong{kTypes,
              [](Builder& b) {
                b.branch(
                    b.boolean(true), [&] { return Terms{b.u32(0)}; }, [] { return Terms(); });
              }},
        Wrong{"wrong number of operands", [](Builder& b) { b.apply(Op::kAdd, kU32, {b.u32(1)}); }},
        Wrong{"not defined there",
              [](Builder& b) {
                Term inner = b.u32(0);
                b.when(b.boolean(true), [&] { inner = b.u32(1); });
                b.store(1, inner, inner);
              }},
        Wrong{kTogether, [](Builder& b) { b.when(b.local_id() < 4u, [&] { b.barrier(); }); }},
        Wrong{kTogether, [](Builder& b) { b.loop(b.u32(0), b.local_id(), b.u32(1), [&](Term) { b.barrier(); }); }},
        Wrong{kTogether,
              [](Builder& b) {
                b.when(b.load(0, b.local_id(), kU32) == 0u, [&] { b.apply(Op::kSubgroupAdd, kU32, {b.u32(1)}); });
              }},
        Wrong{kTogether, [](Builder& b) {
                // It differs only from the second turn on.
                b.loop(b.u32(0), b.u32(4), b.u32(1), {b.u32(0)}, [&](Term, const Terms& carried) {
                  b.when(carried[0] == 0u, [&] { b.barrier(); });
                  return Terms{b.local_id()};
                });
              }}));

TEST(Verifier, TakesBarriersWhereAllItemsGoTogether) {
  Builder b("together", 8);
  const uint32_t in = b.buffer("in", Access::kRead);
  const Term n = b.launch("n", kU32);
  b.loop(b.u32(0), n, b.u32(1), [&](Term i) {
    b.barrier();
    b.when(b.load(in, i, kU32) < b.group_id(0), [&] { b.barrier(); });
  });
  const auto function = b.finish();
  EXPECT_TRUE(function) << function.error().message();
}

TEST(Verifier, ParametersAreChecked) {
  const Function good = row_sum(8);
  const auto refused = [&](const std::function<void(Function&)>& change) {
    Function function = good;
    change(function);
    return !verify(function);
  };
  EXPECT_FALSE(refused([](Function&) {}));
  EXPECT_TRUE(refused([](Function& f) { f.name = "9"; }));
  EXPECT_TRUE(refused([](Function& f) { f.comment = "a\nb"; }));
  EXPECT_TRUE(refused([](Function& f) { f.group_size = 0; }));
  EXPECT_TRUE(refused([](Function& f) { f.group_size = 2048; }));
  EXPECT_TRUE(refused([](Function& f) { f.subgroup_size = 3; }));
  EXPECT_TRUE(refused([](Function& f) { f.subgroup_size = 16; }));
  EXPECT_TRUE(refused([](Function& f) { f.buffers[0].name = "y"; }));
  EXPECT_TRUE(refused([](Function& f) { f.shared[0].count = 0; }));
  EXPECT_TRUE(refused([](Function& f) { f.launch_constants[0].type = kBool; }));
  EXPECT_TRUE(refused([](Function& f) { f.values[0].type.lanes = 3; }));
  EXPECT_TRUE(refused([](Function& f) { f.values[0].name = f.values[1].name; }));
  EXPECT_TRUE(refused([](Function& f) { f.body.body.push_back(f.body.body[0]); }));
}

TEST(Verifier, LimitsOfATargetAreNamed) {
  const Function function = row_sum(64);
  EXPECT_TRUE(check_limits(function, {64, 256, 0}));
  EXPECT_THAT(check_limits(function, {32, 256, 0}).error().message(), HasSubstr("needs 64 and there are 32"));
  EXPECT_THAT(check_limits(function, {64, 255, 0}).error().message(), HasSubstr("shared memory"));
  EXPECT_THAT(check_limits(function, {64, 256, 0, 1}).error().message(), HasSubstr("buffers"));
  Builder b("lanes", 64);
  b.use_subgroups(32);
  EXPECT_THAT(check_limits(*b.finish(), {64, 256, 16}).error().message(), HasSubstr("subgroup"));
}

TEST(Uniformity, TellsWhatItemsShare) {
  const Function function = row_sum(8);
  const std::vector<bool> uniform = uniform_values(function);
  const auto of = [&](const std::string& name) {
    for (ValueId id = 0; id < function.values.size(); ++id)
      if (function.value(id).name == name) return bool(uniform[id]);
    ADD_FAILURE() << name;
    return false;
  };
  EXPECT_TRUE(of("group"));
  EXPECT_TRUE(of("columns1"));
  EXPECT_FALSE(of("item"));
  EXPECT_FALSE(of("sum"));
}

}  // namespace
}  // namespace trireme::kernel::test

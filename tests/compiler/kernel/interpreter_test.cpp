// The interpreter computes what the ops say, and finds what a device would let pass.
#include "compiler/kernel/interpreter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "tests/compiler/kernel/sample_kernels.h"

namespace trireme::kernel::test {
namespace {

using testing::HasSubstr;

std::string message(const Status& status) { return status ? "" : status.error().message(); }

// Runs a kernel of one buffer `out` that `write` fills, over one group.
std::string run(uint32_t group_size, std::vector<uint32_t>& out,
                const std::function<void(Builder&, uint32_t out)>& write, uint32_t subgroup = 0, uint32_t groups = 1) {
  Builder b("sample", group_size);
  b.use_subgroups(subgroup);
  const uint32_t buffer = b.buffer("out", Access::kReadWrite);
  write(b, buffer);
  const auto function = b.finish();
  if (!function) return function.error().message();
  return message(interpret(*function, {{groups, 1, 1}, {bound(out, false)}, {}}));
}

TEST(Interpreter, SumsRowsThroughSharedMemory) {
  const Function function = row_sum(8);
  std::vector<float> x(3 * 37), y(3, -1);
  for (size_t i = 0; i < x.size(); ++i) x[i] = float(i % 11) - 3;
  ASSERT_EQ(message(interpret(function, {{3, 1, 1}, {bound(x), bound(y, false)}, {37}})), "");
  for (size_t row = 0; row < 3; ++row) {
    float sum = 0;
    for (size_t i = 0; i < 37; ++i) sum += x[row * 37 + i];
    EXPECT_EQ(y[row], sum);
  }
}

// One value from two constants.
uint32_t value_of(const std::function<Term(Builder&)>& make) {
  std::vector<uint32_t> out(1, 0);
  EXPECT_EQ(run(1, out,
                [&](Builder& b, uint32_t buffer) {
                  const Term value = make(b);
                  b.store(buffer, b.u32(0), value.type().is_bool() ? convert(value, Scalar::kU32) : value);
                }),
            "");
  return out[0];
}
float float_of(const std::function<Term(Builder&)>& make) { return std::bit_cast<float>(value_of(make)); }

TEST(Interpreter, IntegersWrapAroundAndKeepTheirSign) {
  EXPECT_EQ(value_of([](Builder& b) { return b.u32(0xffffffff) + b.u32(2); }), 1u);
  EXPECT_EQ(int32_t(value_of([](Builder& b) { return b.i32(-7) / b.i32(2); })), -3);
  EXPECT_EQ(int32_t(value_of([](Builder& b) { return b.i32(-7) % b.i32(2); })), -1);
  EXPECT_EQ(value_of([](Builder& b) { return b.u32(7) / b.u32(2); }), 3u);
  EXPECT_EQ(int32_t(value_of([](Builder& b) { return b.i32(-8) >> b.i32(1); })), -4);
  EXPECT_EQ(value_of([](Builder& b) { return b.u32(0x80000000) >> b.u32(31); }), 1u);
  EXPECT_EQ(int32_t(value_of([](Builder& b) { return minimum(b.i32(-1), b.i32(1)); })), -1);
  EXPECT_EQ(value_of([](Builder& b) { return minimum(b.u32(0xffffffff), b.u32(1)); }), 1u);
  EXPECT_EQ(int32_t(value_of([](Builder& b) { return absolute(b.i32(-5)); })), 5);
  EXPECT_EQ(value_of([](Builder& b) { return extract_bits(b.u32(0xabcd), 4, 8); }), 0xbcu);
  EXPECT_EQ(int32_t(value_of([](Builder& b) { return extract_bits(b.i32(0xabcd), 4, 8); })), int8_t(0xbc));
  EXPECT_EQ(value_of([](Builder& b) { return extract_bits(b.u32(0x87654321), 0, 32); }), 0x87654321u);
}

TEST(Interpreter, FloatsAreRoundedOneByOne) {
  const float a = 1.0f + 0x1p-12f;
  EXPECT_EQ(float_of([&](Builder& b) { return b.f32(a) * b.f32(a) - b.f32(1); }), a * a - 1.0f);
  EXPECT_EQ(float_of([&](Builder& b) { return fused_multiply_add(b.f32(a), b.f32(a), b.f32(-1)); }),
            std::fma(a, a, -1.0f));
  EXPECT_EQ(float_of([](Builder& b) { return apply_function(Op::kRoundEven, b.f32(2.5f)); }), 2.0f);
  EXPECT_EQ(float_of([](Builder& b) { return apply_function(Op::kRoundEven, b.f32(-3.5f)); }), -4.0f);
  EXPECT_EQ(float_of([](Builder& b) { return apply_function(Op::kFloor, b.f32(-0.5f)); }), -1.0f);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(float_of([&](Builder& b) { return maximum(b.f32(nan), b.f32(3)); }), 3.0f);
  EXPECT_EQ(value_of([&](Builder& b) { return b.f32(nan) == b.f32(nan); }), 0u);
  EXPECT_EQ(value_of([&](Builder& b) { return b.f32(nan) != b.f32(nan); }), 1u);
}

TEST(Interpreter, ConvertsAsTheFormatsDo) {
  EXPECT_EQ(int32_t(value_of([](Builder& b) { return convert(b.f32(-2.9f), Scalar::kI32); })), -2);
  for (const Scalar whole : {Scalar::kI32, Scalar::kU32})
    EXPECT_EQ(value_of([&](Builder& b) { return convert(b.f32(std::numeric_limits<float>::quiet_NaN()), whole); }), 0u);
  EXPECT_EQ(float_of([](Builder& b) { return convert(b.i32(-3), Scalar::kF32); }), -3.0f);
  EXPECT_EQ(float_of([](Builder& b) { return convert(b.u32(0x80000000), Scalar::kF32); }), 0x1p31f);
  EXPECT_EQ(float_of([](Builder& b) { return half_to_float(b.u32(0xc000)); }), -2.0f);
  EXPECT_EQ(value_of([](Builder& b) { return float_to_half(b.f32(65519.0f)); }), 0x7bffu);
  EXPECT_EQ(value_of([](Builder& b) { return bitcast(b.f32(1.0f), Scalar::kU32); }), 0x3f800000u);
  EXPECT_EQ(int32_t(value_of([](Builder& b) { return dot4_signed(b.u32(0x80ff7f01), b.u32(0x7f7f7f02), b.i32(5)); })),
            5 + 1 * 2 + 127 * 127 - 127 - 128 * 127);
  EXPECT_EQ(int32_t(value_of([](Builder& b) { return dot4_unsigned(b.u32(0x80ff7f01), b.u32(0x7f81807f), b.i32(0)); })),
            127 - 127 * 128 - 255 * 127 + 128 * 127);
}

TEST(Interpreter, ItemsLoopAndBranchOnTheirOwn) {
  std::vector<uint32_t> out(4, 0);
  // The sum of 0 .. local - 1, and a value that swaps with another each turn.
  EXPECT_EQ(run(4, out,
                [](Builder& b, uint32_t buffer) {
                  const Term local = b.local_id();
                  const Terms done = b.loop(b.u32(0), local, b.u32(1), {b.u32(0), b.u32(100), b.u32(200)},
                                            [&](Term i, const Terms& c) {
                                              return Terms{c[0] + i, c[2], c[1]};
                                            });
                  const Terms chosen = b.branch(
                      local % 2u == 1u, [&] { return Terms{done[1]}; }, [&] { return Terms{done[2] + 1u}; });
                  b.store(buffer, local, done[0] + chosen[0]);
                }),
            "");
  EXPECT_EQ(out, (std::vector<uint32_t>{0 + 201, 0 + 200, 1 + 201, 3 + 200}));
}

TEST(Interpreter, SubgroupsAddTheirOwnItems) {
  std::vector<uint32_t> out(8, 0);
  EXPECT_EQ(run(
                8, out,
                [](Builder& b, uint32_t buffer) {
                  const Term local = convert(b.local_id(), Scalar::kI32);
                  const Term sum = b.apply(Op::kSubgroupAdd, kI32, {local});
                  const Term third = b.apply(Op::kSubgroupBroadcast, kI32, {local}, 2);
                  b.store(buffer, b.local_id(), sum * b.i32(100) + third);
                },
                4),
            "");
  EXPECT_EQ(out, (std::vector<uint32_t>{602, 602, 602, 602, 2206, 2206, 2206, 2206}));
}

struct Fault {
  const char* what;
  std::function<void(Builder&, uint32_t)> write;
  uint32_t groups = 1;
};

class Finds : public testing::TestWithParam<Fault> {};

TEST_P(Finds, TheFault) {
  std::vector<uint32_t> out(8, 0);
  EXPECT_THAT(run(4, out, GetParam().write, 4, GetParam().groups), HasSubstr(GetParam().what));
}

INSTANTIATE_TEST_SUITE_P(
    All, Finds,
    testing::Values(
        Fault{"leave 'out'", [](Builder& b, uint32_t out) { b.store(out, b.local_id() + 6u, b.u32(1)); }},
        Fault{"nobody has written",
              [](Builder& b, uint32_t out) { b.store(out, b.local_id(), b.load(out, b.u32(5), kU32)); }},
        Fault{"a race: another work item writes there",
              [](Builder& b, uint32_t out) { b.store(out, b.local_id() / 2u, b.u32(1)); }},
        Fault{"a race: another work item writes what it reads",
              [](Builder& b, uint32_t out) {
                b.store(out, b.local_id(), b.u32(1));
                b.store(out, b.local_id() + 4u, b.load(out, b.local_id() ^ b.u32(1), kU32));
              }},
        Fault{"a race: another work item reads what it writes",
              [](Builder& b, uint32_t out) {
                b.store(out, b.local_id(), b.u32(1));
                b.barrier();
                const Term next = b.load(out, b.local_id() ^ b.u32(1), kU32);
                b.store(out, b.local_id(), next);
              }},
        Fault{"a race",
              [](Builder& b, uint32_t out) { b.when(b.local_id() == 0u, [&] { b.store(out, b.u32(0), b.u32(1)); }); },
              2},
        Fault{"divides by zero", [](Builder& b, uint32_t out) { b.store(out, b.local_id(), b.u32(1) / b.local_id()); }},
        Fault{"the least i32 by -1",
              [](Builder& b, uint32_t out) {
                const Term divisor = convert(b.local_id(), Scalar::kI32) - 3u;
                b.store(out, b.local_id(), b.i32(int32_t(0x80000000u)) % (divisor | b.i32(1)));
              }},
        Fault{"more than 31",
              [](Builder& b, uint32_t out) { b.store(out, b.local_id(), b.u32(1) << (b.local_id() + 31u)); }},
        Fault{"not above zero",
              [](Builder& b, uint32_t out) {
                b.loop(b.u32(0), b.u32(4), b.local_id(), [&](Term i) { b.store(out, i, i); });
              }},
        Fault{"its index overflows",
              [](Builder& b, uint32_t out) {
                b.loop(b.i32(0x7ffffff0), b.i32(0x7fffffff), b.i32(16),
                       [&](Term i) { b.store(out, b.local_id(), convert(i, Scalar::kU32)); });
              }},
        Fault{"outside of 'tile'",
              [](Builder& b, uint32_t) {
                const uint32_t tile = b.shared("tile", kU32, 3);
                b.store_shared(tile, b.local_id(), b.u32(1));
              }},
        Fault{"nobody has written",
              [](Builder& b, uint32_t out) {
                const uint32_t tile = b.shared("tile", kU32, 4);
                b.store(out, b.local_id(), b.load_shared(tile, b.local_id()));
              }},
        Fault{"a race", [](Builder& b, uint32_t out) {
                const uint32_t tile = b.shared("tile", kU32, 4);
                b.store_shared(tile, b.local_id(), b.u32(1));
                b.store(out, b.local_id(), b.load_shared(tile, b.local_id() ^ b.u32(1)));
              }}));

TEST(Interpreter, MatrixTilesMultiplyWhateverItemHasWhichElement) {
  std::mt19937 random(7);
  for (const MatrixTile& tile :
       {trireme::test::tile_of_4_items(), trireme::test::tile_of_32_items(), trireme::test::tile_of_64_items()}) {
    const size_t m = tile.m, n = tile.n, k = tile.k;
    std::vector<int8_t> left(2 * m * k), right(2 * k * n);
    std::vector<int32_t> addend(2 * m * n), y(addend.size()), expected = addend;
    for (int8_t& code : left) code = int8_t(random());
    for (int8_t& code : right) code = int8_t(random());
    for (int32_t& number : addend) number = int32_t(random());
    for (size_t i = 0; i < expected.size(); ++i) {
      uint32_t sum = uint32_t(addend[i]);  // wraps around
      const size_t matrix = i / (m * n), row = i / n % m, column = i % n;
      for (size_t j = 0; j < k; ++j)
        sum += uint32_t(left[(matrix * m + row) * k + j] * right[(matrix * k + j) * n + column]);
      expected[i] = int32_t(sum);
    }
    const Function function = tile_product(tile);
    const Status status =
        interpret(function, {{1, 1, 1}, {bound(left), bound(right), bound(addend), bound(y, false)}, {}});
    ASSERT_TRUE(status) << status.error().message();
    EXPECT_EQ(y, expected) << text(tile);
  }
}

TEST(Interpreter, ItemsThatHaveTheSameElementOfAMatrixMustAgree) {
  Builder b("torn", 32);
  b.use_matrix(trireme::test::tile_of_32_items());
  b.matrix_multiply(Terms(4, b.local_id()), Terms(4, b.u32(0)), Terms(8, b.i32(0)));
  EXPECT_THAT(message(interpret(*b.finish(), {{1, 1, 1}, {}, {}})), HasSubstr("with the same element"));
}

TEST(Interpreter, ABarrierOrdersTheItemsOfAGroup) {
  std::vector<uint32_t> out(8, 0);
  EXPECT_EQ(run(4, out,
                [](Builder& b, uint32_t buffer) {
                  b.store(buffer, b.local_id(), b.local_id());
                  b.barrier();
                  b.store(buffer, b.local_id() + 4u, b.load(buffer, b.u32(3) - b.local_id(), kU32));
                }),
            "");
  EXPECT_EQ(out, (std::vector<uint32_t>{0, 1, 2, 3, 3, 2, 1, 0}));
}

TEST(Interpreter, ALaunchThatDoesNotFitIsRefused) {
  std::vector<float> x(4);
  EXPECT_THAT(message(interpret(row_sum(4), {{1, 1, 1}, {bound(x)}, {4}})), HasSubstr("wrong number of arguments"));
}

}  // namespace
}  // namespace trireme::kernel::test

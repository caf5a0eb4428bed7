// Each op of the reference against its formula, written here a second time over small hand-made operands.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "backends/reference/backend.h"
#include "tests/conformance/execute.h"

namespace trireme {
namespace {

using conformance::Bytes;
using conformance::bytes_of;
using conformance::Case;
using conformance::values_of;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::Pointwise;

const Format* const kF32 = &formats::f32();
const Format* const kI32 = &formats::i32();

// Values that differ from one another, reproducible, in [-2, 2].
std::vector<float> wave(int64_t count, float seed) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(2.0f * std::sin(seed + 1.7f * float(i) + 0.01f * float(i * i)));
  return values;
}

Operand f32(Shape shape, bool constant = false) { return {{shape, kF32, RowDomain::kFixed}, constant}; }
Operand i32(Shape shape) { return {{shape, kI32, RowDomain::kFixed}, false}; }

class ReferenceOp : public ::testing::Test {
 protected:
  void SetUp() override { device_ = *reference::create_backend()->open(0, {}); }

  std::vector<Bytes> run(const Case& test) {
    auto outputs = conformance::execute(*device_, test);
    EXPECT_TRUE(outputs) << (outputs ? "" : outputs.error().message());
    return outputs ? *outputs : std::vector<Bytes>(test.op.outputs.size());
  }
  std::vector<float> run_f32(const Case& test) { return values_of<float>(run(test)[0]); }
  std::string error_of(const Case& test) {
    auto outputs = conformance::execute(*device_, test);
    return outputs ? "" : outputs.error().message();
  }

  std::shared_ptr<Device> device_;
};

Case unary(OpParams params, const std::vector<float>& x) {
  const Shape shape{1, int64_t(x.size())};
  return {"", {params, {f32(shape)}, {f32(shape).desc}, ""}, {bytes_of(x)}, {}, {}};
}

TEST_F(ReferenceOp, EmbedRowsGathersAndScales) {
  const Case test{"",
                  {EmbedRows{2.0f}, {f32({3, 2}, true), i32({2})}, {f32({2, 2}).desc}, ""},
                  {bytes_of<float>({1, 2, 3, 4, 5, 6}), bytes_of<int32_t>({2, 0})},
                  {},
                  {}};
  EXPECT_THAT(run_f32(test), ElementsAre(10, 12, 2, 4));
}

TEST_F(ReferenceOp, EmbedRowsRefusesAnIdOutsideTheTable) {
  for (const int32_t id : {-1, 3}) {
    const Case test{"",
                    {EmbedRows{}, {f32({3, 2}, true), i32({1})}, {f32({1, 2}).desc}, ""},
                    {bytes_of<float>({1, 2, 3, 4, 5, 6}), bytes_of<int32_t>({id})},
                    {},
                    {}};
    EXPECT_THAT(error_of(test), ::testing::HasSubstr("row " + std::to_string(id)));
  }
}

TEST_F(ReferenceOp, GatherRowsCopiesTheRowsThatAreAskedFor) {
  const Case test{"",
                  {GatherRows{}, {f32({3, 2}), i32({2})}, {f32({2, 2}).desc}, ""},
                  {bytes_of<float>({1, 2, 3, 4, 5, 6}), bytes_of<int32_t>({1, 1})},
                  {},
                  {}};
  EXPECT_THAT(run_f32(test), ElementsAre(3, 4, 3, 4));
}

TEST_F(ReferenceOp, MatmulIsTheDotProductOfRows) {
  const int64_t rows = 3, n = 5, k = 13;
  const auto x = wave(rows * k, 1), w = wave(n * k, 2), bias = wave(n, 3), residual = wave(rows * n, 4);
  std::vector<float> expected;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < n; ++i) {
      long double sum = 0;
      for (int64_t c = 0; c < k; ++c) sum += static_cast<long double>(x[size_t(r * k + c)]) * w[size_t(i * k + c)];
      expected.push_back(float(sum) + bias[size_t(i)] + residual[size_t(r * n + i)]);
    }
  const Case test{"",
                  {Matmul{.has_bias = true, .has_residual = true},
                   {f32({rows, k}), f32({n, k}, true), f32({n}, true), f32({rows, n})},
                   {f32({rows, n}).desc},
                   ""},
                  {bytes_of(x), bytes_of(w), bytes_of(bias), bytes_of(residual)},
                  {},
                  {}};
  EXPECT_THAT(run_f32(test), Pointwise(FloatEq(), expected));
}

TEST_F(ReferenceOp, QuantizeQ8RoundsHalfToEvenOverTheLargest) {
  std::vector<float> x(64, 0.0f);
  x[0] = 127.0f;  // scale 1
  x[1] = 0.5f;    // to even: 0
  x[2] = 1.5f;    // to even: 2
  x[3] = -2.5f;   // to even: -2
  x[31] = -127.0f;
  const TensorDesc packed{{1, 64}, &formats::q8_act(), RowDomain::kFixed};
  const Bytes row = run({"", {QuantizeQ8{}, {f32({1, 64})}, {packed}, ""}, {bytes_of(x)}, {}, {}})[0];
  ASSERT_EQ(row.size(), 64u + 8 + 8);
  std::vector<int> codes;
  for (const size_t i : {0, 1, 2, 3, 31, 32}) codes.push_back(int8_t(row[i]));
  EXPECT_THAT(codes, ElementsAre(127, 0, 2, -2, -127, 0));
  EXPECT_THAT(values_of<float>(Bytes(row.begin() + 64, row.begin() + 72)), ElementsAre(1.0f, 0.0f));
  EXPECT_THAT(values_of<int32_t>(Bytes(row.begin() + 72, row.end())), ElementsAre(0, 0));
}

TEST_F(ReferenceOp, QuantizeQ8KeepsCodesWithin127ForSubnormalScales) {
  std::vector<float> x(32, 0.0f);
  x[0] = std::ldexp(190.0f, -149);  // its scale rounds down to one subnormal step
  const TensorDesc packed{{1, 32}, &formats::q8_act(), RowDomain::kFixed};
  const Bytes row = run({"", {QuantizeQ8{}, {f32({1, 32})}, {packed}, ""}, {bytes_of(x)}, {}, {}})[0];
  EXPECT_EQ(int8_t(row[0]), 127);
}

TEST_F(ReferenceOp, MatmulQ8MultipliesIntegerCodesUnderTheirGroupsScale) {
  Bytes packed;
  std::vector<int8_t> codes;
  for (int i = 0; i < 64; ++i) codes.push_back(int8_t(i % 2 ? -127 : 3 * i - 90));
  int32_t sums[2] = {};
  for (size_t i = 0; i < 64; ++i) sums[i / 32] += codes[i];
  for (const Bytes& part : {bytes_of(codes), bytes_of<float>({0.5f, 0.25f}), bytes_of<int32_t>({sums[0], sums[1]})})
    packed.insert(packed.end(), part.begin(), part.end());
  const auto w = wave(64, 5);
  double expected = 0;
  for (size_t i = 0; i < 64; ++i) expected += double(w[i]) * codes[i] * (i < 32 ? 0.5 : 0.25);
  const Operand x{{{1, 64}, &formats::q8_act(), RowDomain::kFixed}, false};
  const Case test{"",
                  {Matmul{.act = ActScheme::kQ8}, {x, f32({1, 64}, true)}, {f32({1, 1}).desc}, ""},
                  {packed, bytes_of(w)},
                  {},
                  {}};
  EXPECT_THAT(run_f32(test), ElementsAre(FloatEq(float(expected))));
}

TEST_F(ReferenceOp, RmsNormDividesByTheRootOfTheMeanSquare) {
  const auto x = wave(2 * 3 * 4, 6), w = wave(4, 7);
  std::vector<float> expected;
  for (size_t r = 0; r < 6; ++r) {
    double squares = 0;
    for (size_t i = 0; i < 4; ++i) squares += double(x[4 * r + i]) * x[4 * r + i];
    for (size_t i = 0; i < 4; ++i)
      expected.push_back(float(x[4 * r + i] / std::sqrt(squares / 4 + double(0.1f)) * (1.0 + w[i])));
  }
  const Case test{"",
                  {RmsNorm{0.1f, 1.0f}, {f32({2, 3, 4}), f32({4}, true)}, {f32({2, 3, 4}).desc}, ""},
                  {bytes_of(x), bytes_of(w)},
                  {},
                  {}};
  EXPECT_THAT(run_f32(test), Pointwise(FloatEq(), expected));
}

TEST_F(ReferenceOp, ActivationsAreTheirFormulas) {
  const std::vector<float> x = {-3.0f, -0.5f, 0.0f, 0.25f, 2.0f};
  const auto expect = [&](Activation activation, auto formula) {
    std::vector<float> expected;
    for (const float value : x) expected.push_back(float(formula(double(value))));
    EXPECT_THAT(run_f32(unary(Unary{activation}, x)), Pointwise(FloatEq(), expected)) << int(activation);
  };
  expect(Activation::kSilu, [](double v) { return v / (1 + std::exp(-v)); });
  expect(Activation::kGeluTanh,
         [](double v) { return 0.5 * v * (1 + std::tanh(0.7978845608028654 * (v + 0.044715 * v * v * v))); });
  expect(Activation::kGeluErf, [](double v) { return 0.5 * v * (1 + std::erf(v * 0.7071067811865476)); });
  expect(Activation::kRelu, [](double v) { return v < 0 ? 0 : v; });
  expect(Activation::kReluSquared, [](double v) { return v < 0 ? 0 : v * v; });
  expect(Activation::kSigmoid, [](double v) { return 1 / (1 + std::exp(-v)); });
  expect(Activation::kTanh, [](double v) { return std::tanh(v); });
}

TEST_F(ReferenceOp, ElementwiseOpsAreTheirFormulas) {
  const std::vector<float> x = {-3, 0, 40};
  EXPECT_THAT(run_f32(unary(Scale{0.5f}, x)), ElementsAre(-1.5f, 0, 20));
  EXPECT_THAT(run_f32(unary(Softcap{30.0f}, x)),
              ElementsAre(FloatEq(float(30 * std::tanh(-0.1))), 0, FloatEq(float(30 * std::tanh(40.0 / 30)))));
  const auto two = [&](OpParams params, std::vector<float> b, Shape b_shape) {
    return run_f32({"",
                    {params, {f32({2, 2}), f32(b_shape)}, {f32({2, 2}).desc}, ""},
                    {bytes_of<float>({1, 2, 3, 4}), bytes_of(b)},
                    {},
                    {}});
  };
  EXPECT_THAT(two(Binary{Binary::Kind::kAdd}, {10, 20, 30, 40}, {2, 2}), ElementsAre(11, 22, 33, 44));
  EXPECT_THAT(two(Binary{Binary::Kind::kSubtract}, {10, 20}, {2}), ElementsAre(-9, -18, -7, -16));
  EXPECT_THAT(two(Binary{Binary::Kind::kMultiply}, {10, 20}, {2}), ElementsAre(10, 40, 30, 80));
  EXPECT_THAT(two(Glu{Activation::kRelu}, {10, 20, 30, -40}, {2, 2}), ElementsAre(10, 40, 90, -160));
}

TEST_F(ReferenceOp, CastRoundsToNearestEven) {
  const TensorDesc half{{1, 2}, &formats::f16(), RowDomain::kFixed};
  const Bytes narrow = run({"", {Cast{}, {f32({1, 2})}, {half}, ""}, {bytes_of<float>({2049.0f, -1.5f})}, {}, {}})[0];
  EXPECT_THAT(values_of<uint16_t>(narrow), ElementsAre(0x6800, 0xbe00));
  const Case back{"", {Cast{}, {{half, false}}, {f32({1, 2}).desc}, ""}, {narrow}, {}, {}};
  EXPECT_THAT(run_f32(back), ElementsAre(2048.0f, -1.5f));
}

TEST_F(ReferenceOp, SoftmaxSumsToOneWhateverTheSizeOfItsInputs) {
  EXPECT_THAT(run_f32(unary(Softmax{}, {1000.0f, 1000.0f})), ElementsAre(0.5f, 0.5f));
  EXPECT_THAT(run_f32(unary(Softmax{}, {0.0f, std::log(3.0f)})), ElementsAre(FloatEq(0.25f), FloatEq(0.75f)));
}

TEST_F(ReferenceOp, ArgmaxTakesTheLowestIndexAmongEquals) {
  const Case test{"", {Argmax{}, {f32({2, 3})}, {i32({2}).desc}, ""}, {bytes_of<float>({1, 7, 7, -3, -2, -4})}, {}, {}};
  EXPECT_THAT(values_of<int32_t>(run(test)[0]), ElementsAre(1, 1));
}

TEST_F(ReferenceOp, ArgmaxAndTopKTakeNumbersBeforeNaNs) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const Bytes x = bytes_of<float>({nan, -inf, 3, -0.0f, 0.0f, 3, nan, inf, -inf, nan, nan, -inf});
  const Case best{"", {Argmax{}, {f32({3, 4})}, {i32({3}).desc}, ""}, {x}, {}, {}};
  EXPECT_THAT(values_of<int32_t>(run(best)[0]), ElementsAre(2, 3, 0));
  const Case order{"", {TopK{4}, {f32({3, 4})}, {f32({3, 4}).desc, i32({3, 4}).desc}, ""}, {x}, {}, {}};
  const std::vector<Bytes> found = run(order);
  EXPECT_THAT(values_of<int32_t>(found[1]), ElementsAre(2, 3, 1, 0, 3, 1, 0, 2, 0, 3, 1, 2));
  const auto values = values_of<float>(found[0]);
  EXPECT_THAT(std::vector(values.begin(), values.begin() + 3), ElementsAre(3, 0, -inf));
  EXPECT_TRUE(std::isnan(values[3]) && std::isnan(values[7]) && std::isnan(values[11]));
  const Case none{"", {Argmax{}, {f32({1, 2})}, {i32({1}).desc}, ""}, {bytes_of<float>({nan, nan})}, {}, {}};
  EXPECT_THAT(values_of<int32_t>(run(none)[0]), ElementsAre(0));
}

TEST_F(ReferenceOp, TopKGivesTheLowerIndexOfEqualsFirst) {
  const Case test{"",
                  {TopK{3}, {f32({2, 4})}, {f32({2, 3}).desc, i32({2, 3}).desc}, ""},
                  {bytes_of<float>({1, 7, 2, 7, -1, -1, -2, -1})},
                  {},
                  {}};
  const std::vector<Bytes> found = run(test);
  EXPECT_THAT(values_of<float>(found[0]), ElementsAre(7, 7, 2, -1, -1, -1));
  EXPECT_THAT(values_of<int32_t>(found[1]), ElementsAre(1, 3, 2, 0, 1, 3));
}

// Two experts of three rows over two columns.
TEST_F(ReferenceOp, GroupedMatmulMultipliesByTheExpertsThatAreAskedFor) {
  const Case test{"",
                  {GroupedMatmul{}, {f32({2, 2}), f32({2, 3, 2}, true), i32({2, 2})}, {f32({2, 2, 3}).desc}, ""},
                  {bytes_of<float>({1, 10, 2, 20}), bytes_of<float>({1, 0, 0, 1, 1, 1, 2, 0, 0, 2, 2, 2}),
                   bytes_of<int32_t>({1, 0, 0, 2})},
                  {},
                  {}};
  EXPECT_THAT(run_f32(test), ElementsAre(2, 20, 22, 1, 10, 11, 2, 20, 22, 0, 0, 0));
}

TEST_F(ReferenceOp, ReshapeIsTheSameStorage) {
  const Case test{"", {Reshape{}, {f32({2, 6})}, {f32({2, 2, 3}).desc}, ""}, {bytes_of(wave(12, 8))}, {}, {}};
  EXPECT_EQ(run_f32(test), wave(12, 8));
}

TEST_F(ReferenceOp, RopeRotatesPairsOfItsStyleAndPassesTheRest) {
  const std::vector<float> x = {1, 2, 3, 4, 5};
  const float magnitude = 1.5f;
  const double angle0 = 3 * 0.5, angle1 = 3 * 0.25;
  const auto turned = [&](double a, double b, double angle) {
    return std::pair(float(magnitude * (a * std::cos(angle) - b * std::sin(angle))),
                     float(magnitude * (a * std::sin(angle) + b * std::cos(angle))));
  };
  const auto run_style = [&](RopeStyle style) {
    return run_f32({"",
                    {Rope{style, magnitude}, {f32({1, 1, 5}), i32({1}), f32({2}, true)}, {f32({1, 1, 5}).desc}, ""},
                    {bytes_of(x), bytes_of<int32_t>({3}), bytes_of<float>({0.5f, 0.25f})},
                    {},
                    {}});
  };
  const auto [h0, h2] = turned(1, 3, angle0);
  const auto [h1, h3] = turned(2, 4, angle1);
  EXPECT_THAT(run_style(RopeStyle::kHalves), Pointwise(FloatEq(), {h0, h1, h2, h3, 5.0f}));
  const auto [i0, i1] = turned(1, 2, angle0);
  const auto [i2, i3] = turned(3, 4, angle1);
  EXPECT_THAT(run_style(RopeStyle::kInterleaved), Pointwise(FloatEq(), {i0, i1, i2, i3, 5.0f}));
}

// Two blocks of two positions, two heads of one element: slot 3 is the second position of block 1.
TEST_F(ReferenceOp, KvStoreWritesHeadsOfARowToItsSlotAndSkipsNegativeOnes) {
  const Shape cache{2, 2, 2, 1};
  const Case test{"",
                  {KvStore{},
                   {f32({2, 2, 1}), f32({2, 2, 1}), i32({2}), f32(cache), f32(cache)},
                   {f32(cache).desc, f32(cache).desc},
                   ""},
                  {bytes_of<float>({1, 2, 3, 4}), bytes_of<float>({5, 6, 7, 8}), bytes_of<int32_t>({3, -1}),
                   bytes_of(std::vector<float>(8, 0)), bytes_of(std::vector<float>(8, 0))},
                  {},
                  {}};
  const auto caches = run(test);
  EXPECT_THAT(values_of<float>(caches[0]), ElementsAre(0, 0, 0, 0, 0, 1, 0, 2));
  EXPECT_THAT(values_of<float>(caches[1]), ElementsAre(0, 0, 0, 0, 0, 5, 0, 6));
}

// One sequence whose blocks lie in the cache in reverse order; query heads 0 and 1 share the only KV head.
Case attention(Attention params, int32_t position) {
  const Shape cache{2, 1, 2, 2};
  const std::vector<float> k = {/*position 2*/ 1, 0, /*3*/ 0, 1, /*0*/ 2, 1, /*1*/ -1, 1};
  const std::vector<float> v = {3, 30, 4, 40, 1, 10, 2, 20};
  return {
      "",
      {params, {f32({1, 2, 2}), f32(cache), f32(cache), i32({1, 2}), i32({1}), i32({1})}, {f32({1, 2, 2}).desc}, ""},
      {bytes_of<float>({1, 2, 0, 0}), bytes_of(k), bytes_of(v), bytes_of<int32_t>({1, 0}),
       bytes_of<int32_t>({position}), bytes_of<int32_t>({0})},
      {},
      {}};
}

TEST_F(ReferenceOp, AttentionIsSoftmaxOverThePositionsUpToItsOwn) {
  const double scores[3] = {0.5 * 4, 0.5 * 1, 0.5 * 1};  // q.k at positions 0, 1 and 2
  double total = 0, expected[2] = {};
  for (int p = 0; p < 3; ++p) {
    const double weight = std::exp(scores[p]);
    total += weight;
    expected[0] += weight * (p + 1);
    expected[1] += weight * (p + 1) * 10;
  }
  EXPECT_THAT(
      run_f32(attention({.scale = 0.5f}, 2)),
      ElementsAre(FloatEq(float(expected[0] / total)), FloatEq(float(expected[1] / total)), FloatEq(2), FloatEq(20)));
}

TEST_F(ReferenceOp, AttentionSeesOnlyItsWindow) {
  EXPECT_THAT(run_f32(attention({.scale = 1.0f, .window = 1}, 1)), ElementsAre(2, 20, 2, 20));
  EXPECT_THAT(run_f32(attention({.scale = 0.0f, .window = 2}, 2)), ElementsAre(2.5f, 25, 2.5f, 25));
}

TEST_F(ReferenceOp, AttentionCapsScoresBeforeTheSoftmax) {
  const double a = std::exp(2 * std::tanh(4 / 2.0)), b = std::exp(2 * std::tanh(1 / 2.0));
  const auto y = run_f32(attention({.scale = 1.0f, .window = 0, .softcap = 2.0f}, 1));
  EXPECT_FLOAT_EQ(y[0], float((a * 1 + b * 2) / (a + b)));
}

TEST_F(ReferenceOp, AttentionRefusesAPositionOutsideTheBlockTable) {
  EXPECT_THAT(error_of(attention({}, 4)), ::testing::HasSubstr("outside the block table"));
  EXPECT_THAT(error_of(attention({}, -1)), ::testing::HasSubstr("outside the block table"));
}

// Rows at or past the run-time count keep what the buffer held.
TEST_F(ReferenceOp, RowsPastTheCountAreNotTouched) {
  Case test = unary(Scale{2.0f}, {1, 2, 3});
  test.op.inputs[0].desc = test.op.outputs[0] = {{3, 1}, kF32, RowDomain::kTokens};
  test.token_count = 2;
  const Bytes bytes = run(test)[0];
  EXPECT_THAT(values_of<float>(Bytes(bytes.begin(), bytes.begin() + 8)), ElementsAre(2, 4));
  EXPECT_THAT(Bytes(bytes.begin() + 8, bytes.end()), ::testing::Each(conformance::kUntouched));
  test.token_count = 4;
  EXPECT_THAT(error_of(test), ::testing::HasSubstr("run-time count of 4"));
  test.token_count.reset();
  EXPECT_THAT(error_of(test), ::testing::HasSubstr("no run-time count"));
}

}  // namespace
}  // namespace trireme

#include "backends/cpu/quantized/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <set>

#include "hal/format_decoder.h"
#include "hwy/targets.h"
#include "tests/backends/cpu/quantized/fixture.h"

namespace trireme::cpu::quantized {
namespace {

struct Case {
  const Format* format;
  int64_t target;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const int64_t target : runnable_targets())
    for (const Format* format : tested_formats()) cases.push_back({format, target});
  return cases;
}

class QuantizedMatmulTest : public testing::TestWithParam<Case> {
 protected:
  const Format& format() const { return *GetParam().format; }
  int64_t block() const { return format().block_elements; }

  std::vector<float> multiply(const std::shared_ptr<const PackedWeight>& weight, Activations& x, int threads = 1,
                              std::vector<float> bias = {}, std::vector<float> residual = {}) {
    const auto kernel = make_matmul(weight, std::move(bias), !residual.empty(), threads);
    std::vector<float> y(size_t(x.rows * weight->rows()), NAN);
    std::vector<std::byte*> operands = {x.data.data()};
    if (!residual.empty()) operands.push_back(reinterpret_cast<std::byte*>(residual.data()));
    operands.push_back(reinterpret_cast<std::byte*>(y.data()));
    run_kernel(*kernel, operands, x.rows, random_);
    return y;
  }

  std::mt19937 random_{20};
  OnlyTarget only_{GetParam().target};
};

INSTANTIATE_TEST_SUITE_P(Cases, QuantizedMatmulTest, testing::ValuesIn(all_cases()), [](const auto& drawn) {
  return drawn.param.format->name + "_" + hwy::TargetName(drawn.param.target);
});

TEST_P(QuantizedMatmulTest, RunsOnTheInstructionSetAskedFor) {
  EXPECT_STREQ(kernel_target(), hwy::TargetName(GetParam().target));
}

TEST_P(QuantizedMatmulTest, LiesWithinTheIntervalOfItsRoundings) {
  struct Dims {
    int64_t rows, outputs, columns;
  };
  for (const auto [rows, outputs, columns] :
       {Dims{1, 1, 1}, {3, 13, 6}, {41, 19, 81}, {16, 64, 576}, {2, 40, 512}, {27, 33, 330}}) {
    const int64_t k = (columns + block() - 1) / block() * block();
    const HostWeight weight = draw_weight(format(), outputs, k, random_);
    Activations x = draw_activations(rows, k, random_);
    const std::vector<float> y = multiply(pack(weight), x, 2);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t n = 0; n < outputs; ++n) {
        const Exact exact = exact_product(weight, n, x, r);
        ASSERT_NEAR(double(y[size_t(r * outputs + n)]), exact.value, exact.bound())
            << rows << "x" << outputs << "x" << k;
      }
  }
}

TEST_P(QuantizedMatmulTest, GivesTheSameBitsInEveryBatchAndChunking) {
  const int64_t k = 3 * block(), outputs = 83;
  const auto weight = pack(draw_weight(format(), outputs, k, random_));
  Activations x = draw_activations(37, k, random_);
  const std::vector<float> whole = multiply(weight, x, 8);
  ASSERT_EQ(multiply(weight, x, 1), whole);
  for (const int64_t rows : {1, 2, 3, 5, 8, 12, 13, 29}) {
    Activations part{rows, k, std::vector<std::byte>(x.data.begin(), x.data.begin() + rows * int64_t(x.row_bytes()))};
    const std::vector<float> y = multiply(weight, part, 3);
    ASSERT_EQ(std::memcmp(y.data(), whole.data(), y.size() * sizeof(float)), 0) << rows << " rows";
  }
}

// With block scales of 1 and one group of activations alive, every product and sum of a result is an integer below
// 2^24: nothing rounds, and each group's integer sum is seen bit for bit.
TEST_P(QuantizedMatmulTest, AddsIntegersExactly) {
  const int64_t k = 2 * std::lcm<int64_t>(block(), 64), outputs = 48, groups = k / kActGroup;
  HostWeight weight = draw_weight(format(), outputs, k, random_);
  set_block_scales_to_one(weight);
  const auto packed = pack(weight);
  for (int round = 0; round < 4; ++round) {
    Activations x = draw_activations(groups, k, random_);
    for (int64_t r = 0; r < groups; ++r)
      for (int64_t group = 0; group < groups; ++group) x.scales(r)[group] = r == group ? 1.0f : 0.0f;
    const std::vector<float> y = multiply(packed, x);
    for (int64_t r = 0; r < groups; ++r)
      for (int64_t n = 0; n < outputs; ++n)
        ASSERT_EQ(double(y[size_t(r * outputs + n)]), exact_product(weight, n, x, r).value) << "group " << r;
  }
}

TEST_P(QuantizedMatmulTest, AddsBiasAndResidual) {
  const int64_t k = block(), outputs = 21, rows = 5;
  const auto weight = pack(draw_weight(format(), outputs, k, random_));
  Activations x = draw_activations(rows, k, random_);
  std::vector<float> bias(static_cast<size_t>(outputs)), residual(static_cast<size_t>(rows * outputs));
  for (float& v : bias) v = float(random_() % 1000) - 500;
  for (float& v : residual) v = float(random_() % 1000) - 500;
  const std::vector<float> plain = multiply(weight, x);
  const std::vector<float> y = multiply(weight, x, 1, bias, residual);
  for (size_t i = 0; i < y.size(); ++i) {
    const float expected = plain[i] + bias[i % size_t(outputs)] + residual[i];
    ASSERT_EQ(y[i], expected) << i;
  }
}

double activate(Activation activation, double x) {
  switch (activation) {
    case Activation::kSilu: return x / (1 + std::exp(-x));
    case Activation::kGeluTanh: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kRelu: return std::max(x, 0.0);
    default: return NAN;
  }
}

TEST_P(QuantizedMatmulTest, GatesOneProductByTheOther) {
  const int64_t k = std::lcm<int64_t>(block(), 256), rows = 13;
  for (const Format* other : {&format(), find_format("Q6_K"), find_format("Q4_1")})
    for (const auto activation : {Activation::kSilu, Activation::kGeluTanh, Activation::kRelu})
      for (const int64_t outputs : {21, 96}) {
        const auto gate = pack(draw_weight(format(), outputs, k, random_));
        const auto up = pack(draw_weight(*other, outputs, k, random_));
        Activations x = draw_activations(rows, k, random_);
        const std::vector<float> g = multiply(gate, x), u = multiply(up, x);
        std::vector<float> y(g.size(), NAN);
        const auto kernel = make_matmul_glu(gate, up, {ActScheme::kQ8, activation, false}, 2);
        run_kernel(*kernel, {x.data.data(), reinterpret_cast<std::byte*>(y.data())}, rows, random_);
        for (size_t i = 0; i < y.size(); ++i) {
          const double expected = activate(activation, double(g[i])) * double(u[i]);
          // Far below zero the activation fades; what it then loses is small against x itself.
          ASSERT_NEAR(double(y[i]), expected, 1e-6 * std::abs(expected) + 1e-6 * std::abs(double(u[i]))) << g[i];
        }
      }
}

TEST_P(QuantizedMatmulTest, QuantisesTheGatedProduct) {
  const int64_t k = 2 * block(), outputs = 96, rows = 6;
  const auto gate = pack(draw_weight(format(), outputs, k, random_));
  const auto up = pack(draw_weight(format(), outputs, k, random_));
  Activations x = draw_activations(rows, k, random_);
  std::vector<float> y(size_t(rows * outputs));
  const MatmulGlu op{ActScheme::kQ8, Activation::kSilu, false}, quantized{ActScheme::kQ8, Activation::kSilu, true};
  run_kernel(*make_matmul_glu(gate, up, op, 1), {x.data.data(), reinterpret_cast<std::byte*>(y.data())}, rows, random_);
  Activations q = draw_activations(rows, outputs, random_);
  run_kernel(*make_matmul_glu(gate, up, quantized, 3), {x.data.data(), q.data.data()}, rows, random_);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t group = 0; group < outputs / kActGroup; ++group) {
      const float* values = y.data() + r * outputs + group * kActGroup;
      float largest = 0;
      for (int i = 0; i < kActGroup; ++i) largest = std::max(largest, std::abs(values[i]));
      const float scale = largest / 127.0f;
      ASSERT_EQ(q.scales(r)[group], scale);
      int32_t sum = 0;
      for (int i = 0; i < kActGroup; ++i) {
        const float code = scale == 0 ? 0.0f : std::nearbyint(values[i] / scale);
        ASSERT_EQ(float(q.codes(r)[group * kActGroup + i]), code);
        sum += int32_t(code);
      }
      ASSERT_EQ(q.sums(r)[group], sum);
    }
}

TEST(QuantizedMatmul, IsRightInFormatsDrawnAtRandom) {
  std::mt19937 random(3);
  std::map<Codec, int> drawn;
  for (int i = 0; i < 400; ++i) {
    const Format format = draw_format(random);
    ++drawn[find_codec(format)->codec];
    const int64_t outputs = 21, rows = 1 + i % 5, k = std::lcm<int64_t>(format.block_elements, 32) * (1 + i % 3);
    const HostWeight weight = draw_bytes(format, outputs, k, random);
    const auto packed = pack(weight);
    ASSERT_NE(packed, nullptr);
    std::vector<float> values(static_cast<size_t>(k)), expected(values.size());
    for (int64_t n = 0; n < outputs; ++n) {
      packed->decode_row(n, values);
      ASSERT_TRUE(decode_rows(weight.tensor(), n, 1, expected));
      ASSERT_EQ(values, expected) << "format " << i;
    }
    Activations x = draw_activations(rows, k, random);
    std::vector<float> y(size_t(rows * outputs), NAN);
    run_kernel(*make_matmul(packed, {}, false, 1), {x.data.data(), reinterpret_cast<std::byte*>(y.data())}, rows,
               random);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t n = 0; n < outputs; ++n) {
        const Exact exact = exact_product(weight, n, x, r);
        ASSERT_NEAR(double(y[size_t(r * outputs + n)]), exact.value, exact.bound()) << "format " << i;
      }
  }
  for (int codec = int(Codec::kConsecutive2); codec < kCodecs; ++codec)
    EXPECT_GE(drawn[Codec(codec)], 8) << "codec " << codec;
}

TEST(QuantizedMatmul, IsTestedWithEveryCodec) {
  std::set<Codec> codecs;
  for (const Format* format : tested_formats()) {
    const auto codec = find_codec(*format);
    ASSERT_TRUE(codec) << format->name;
    codecs.insert(codec->codec);
  }
  EXPECT_EQ(codecs.size(), size_t(kCodecs));
}

TEST(QuantizedMatmul, CoversTheInstructionSetsOfThisMachine) {
  std::set<std::string> names;
  for (const int64_t target : runnable_targets()) names.insert(hwy::TargetName(target));
#ifdef HWY_COMPILE_ONLY_STATIC
  EXPECT_EQ(names, std::set<std::string>{hwy::TargetName(HWY_STATIC_TARGET)});
#else
  // One that every machine of its kind has: Highway's plain fallback goes by two names.
  EXPECT_TRUE(names.contains("SCALAR") || names.contains("EMU128") || names.contains("NEON"));
#endif
  std::string all;
  for (const auto& name : names) all += name + " ";
  RecordProperty("targets", all);
}

}  // namespace
}  // namespace trireme::cpu::quantized

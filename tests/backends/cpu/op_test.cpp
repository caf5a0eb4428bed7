// Every op of the cpu device against the reference device, on every Highway target that this machine has, and with
// one, two and three threads, which must give the same bits.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backends/cpu/quantized/targets.h"
#include "hwy/highway.h"
#include "tests/backends/cpu/random_case.h"
#include "tests/backends/cpu/thread_counts.h"

namespace trireme::cpu {
namespace {

using conformance::Bytes;
using conformance::bytes_of;
using conformance::Case;
using conformance::values_of;

TensorDesc f32(Shape shape) { return {shape, &formats::f32(), RowDomain::kFixed}; }

std::vector<int64_t> targets() {
  std::vector<int64_t> all;
  for (const int64_t target : {HWY_SSE4, HWY_AVX2, HWY_AVX3, HWY_AVX3_DL, HWY_NEON})
    if (HWY_TARGETS & hwy::SupportedTargets() & target) all.push_back(target);
  return all;
}

class CpuOp : public testing::TestWithParam<int64_t>, protected ThreadCounts {
 protected:
  CpuOp() {
    // The chosen target and those below it, as on a machine without the ones above.
    int64_t allowed = 0;
    for (const int64_t target : targets())
      if (target >= GetParam()) allowed |= target;
    hwy::SetSupportedTargetsForTest(allowed);
    hwy::GetChosenTarget().DeInit();
    open_devices();
  }
  ~CpuOp() override {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().DeInit();
  }

  // Each output within `bound` of the reference: absolute where its size is below 1, relative to the reference's value
  // above. Integers must be equal.
  void expect_close(const Case& test, double bound) {
    const std::vector<Bytes> actual = run(test);
    const auto expected = conformance::execute(*reference_, test);
    ASSERT_TRUE(expected) << expected.error().message();
    ASSERT_EQ(actual.size(), expected->size());
    for (size_t i = 0; i < actual.size(); ++i) {
      const TensorDesc& desc = test.op.outputs[i];
      if (desc.format != &formats::f32() && desc.format != &formats::f16()) {
        EXPECT_TRUE(actual[i] == (*expected)[i]) << test.op.text();
        continue;
      }
      const std::vector<float> a = floats(actual[i], desc), e = floats((*expected)[i], desc);
      const double unit = desc.format == &formats::f16() ? std::max(bound, 0x1p-10) : bound;
      double worst = 0;
      size_t at = 0;
      for (size_t j = 0; j < a.size(); ++j) {
        if (std::isnan(a[j]) && std::isnan(e[j])) continue;
        const double error =
            a[j] == e[j] ? 0 : std::fabs(double(a[j]) - double(e[j])) / std::max(1.0, std::fabs(double(e[j])));
        if (!(error <= worst)) worst = error, at = j;
      }
      EXPECT_LE(worst, unit) << test.op.text() << " output " << i << " element " << at << ": " << a[at] << " for "
                             << e[at];
    }
  }

  static std::vector<float> floats(const Bytes& bytes, const TensorDesc& desc) {
    if (desc.format == &formats::f32()) return values_of<float>(bytes);
    std::vector<float> values;
    for (uint16_t bits : values_of<uint16_t>(bytes)) values.push_back(f16_to_f32(bits));
    return values;
  }

  CaseMaker make_{17};
};

TEST_P(CpuOp, RunsOnTheTargetThatThisTestIsNamedAfter) {
  std::string name = hwy::TargetName(GetParam() == HWY_AVX3_DL ? HWY_AVX3 : GetParam());
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  EXPECT_EQ(devices_[0]->info().features.front(), name);
}

TEST_P(CpuOp, EmbedRows) {
  for (const Format* format : {&formats::f32(), &formats::f16(), &formats::bf16()}) {
    Case test;
    test.op = {EmbedRows{0.5f},
               {{{Shape{50, 37}, format, RowDomain::kFixed}, true}, {{Shape{5}, &formats::i32(), RowDomain::kFixed}}},
               {f32({5, 37})},
               ""};
    test.inputs = {make_.pack(make_.floats(50 * 37), *format), bytes_of<int32_t>({49, 0, 7, 7, 31})};
    expect_close(test, 0);
    test.op.inputs[0].constant = false;
    if (format == &formats::f32()) expect_close(test, 0);
  }
}

TEST_P(CpuOp, IndicesOutsideTheTableAreRefused) {
  for (const int32_t bad : {-1, 50}) {
    Case test;
    test.op = {
        EmbedRows{}, {{f32({50, 8}), true}, {{Shape{2}, &formats::i32(), RowDomain::kFixed}}}, {f32({2, 8})}, ""};
    test.inputs = {bytes_of(make_.floats(400)), bytes_of<int32_t>({0, bad})};
    const auto outputs = conformance::execute(*devices_[0], test);
    ASSERT_FALSE(outputs);
    EXPECT_EQ(outputs.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST_P(CpuOp, GatherRows) {
  Case test = make_.plain(GatherRows{}, {Shape{9, 33}}, {f32({4, 33})}, 1);
  test.op.inputs.push_back({{Shape{4}, &formats::i32(), RowDomain::kFixed}});
  test.inputs.push_back(bytes_of<int32_t>({8, 0, 3, 3}));
  expect_close(test, 0);
}

TEST_P(CpuOp, Elementwise) {
  for (const Shape& shape : {Shape{1}, Shape{3, 5}, Shape{2, 7, 19}, Shape{40, 1000}}) {
    for (const auto kind : {Binary::Kind::kAdd, Binary::Kind::kSubtract, Binary::Kind::kMultiply}) {
      expect_close(make_.plain(Binary{kind}, {shape, shape}, {f32(shape)}, 2), 0);
      expect_close(make_.plain(Binary{kind}, {shape, Shape{shape.back()}}, {f32(shape)}, 1), 0);
    }
    expect_close(make_.plain(Scale{-1.25f}, {shape}, {f32(shape)}, 1), 0);
    expect_close(make_.plain(Softcap{5.0f}, {shape}, {f32(shape)}, 1, 8.0f), 0x1p-22);
  }
}

constexpr Activation kActivations[] = {Activation::kSilu, Activation::kGeluTanh,    Activation::kGeluErf,
                                       Activation::kRelu, Activation::kReluSquared, Activation::kSigmoid,
                                       Activation::kTanh};

TEST_P(CpuOp, Activations) {
  for (const Activation activation : kActivations)
    for (const float size : {1e-4f, 1.0f, 30.0f}) {
      const Shape shape{7, 1013};
      expect_close(make_.plain(Unary{activation}, {shape}, {f32(shape)}, 1, size), 0x1p-21);
      expect_close(make_.plain(Glu{activation}, {shape, shape}, {f32(shape)}, 2, size),
                   0x1p-21 * double(std::max(1.0f, size)));
    }
}

// Without the cancellations of 1 + tanh and 1 - erf.
double formula(Activation activation, double x) {
  switch (activation) {
    case Activation::kSilu: return x / (1 + std::exp(-x));
    case Activation::kGeluTanh: return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kGeluErf: return x / 2 * std::erfc(-x / std::sqrt(2.0));
    case Activation::kRelu: return std::max(0.0, x);
    case Activation::kReluSquared: return x < 0 ? 0 : x * x;
    case Activation::kSigmoid: return 1 / (1 + std::exp(-x));
    case Activation::kTanh: return std::tanh(x);
  }
  return 0;
}

// Where results are small their relative error counts.
TEST_P(CpuOp, ActivationsKeepTheirRelativePrecision) {
  std::vector<float> x;
  for (int i = -400; i <= 400; ++i) x.push_back(float(i) * 0.02f);
  for (int i = -40; i <= 40; ++i) x.push_back(std::ldexp(1.5f, i) * 1e-9f);
  const Shape shape{1, int64_t(x.size())};
  for (const Activation activation : kActivations) {
    const Case test{"", {Unary{activation}, {{f32(shape)}}, {f32(shape)}, ""}, {bytes_of(x)}, {}, {}};
    const auto actual = values_of<float>(run(test)[0]);
    for (size_t i = 0; i < x.size(); ++i) {
      const double expected = formula(activation, double(x[i]));
      EXPECT_NEAR(double(actual[i]), expected, 0x1p-17 * std::fabs(expected) + 1e-37)
          << int(activation) << " of " << x[i];
    }
  }
}

TEST_P(CpuOp, ActivationsOfExtremeValues) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {-inf, -1e30f, -1000, -100, -0.0f, 0, 100, 1000, 1e30f, inf};
  const Shape shape{1, int64_t(x.size())};
  const Case sigmoid{"", {Unary{Activation::kSigmoid}, {{f32(shape)}}, {f32(shape)}, ""}, {bytes_of(x)}, {}, {}};
  const Case tanh{"", {Unary{Activation::kTanh}, {{f32(shape)}}, {f32(shape)}, ""}, {bytes_of(x)}, {}, {}};
  EXPECT_EQ(values_of<float>(run(tanh)[0]), (std::vector<float>{-1, -1, -1, -1, -0.0f, 0, 1, 1, 1, 1}));
  const auto y = values_of<float>(run(sigmoid)[0]);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], 1 / (1 + std::exp(-double(x[i]))), 1e-7) << x[i];
}

TEST_P(CpuOp, Cast) {
  const std::vector<float> x = {0,        -0.0f, 1,      1.0009766f, 1.00048828125f, 65504,
                                65519.9f, 65520, -1e-8f, 6e-8f,      3.1415927f,     1e38f};
  const Format* all[] = {&formats::f32(), &formats::f16(), &formats::bf16()};
  for (const Format* from : all)
    for (const Format* to : all) {
      Case test;
      test.op = {Cast{}, {{{Shape{3, 4}, from, RowDomain::kFixed}}}, {{Shape{3, 4}, to, RowDomain::kFixed}}, ""};
      test.inputs = {make_.pack(x, *from)};
      EXPECT_TRUE(run(test) == *conformance::execute(*reference_, test)) << test.op.text();
    }
}

TEST_P(CpuOp, Norms) {
  for (const int64_t columns : {1, 20, 32, 576, 8192})
    for (const int64_t rows : {1, 3, 20}) {
      const Shape shape{rows, columns};
      expect_close(make_.plain(RmsNorm{1e-5f, 1.0f}, {shape, Shape{columns}}, {f32(shape)}, 1), 0x1p-20);
      expect_close(make_.plain(FusedNorm{{1e-6f, 0.0f}, false, false}, {shape, Shape{columns}}, {f32(shape)}, 1),
                   0x1p-20);
      expect_close(make_.plain(FusedNorm{{1e-6f, 1.0f}, true, false}, {shape, shape, Shape{columns}},
                               {f32(shape), f32(shape)}, 2),
                   0x1p-20);
    }
}

TEST_P(CpuOp, QuantizeIsBitIdentical) {
  const TensorDesc y{Shape{5, 128}, &formats::q8_act(), RowDomain::kFixed};
  for (const float size : {1.0f, 1e-3f, 1e30f, 1e-37f, 1e-41f, 3e-44f}) {
    Case test = make_.plain(QuantizeQ8{}, {Shape{5, 128}}, {y}, 1, size);
    auto x = values_of<float>(test.inputs[0]);
    std::fill_n(x.begin() + 32, 32, 0.0f);
    for (int i = 0; i < 32; ++i) x[size_t(i)] = size * (float(i) - 15.5f) / 2;  // ties
    test.inputs[0] = bytes_of(x);
    expect_close(test, 0);
  }
}

// The fused op is its parts: what the norm gives unquantised, quantised.
TEST_P(CpuOp, FusedNormQuantizesWhatTheNormGives) {
  const Shape shape{7, 576};
  const TensorDesc q8{shape, &formats::q8_act(), RowDomain::kFixed};
  for (const bool residual : {false, true}) {
    std::vector<Shape> inputs = {shape};
    std::vector<TensorDesc> outputs = {f32(shape)};
    if (residual) inputs.push_back(shape), outputs.push_back(f32(shape));
    inputs.push_back(Shape{576});
    Case test = make_.plain(FusedNorm{{1e-5f, 0.0f}, residual, false}, inputs, outputs, residual ? 2 : 1);
    const Bytes plain = run(test).back();
    std::get<FusedNorm>(test.op.params).quantize = true;
    test.op.outputs.back() = q8;
    const Case quantize{"", {QuantizeQ8{}, {{f32(shape)}}, {q8}, ""}, {plain}, {}, {}};
    EXPECT_TRUE(run(test).back() == run(quantize)[0]);
  }
}

TEST_P(CpuOp, Softmax) {
  for (const Shape& shape : {Shape{1}, Shape{4, 3}, Shape{2, 3, 100}, Shape{3, 5000}})
    for (const float size : {1.0f, 50.0f})
      expect_close(make_.plain(Softmax{}, {shape}, {f32(shape)}, 1, size), 0x1p-22);
}

TEST_P(CpuOp, Argmax) {
  const TensorDesc y{Shape{3}, &formats::i32(), RowDomain::kFixed};
  for (const int64_t columns : {1, 5, 16, 1001}) {
    Case test = make_.plain(Argmax{}, {Shape{3, columns}}, {y}, 1);
    expect_close(test, 0);
    auto x = values_of<float>(test.inputs[0]);
    x[0] = x[size_t(columns / 2)] = x[size_t(columns) - 1] = 9.0f;
    test.inputs[0] = bytes_of(x);
    EXPECT_EQ(values_of<int32_t>(run(test)[0])[0], 0);
  }
}

TEST_P(CpuOp, Rope) {
  for (const RopeStyle style : {RopeStyle::kHalves, RopeStyle::kInterleaved})
    for (const int64_t frequencies : {1, 5, 16, 32}) {
      const Shape shape{6, 3, 66};
      Case test = make_.plain(Rope{style, 1.5f}, {shape}, {f32(shape)}, 1);
      std::vector<float> table;
      for (int64_t i = 0; i < frequencies; ++i) table.push_back(std::pow(10000.0f, -float(i) / float(frequencies)));
      test.op.inputs.push_back({{Shape{6}, &formats::i32(), RowDomain::kFixed}});
      test.op.inputs.push_back({f32({frequencies}), true});
      test.inputs.push_back(bytes_of<int32_t>({0, 1, 2, 511, 99999, 131071}));
      test.inputs.push_back(bytes_of(table));
      expect_close(test, 0x1p-21);
    }
}

TEST_P(CpuOp, KvStore) {
  for (const Format* format : {&formats::f32(), &formats::f16()})
    for (const int64_t rows : {1, 9}) {
      const Case test = make_.kv_store(rows, 3, 20, *format);
      EXPECT_TRUE(run(test) == *conformance::execute(*reference_, test));
    }
}

TEST_P(CpuOp, RopeStore) {
  for (const bool norm : {false, true})
    for (const Format* format : {&formats::f32(), &formats::f16()})
      for (const int64_t rows : {1, 7})
        expect_close(make_.rope_store({{RopeStyle::kHalves, 1.0f}, norm, {1e-6f, 1.0f}}, rows, 6, 2, 40, 16, *format),
                     0x1p-18);
}

TEST_P(CpuOp, FloatMatmul) {
  struct Sizes {
    int64_t rows, n, k;
  };
  for (const auto& [rows, n, k] :
       {Sizes{1, 1, 1}, {6, 13, 3}, {1, 100, 576}, {8, 33, 65}, {3, 40, 64}, {9, 70, 50}, {81, 19, 41}, {40, 330, 512}})
    for (const Format* format : {&formats::f32(), &formats::f16(), &formats::bf16()})
      for (const bool extra : {false, true})
        expect_close(make_.matmul({ActScheme::kFloat, extra, extra}, rows, n, k, *format),
                     0x1p-22 * std::sqrt(double(k)) * 12);
}

TEST_P(CpuOp, FloatMatmulGlu) {
  for (const int64_t rows : {1, 5, 20})
    for (const Format* format : {&formats::f32(), &formats::f16()})
      for (const Activation activation : {Activation::kSilu, Activation::kGeluTanh})
        expect_close(make_.matmul_glu({ActScheme::kFloat, activation, false}, rows, 96, 70, *format), 0x1p-17);
}

TEST_P(CpuOp, FloatMatmulGluQuantizesWhatItGives) {
  for (const int64_t rows : {1, 20}) {
    Case test = make_.matmul_glu({ActScheme::kFloat, Activation::kSilu, false}, rows, 96, 70, formats::f32());
    const Bytes plain = run(test)[0];
    const TensorDesc q8{Shape{rows, 96}, &formats::q8_act(), RowDomain::kFixed};
    std::get<MatmulGlu>(test.op.params).quantize = true;
    test.op.outputs[0] = q8;
    const Case quantize{"", {QuantizeQ8{}, {{f32({rows, 96})}}, {q8}, ""}, {plain}, {}, {}};
    EXPECT_TRUE(run(test)[0] == run(quantize)[0]);
  }
}

std::vector<std::pair<int32_t, int32_t>> consecutive(int32_t sequence, int32_t first, int32_t count) {
  std::vector<std::pair<int32_t, int32_t>> rows;
  for (int32_t i = 0; i < count; ++i) rows.emplace_back(sequence, first + i);
  return rows;
}

TEST_P(CpuOp, Attention) {
  const CaseMaker::AttentionSizes sizes[] = {{9, 3, 64, 32, 2, 24, &formats::f16()},
                                             {4, 1, 256, 16, 2, 40, &formats::f16()},
                                             {2, 2, 20, 7, 2, 90, &formats::f32()}};
  for (const auto& size : sizes)
    for (const Attention& op : {Attention{0.125f, 0, 0.0f}, Attention{0.2f, 100, 0.0f}, Attention{0.3f, 0, 2.0f}})
      for (const auto& rows :
           {consecutive(0, 0, 1), consecutive(1, 600, 1), consecutive(0, 0, 40), consecutive(1, 250, 30)})
        expect_close(make_.attention(op, size, rows), 0x1p-17);
}

TEST_P(CpuOp, AttentionOfSeveralSequencesInOneStep) {
  std::vector<std::pair<int32_t, int32_t>> rows = consecutive(0, 300, 3);
  rows.emplace_back(1, 5);
  rows.emplace_back(2, 599);
  for (const auto& row : consecutive(1, 6, 20)) rows.push_back(row);
  expect_close(make_.attention({0.125f, 0, 0.0f}, {6, 2, 64, 16, 3, 40, &formats::f16()}, rows), 0x1p-17);
  rows.resize(4);
  expect_close(make_.attention({0.125f, 0, 0.0f}, {6, 2, 64, 16, 3, 40, &formats::f16()}, rows), 0x1p-17);
}

// Prefill and decode do the same arithmetic a row, so a prompt in chunks gives what it gives token by token.
TEST_P(CpuOp, AttentionOfARowDoesNotDependOnItsNeighbours) {
  const CaseMaker::AttentionSizes sizes{6, 2, 64, 16, 1, 40, &formats::f16()};
  for (const Attention& op : {Attention{0.125f, 0, 0.0f}, Attention{0.125f, 300, 0.0f}}) {
    const Case all = make_.attention(op, sizes, consecutive(0, 500, 30));
    const auto together = values_of<float>(run(all)[0]);
    for (const int64_t row : {0, 13, 29}) {
      Case one = all;
      one.op.inputs[0].desc.shape[0] = one.op.inputs[4].desc.shape[0] = one.op.inputs[5].desc.shape[0] = 1;
      one.op.outputs[0].shape[0] = 1;
      const auto q = values_of<float>(all.inputs[0]);
      one.inputs[0] = bytes_of(std::vector<float>(q.begin() + row * 384, q.begin() + (row + 1) * 384));
      one.inputs[4] = bytes_of<int32_t>({int32_t(500 + row)});
      one.inputs[5] = bytes_of<int32_t>({0});
      EXPECT_EQ(values_of<float>(run(one)[0]),
                std::vector<float>(together.begin() + row * 384, together.begin() + (row + 1) * 384));
    }
  }
}

TEST_P(CpuOp, BadBlockTablesAreRefused) {
  const CaseMaker::AttentionSizes sizes{2, 1, 16, 8, 1, 4, &formats::f16()};
  const auto refused = [&](const Case& test) {
    const auto outputs = conformance::execute(*devices_[1], test);
    return !outputs && outputs.error().code() == ErrorCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused(make_.attention({}, sizes, {{0, 32}})));
  EXPECT_TRUE(refused(make_.attention({}, sizes, {{0, -1}})));
  EXPECT_TRUE(refused(make_.attention({}, sizes, {{1, 0}})));
  for (const int32_t block : {-1, 5}) {
    Case test = make_.attention({}, sizes, {{0, 20}});
    test.inputs[3] = bytes_of<int32_t>({1, block, 2, 3});
    EXPECT_TRUE(refused(test));
    test.inputs[3] = bytes_of<int32_t>({1, 2, 3, block});
    EXPECT_FALSE(refused(test)) << "a block past the context is never read";
  }
}

TEST_P(CpuOp, RowsPastTheCountAreNotTouched) {
  const Shape shape{6, 40};
  Case test = make_.plain(Scale{2.0f}, {shape}, {{shape, &formats::f32(), RowDomain::kTokens}}, 1);
  test.op.inputs[0].desc.rows = RowDomain::kTokens;
  for (const int32_t count : {0, 2, 6}) {
    test.token_count = count;
    const Bytes y = run(test)[0];
    for (size_t i = size_t(count) * 160; i < y.size(); ++i) ASSERT_EQ(y[i], conformance::kUntouched);
  }
  test.token_count = 7;
  EXPECT_FALSE(conformance::execute(*devices_[0], test));
}

INSTANTIATE_TEST_SUITE_P(Targets, CpuOp, testing::ValuesIn(targets()),
                         [](const auto& target) { return std::string(hwy::TargetName(target.param)); });

}  // namespace
}  // namespace trireme::cpu

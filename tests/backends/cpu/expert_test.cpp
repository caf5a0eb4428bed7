// TopK and GroupedMatmul of the cpu device, with one, two and three threads, which must give the same bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "hal/op_check.h"
#include "tests/backends/cpu/thread_counts.h"
#include "tests/conformance/experts.h"
#include "tests/conformance/intervals.h"
#include "tests/conformance/judge.h"
#include "tests/conformance/random.h"

namespace trireme::cpu {
namespace {

using conformance::Bytes;
using conformance::bytes_of;
using conformance::Case;
using conformance::values_of;

class CpuExperts : public testing::Test, protected ThreadCounts {
 protected:
  CpuExperts() { open_devices(); }

  // As the intervals of the conformance suite allow.
  void expect_right(const Case& test) {
    const std::vector<Bytes> actual = run(test);
    const auto expected = conformance::execute(*reference_, test);
    const auto allowed = conformance::allowed_errors(test, devices_[0]->info().numeric);
    ASSERT_TRUE(!actual.empty() && expected && allowed);
    const conformance::Verdict verdict = conformance::judge(test, *expected, actual, *allowed);
    EXPECT_TRUE(verdict.passed) << test.op.text() << " " << verdict.message;
  }
};

using Sizes = conformance::ExpertSizes;

Case grouped(const Sizes& size, const Format& format, ActScheme act) {
  const auto made = conformance::experts_case(format, act, size);
  EXPECT_TRUE(made) << made.error().message();
  return *made;
}

const Sizes kSizes[] = {{1, 4, 8, 96, 256},  {1, 1, 1, 1, 256},      {5, 2, 3, 19, 256},
                        {40, 3, 7, 50, 512}, {70, 4, 9, 33, 256, 1}, {128, 2, 4, 96, 256, 2}};

TEST_F(CpuExperts, GiveTheBitsOfAMatmulByEachAlone) {
  int compared = 0;
  for (const Format* format : builtin_formats()) {
    if (!has_float_values(*format) || !has_integer_codes(*format) || !format->rows_stand_alone()) continue;
    for (const Sizes& size : kSizes) {
      const Case test = grouped(size, *format, ActScheme::kQ8);
      ++compared;
      const auto alone = conformance::by_single_experts(*devices_[0], test);
      ASSERT_TRUE(alone) << alone.error().message();
      EXPECT_TRUE(run(test)[0] == *alone) << test.op.text();
    }
  }
  EXPECT_GE(compared, 60);
}

TEST_F(CpuExperts, AreRightInEveryFormat) {
  for (const Format* format : builtin_formats())
    for (const Sizes& size : {kSizes[2], kSizes[4]}) {
      if (size.n % format->block_rows != 0 || !has_float_values(*format)) continue;
      if (has_integer_codes(*format)) expect_right(grouped(size, *format, ActScheme::kQ8));
      expect_right(grouped(size, *format, ActScheme::kFloat));
    }
}

TEST_F(CpuExperts, OfFloatsAreRightInEverySize) {
  for (const Format* format : {&formats::f32(), &formats::f16(), &formats::bf16()})
    for (const Sizes& size : kSizes) expect_right(grouped(size, *format, ActScheme::kFloat));
}

// One row meets two of eight experts, and thirty rows may meet all.
TEST_F(CpuExperts, AreCountedAsFarAsRowsCanMeetThem) {
  for (const int64_t rows : {1, 30}) {
    const Case test = grouped({rows, 2, 8, 64, 256}, *find_format("Q8_0"), ActScheme::kQ8);
    const auto cost = std::get<OpCost>(devices_[0]->assess({&test.op, 1})[0]);
    EXPECT_EQ(cost.multiply_adds, double(rows * 2 * 64 * 256));
    EXPECT_GE(double(cost.weight_bytes), 8.0 * 64 * 256);
    const double operands = double(rows) * (256 + 2 * (256 / 32) * 4 + 2 * 4 + 2 * 64 * 4);
    const double read = double(cost.weight_bytes) * (rows == 1 ? 0.25 : 1);
    EXPECT_NEAR(double(cost.bytes_moved), operands + read, 2);
  }
}

Case top_k(int64_t k, const Shape& shape, const std::vector<float>& x) {
  return {"",
          {TopK{k},
           {{{shape, &formats::f32()}, false}},
           {{{shape[0], k}, &formats::f32()}, {{shape[0], k}, &formats::i32()}},
           ""},
          {bytes_of(x)},
          {},
          {}};
}

TEST_F(CpuExperts, TopKIsExact) {
  conformance::Random random("top k");
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const float odd[] = {nan, -nan, inf, -inf, 0.0f, -0.0f, 1.0f};
  for (const int64_t columns : {1, 5, 64, 1001, 20000})
    for (const int64_t k : {1, 3, 8, 64}) {
      if (k > columns) continue;
      std::vector<float> numbers, mixed;
      for (int64_t i = 0; i < 3 * columns; ++i) {
        numbers.push_back(i < columns ? float(i) : float(random.integer(-20, 20)));
        mixed.push_back(odd[random.integer(0, i < columns ? 1 : 6)]);
      }
      expect_right(top_k(k, {3, columns}, numbers));
      expect_right(top_k(k, {3, columns}, mixed));
      const Case best{"",
                      {Argmax{}, {{{{3, columns}, &formats::f32()}, false}}, {{{3}, &formats::i32()}}, ""},
                      {bytes_of(mixed)},
                      {},
                      {}};
      expect_right(best);
    }
}

}  // namespace
}  // namespace trireme::cpu

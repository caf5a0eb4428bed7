// Rope tables against values that rope_frequencies.py computed from the published formulas.
#include "graph/models/rope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

namespace trireme::graph {
namespace {

using ::testing::HasSubstr;

RopeParameters rope(double base, int64_t dimensions, RopeScalingKind kind = RopeScalingKind::kNone, double factor = 1,
                    int64_t context = 0) {
  return {
      .base = base, .dimensions = dimensions, .scaling = {.kind = kind, .factor = factor, .original_context = context}};
}

std::map<std::string, RopeParameters> cases() {
  using enum RopeScalingKind;
  RopeParameters untruncated = rope(150000, 64, kYarn, 32, 4096);
  untruncated.scaling.truncate = false;
  RopeParameters mscale = rope(10000, 64, kYarn, 40, 4096);
  mscale.scaling.mscale = 1.0;
  mscale.scaling.mscale_all_dim = 0.5;
  RopeParameters betas = rope(10000, 64, kYarn, 16, 4096);
  betas.scaling.beta_fast = 16;
  betas.scaling.beta_slow = 2;
  betas.scaling.attention_factor = 1.25;
  RopeParameters narrow = rope(10000, 8, kYarn, 2, 4);
  narrow.scaling.beta_slow = 31;
  return {{"plain", rope(10000, 64)},
          {"plain_large_base", rope(1e6, 256)},
          {"linear", rope(1e6, 256, kLinear, 8)},
          {"llama3", rope(500000, 128, kLlama3, 8, 8192)},
          {"llama3_small", rope(500000, 64, kLlama3, 32, 8192)},
          {"yarn", rope(10000, 32, kYarn, 4, 32)},
          {"yarn_long", rope(1e6, 128, kYarn, 4, 32768)},
          {"yarn_untruncated", untruncated},
          {"yarn_mscale", mscale},
          {"yarn_betas", betas},
          {"yarn_narrow", narrow}};
}

TEST(RopeTest, EveryRecordedTable) {
  std::ifstream file(std::string(TRIREME_TEST_DATA) + "/graph/rope_frequencies.txt");
  const std::map<std::string, RopeParameters> known = cases();
  size_t compared = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) continue;
    std::istringstream words(line);
    std::string name;
    double magnitude = 0;
    words >> name >> magnitude;
    SCOPED_TRACE(name);
    ASSERT_TRUE(known.count(name));
    const auto table = rope_table(known.at(name));
    ASSERT_TRUE(table) << table.error().message();
    EXPECT_EQ(table->magnitude, float(magnitude));
    size_t count = 0;
    for (double expected = 0; words >> expected; ++count) {
      ASSERT_LT(count, table->frequencies.size());
      // Both are computed in double and rounded once, so they may differ by the last bit.
      EXPECT_NEAR(table->frequencies[count] / expected, 1.0, 0x1p-23) << count;
    }
    EXPECT_EQ(count, table->frequencies.size());
    ++compared;
  }
  EXPECT_EQ(compared, known.size());
}

TEST(RopeTest, FactorsDivideEachFrequency) {
  const std::vector<float> factors = {1, 2, 4, 8};
  const auto plain = rope_table(rope(10000, 8));
  const auto divided = rope_table(rope(10000, 8), factors);
  ASSERT_TRUE(plain && divided);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(divided->frequencies[i], plain->frequencies[i] / factors[i]);
}

TEST(RopeTest, FactorsMustFit) {
  EXPECT_FALSE(rope_table(rope(10000, 8), std::vector<float>{1, 2, 3}));
  EXPECT_FALSE(rope_table(rope(10000, 8), std::vector<float>{1, 2, 0, 4}));
  EXPECT_FALSE(rope_table(rope(10000, 8), std::vector<float>{1, 2, NAN, 4}));
  EXPECT_FALSE(rope_table(rope(10000, 8), std::vector<float>{1e-40f, 2, 3, 4})) << "a frequency beyond f32";
}

TEST(RopeTest, MscalesOfZeroCountAsMissing) {
  RopeParameters zero = rope(10000, 32, RopeScalingKind::kYarn, 4, 32);
  zero.scaling.mscale = 0;
  zero.scaling.mscale_all_dim = 1;
  EXPECT_EQ(rope_table(zero)->magnitude, rope_table(rope(10000, 32, RopeScalingKind::kYarn, 4, 32))->magnitude);
}

TEST(RopeTest, RefusesParametersThatMakeNoTable) {
  using enum RopeScalingKind;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  RopeParameters falling = rope(10000, 8, kLlama3, 8, 100);
  falling.scaling.low_frequency_factor = 4;
  RopeParameters low_zero = rope(10000, 8, kLlama3, 8, 100);
  low_zero.scaling.low_frequency_factor = 0;
  RopeParameters beta = rope(10000, 8, kYarn, 8, 100);
  beta.scaling.beta_fast = 0;
  RopeParameters attention = rope(10000, 8, kYarn, 8, 100);
  attention.scaling.attention_factor = -1;
  const std::vector<std::pair<RopeParameters, std::string>> wrong = {
      {rope(10000, 0), "the rotated width 0"},
      {rope(10000, 7), "the rotated width 7"},
      {rope(10000, int64_t{1} << 40), "the rotated width"},
      {rope(1, 8), "the base"},
      {rope(nan, 8), "the base"},
      {rope(10000, 8, kLinear, 0), "the scaling factor"},
      {rope(10000, 8, kLinear, nan), "the scaling factor"},
      {rope(10000, 8, kYarn, 8, 0), "the original context length"},
      {falling, "the frequency factors"},
      {low_zero, "the frequency factors"},
      {beta, "yarn's betas"},
      {attention, "the attention factor"},
  };
  for (const auto& [parameters, why] : wrong) {
    const auto table = rope_table(parameters);
    ASSERT_FALSE(table) << why;
    EXPECT_EQ(table.error().code(), ErrorCode::kCorruptData);
    EXPECT_THAT(table.error().message(), HasSubstr(why));
  }
}

}  // namespace
}  // namespace trireme::graph

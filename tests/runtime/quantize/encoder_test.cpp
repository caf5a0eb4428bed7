// Rows packed into formats: the same bytes as gguf-py where it defines the rounding, small errors where a search
// decides.
#include "runtime/quantize/encoder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "tests/hal/tensor_file.h"

namespace trireme::runtime {
namespace {

const Format& format_named(const std::string& name) {
  const Format* format = find_format(name);
  if (!format) throw std::runtime_error("no format " + name);
  return *format;
}

std::vector<std::byte> encode(const Format& format, std::span<const float> values) {
  std::vector<std::byte> row(size_t(format.row_bytes(int64_t(values.size()))));
  const Status status = encode_row(format, values, row);
  EXPECT_TRUE(status) << status.error().message();
  return row;
}

std::vector<float> decode(const Format& format, std::span<const std::byte> row, size_t columns) {
  std::vector<float> values(columns);
  EXPECT_TRUE(decode_row(format, row, values));
  return values;
}

std::vector<float> normal_values(size_t count, float scale, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution(0.0f, scale);
  std::vector<float> values(count);
  for (float& value : values) value = distribution(random);
  return values;
}

double rms(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += double(value) * double(value);
  return std::sqrt(sum / double(values.size()));
}

// Root mean squared error after a round trip, over that of the values.
double relative_error(const Format& format, std::span<const float> values) {
  std::vector<float> difference = decode(format, encode(format, values), values.size());
  for (size_t i = 0; i < values.size(); ++i) difference[i] -= values[i];
  return rms(difference) / rms(values);
}

class SameBytes : public testing::TestWithParam<const char*> {};

TEST_P(SameBytes, AsGgufPy) {
  const TensorFile file("quantize.safetensors");
  const Format& format = format_named(GetParam());
  const auto values = file.read<float>("values");
  const auto expected = file.read(GetParam());
  const size_t columns = size_t(file.shape("values")[1]);
  const size_t bytes = size_t(format.row_bytes(int64_t(columns)));
  ASSERT_EQ(expected.size(), values.size() / columns * bytes);
  for (size_t row = 0; row < values.size() / columns; ++row) {
    const auto packed = encode(format, std::span(values).subspan(row * columns, columns));
    for (size_t i = 0; i < bytes; ++i)
      ASSERT_EQ(packed[i], expected[row * bytes + i]) << "row " << row << ", byte " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, SameBytes, testing::Values("F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"),
                         [](const auto& test) { return test.param; });

struct Quality {
  const char* format;
  double error;  // of normally distributed values, at most
};

class Accuracy : public testing::TestWithParam<Quality> {};

TEST_P(Accuracy, OfNormalValues) {
  const auto& [name, error] = GetParam();
  for (const float scale : {1e-3f, 1.0f, 1e3f}) {
    const double measured = relative_error(format_named(name), normal_values(256 * 64, scale, 7));
    EXPECT_LT(measured, error) << name << " at scale " << scale;
    EXPECT_GT(measured, error / 1.15) << name << ": the bound is looser than what was measured";
  }
}

INSTANTIATE_TEST_SUITE_P(All, Accuracy,
                         testing::Values(Quality{"F16", 2.2e-4}, Quality{"BF16", 1.75e-3}, Quality{"Q8_0", 0.0055},
                                         Quality{"Q4_0", 0.09}, Quality{"Q4_1", 0.08}, Quality{"Q5_0", 0.045},
                                         Quality{"Q5_1", 0.04}, Quality{"Q2_K", 0.275}, Quality{"Q3_K", 0.15},
                                         Quality{"Q4_K", 0.08}, Quality{"Q5_K", 0.0355}, Quality{"Q6_K", 0.0178}),
                         [](const auto& test) { return test.param.format; });

class Encodable : public testing::TestWithParam<const char*> {};

// Every error is at most half a step, and a step is the block's range over its codes: a bound that holds for any value.
TEST_P(Encodable, ErrorsStayBelowOneStepOfTheRange) {
  const Format& format = format_named(GetParam());
  std::mt19937 random(8);
  const int codes = integer_codes(format) ? integer_codes(format)->highest - integer_codes(format)->lowest + 1 : 256;
  for (int trial = 0; trial < 40; ++trial) {
    std::cauchy_distribution<float> distribution(float(trial % 5 - 2), 0.5f);
    std::vector<float> values(512);
    for (float& value : values) value = std::clamp(distribution(random), -300.0f, 300.0f);
    const auto decoded = decode(format, encode(format, values), values.size());
    for (size_t begin = 0; begin < values.size(); begin += 256) {
      float most = 0;
      for (size_t i = begin; i < begin + 256; ++i) most = std::max(most, std::abs(values[i]));
      for (size_t i = begin; i < begin + 256; ++i)
        ASSERT_LE(std::abs(decoded[i] - values[i]), 2.2f * most / float(codes)) << "trial " << trial << ", value " << i;
    }
  }
}

TEST_P(Encodable, ZerosStayZero) {
  const Format& format = format_named(GetParam());
  const std::vector<float> zeros(512);
  for (const float value : decode(format, encode(format, zeros), zeros.size())) EXPECT_EQ(value, 0.0f);
}

// A constant block has no range to spread codes over, but must come back within the format's precision.
TEST_P(Encodable, ConstantsComeBack) {
  const Format& format = format_named(GetParam());
  for (const float constant : {-3.0f, -1e-3f, 0.25f, 7.7f}) {
    const std::vector<float> values(256, constant);
    for (const float value : decode(format, encode(format, values), values.size()))
      EXPECT_NEAR(value, constant, 0.01f * std::abs(constant)) << constant;
  }
}

// Packing what was packed before changes nothing.
TEST_P(Encodable, SecondRoundTripIsExactForOneLevel) {
  const Format& format = format_named(GetParam());
  if (format.scale.size() > 1 || !format.minimum.empty()) return;  // others search, or add a rounded minimum
  const auto values = normal_values(4096, 0.02f, 9);
  const auto packed = encode(format, values);
  EXPECT_EQ(encode(format, decode(format, packed, values.size())), packed);
}

TEST_P(Encodable, PaddingBitsAreZeroAndOldBytesAreOverwritten) {
  const Format& format = format_named(GetParam());
  const auto values = normal_values(512, 1.0f, 10);
  std::vector<std::byte> row(size_t(format.row_bytes(512)), std::byte{0xff});
  ASSERT_TRUE(encode_row(format, values, row));
  EXPECT_EQ(row, encode(format, values));
}

TEST_P(Encodable, SizesMustMatch) {
  const Format& format = format_named(GetParam());
  const std::vector<float> values(256);
  std::vector<std::byte> row(size_t(format.row_bytes(256)));
  EXPECT_TRUE(encode_row(format, values, row));
  EXPECT_EQ(encode_row(format, values, std::span(row).first(row.size() - 1)).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(encode_row(format, std::span(values).first(255), row).error().code(), ErrorCode::kInvalidArgument);
}

TEST_P(Encodable, QuantisedValuesMustBeFiniteAndInRange) {
  const Format& format = format_named(GetParam());
  if (format.plain) return;
  std::vector<std::byte> row(size_t(format.row_bytes(512)));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -3e38f}) {
    std::vector<float> values = normal_values(512, 1.0f, 11);
    values[300] = bad;
    const Status status = encode_row(format, values, row);
    ASSERT_FALSE(status) << bad;
    EXPECT_EQ(status.error().code(), ErrorCode::kCorruptData);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Encodable,
                         testing::Values("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K",
                                         "Q4_K", "Q5_K", "Q6_K"),
                         [](const auto& test) { return test.param; });

// The search pays: a K type beats the one-level type with as many bits a code, though it spends fewer on scales.
TEST(SuperBlocks, BeatOneLevelTypes) {
  const auto values = normal_values(256 * 64, 0.02f, 12);
  EXPECT_LT(relative_error(format_named("Q4_K"), values), 0.97 * relative_error(format_named("Q4_1"), values));
  EXPECT_LT(relative_error(format_named("Q5_K"), values), 0.97 * relative_error(format_named("Q5_1"), values));
  EXPECT_LT(relative_error(format_named("Q6_K"), values), 0.5 * relative_error(format_named("Q5_0"), values));
}

TEST(Encoder, RefusesWhatItCannotPack) {
  for (const char* name :
       {"I32", "IQ2_XXS", "IQ4_NL", "MXFP4", "TQ1_0", "I2_S", "AUTOBITLINEAR_F32", "Q8_ACT", "F8_E4M3"}) {
    EXPECT_FALSE(can_encode(format_named(name))) << name;
    EXPECT_EQ(Encoder::create(format_named(name)).error().code(), ErrorCode::kUnsupported) << name;
  }
}

// An invented one-level format is packed by its record, too: three-bit codes before the scale.
TEST(Encoder, FollowsInventedRecords) {
  Format format = format_named("Q4_0");
  format.name = "THREE_BITS";
  format.block_bytes = 14;
  format.codes.fields = {BitField{.width = 3, .bit_offset = 0, .digits = {{1, 0, 3}}}};
  format.codes.offset = -4;
  format.scale[0].fields[0].bit_offset = 96;
  ASSERT_TRUE(verify(format));
  const double error = relative_error(format, normal_values(4096, 1.0f, 13));
  EXPECT_LT(error, 0.2);
  EXPECT_GT(error, 0.1);
}

}  // namespace
}  // namespace trireme::runtime

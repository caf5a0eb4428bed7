// Layouts of published safetensors checkpoints: scales in other tensors, rows packed together.
#include <bit>
#include <cmath>
#include <random>

#include "hal/format_decoder.h"
#include "tests/hal/tensor_file.h"

namespace trireme {
namespace {

template <typename T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

std::vector<uint8_t> random_bytes(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> bytes(count);
  for (uint8_t& byte : bytes) byte = uint8_t(random());
  return bytes;
}

std::vector<float> decode(const char* format, Shape shape, std::span<const std::byte> data,
                          std::span<const std::byte> plane) {
  HostTensor tensor;
  tensor.desc = {shape, find_format(format)};
  tensor.data = data;
  tensor.planes = {plane};
  std::vector<float> values(size_t(shape.elements()));
  const Status status = decode_rows(tensor, 0, shape.rows(), values);
  EXPECT_TRUE(status) << status.error().message();
  // Any range of rows gives the same values.
  const int64_t first = shape.rows() / 3;
  const int64_t count = shape.rows() / 2;
  std::vector<float> part(size_t(count * shape.back()));
  EXPECT_TRUE(decode_rows(tensor, first, count, part));
  for (size_t i = 0; i < part.size(); ++i)
    EXPECT_EQ(std::bit_cast<uint32_t>(part[i]), std::bit_cast<uint32_t>(values[size_t(first * shape.back()) + i]));
  return values;
}

TEST(CheckpointFormats, BitNetPacksOutputRowsIntoBytes) {
  const TensorFile file("checkpoint_formats.safetensors");
  const auto packed = file.read("ternary.packed");
  const auto scale = file.read("ternary.scale");
  const auto shape = file.shape("ternary.values");
  EXPECT_EQ(decode("AUTOBITLINEAR_F32", {shape[0], shape[1]}, packed, scale), file.read<float>("ternary.values"));
}

TEST(CheckpointFormats, BitLinearDividesByItsScale) {
  const auto packed = random_bytes(6 * 50, 1);
  const std::vector<float> scale = {3.3f};
  const auto values = decode("BITLINEAR_F32", {24, 50}, bytes_of(packed), bytes_of(scale));
  for (size_t row = 0; row < 24; ++row)
    for (size_t column = 0; column < 50; ++column) {
      const int code = (packed[row % 6 * 50 + column] >> (row / 6 * 2)) & 3;
      EXPECT_EQ(values[row * 50 + column], float(code - 1) * (1.0f / 3.3f));
    }
}

TEST(CheckpointFormats, BitNetScalesMayBeBF16) {
  const auto packed = random_bytes(2 * 7, 2);
  const std::vector<float> scale = {1.21875f};  // exact in bf16
  const std::vector<uint16_t> half = {f32_to_bf16(scale[0])};
  EXPECT_EQ(decode("AUTOBITLINEAR_BF16", {8, 7}, bytes_of(packed), bytes_of(half)),
            decode("AUTOBITLINEAR_F32", {8, 7}, bytes_of(packed), bytes_of(scale)));
  EXPECT_EQ(decode("BITLINEAR_BF16", {8, 7}, bytes_of(packed), bytes_of(half)),
            decode("BITLINEAR_F32", {8, 7}, bytes_of(packed), bytes_of(scale)));
}

TEST(CheckpointFormats, Mxfp4PlanesHoldWhatTheGgufTensorHolds) {
  const TensorFile file("checkpoint_formats.safetensors");
  const auto shape = file.shape("mxfp4.values");
  EXPECT_EQ(decode("MXFP4_PLANES", {shape[0], shape[1]}, file.read("mxfp4.packed"), file.read("mxfp4.scales")),
            file.read<float>("mxfp4.values"));
}

// Neither side is a multiple of 128, so the last blocks are cut.
TEST(CheckpointFormats, Fp8HasOneScaleForEach128x128) {
  const int64_t rows = 300;
  const int64_t columns = 201;
  const auto codes = random_bytes(size_t(rows * columns), 3);
  std::vector<float> scales(3 * 2);
  for (size_t i = 0; i < scales.size(); ++i) scales[i] = std::ldexp(1.0f + float(i) / 7, int(i) - 3);
  const auto values = decode("F8_E4M3_B128", {rows, columns}, bytes_of(codes), bytes_of(scales));
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      const size_t i = size_t(row * columns + column);
      const float expected = f8e4m3_to_f32(codes[i]) * scales[size_t(row / 128 * 2 + column / 128)];
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(values[i]));
      } else {
        ASSERT_EQ(values[i], expected) << row << ", " << column;
      }
    }
}

struct ParetoQ {
  const char* format;
  int bits;
  std::vector<float> levels;
};

class ParetoQRows : public testing::TestWithParam<ParetoQ> {};

TEST_P(ParetoQRows, HaveTheirOwnAlpha) {
  const auto& [format, bits, levels] = GetParam();
  const size_t rows = 5;
  const size_t columns = 304;
  auto packed = random_bytes(rows * columns * size_t(bits) / 8, 4);
  if (levels.size() == 3)  // the fourth code is never written
    for (uint8_t& byte : packed) byte = uint8_t(byte & ~((byte >> 1) & 0x55u));
  const std::vector<float> alphas = {0.5f, -1.25f, 3.1f, 0.0f, 1e-6f};
  const auto values = decode(format, {int64_t(rows), int64_t(columns)}, bytes_of(packed), bytes_of(alphas));
  const size_t per_byte = size_t(8 / bits);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t code = size_t(packed[i / per_byte] >> (i % per_byte * size_t(bits))) & ((size_t{1} << bits) - 1);
    const float alpha = alphas[i / columns];
    ASSERT_LE(std::abs(values[i] - alpha * levels[code]), std::abs(alpha) * 0x1p-23f) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ParetoQRows,
                         testing::Values(ParetoQ{"PARETOQ_TERNARY", 2, {-2.0f / 3, 0, 2.0f / 3}},
                                         ParetoQ{"PARETOQ_2BIT", 2, {-0.75f, -0.25f, 0.25f, 0.75f}},
                                         ParetoQ{"PARETOQ_1BIT", 1, {-1, 1}}),
                         [](const auto& test) { return std::string(test.param.format); });

TEST(CheckpointFormats, IntegersComeWithTheScalesOfTheirPlane) {
  const auto packed = random_bytes(3 * 16, 5);
  const std::vector<float> alphas = {0.5f, -2.0f, 3.0f};
  HostTensor tensor;
  tensor.desc = {Shape{3, 64}, find_format("PARETOQ_2BIT")};
  tensor.data = bytes_of(packed);
  tensor.planes = {bytes_of(alphas)};
  std::vector<int8_t> codes(3 * 64);
  std::vector<float> scales(3 * 2);
  ASSERT_TRUE(decode_integer_rows(tensor, 0, 3, codes, scales, {}));
  EXPECT_EQ(scales, (std::vector<float>{0.125f, 0.125f, -0.5f, -0.5f, 0.75f, 0.75f}));
  for (size_t i = 0; i < codes.size(); ++i) EXPECT_EQ(codes[i], 2 * ((packed[i / 4] >> (i % 4 * 2)) & 3) - 3);
}

TEST(CheckpointFormats, PlanesAreCheckedBeforeTheyAreRead) {
  const auto codes = random_bytes(200 * 200, 6);
  std::vector<float> scales(4);
  HostTensor tensor;
  tensor.name = "up_proj";
  tensor.desc = {Shape{200, 200}, find_format("F8_E4M3_B128")};
  tensor.data = bytes_of(codes);
  std::vector<float> values(200 * 200);
  const auto message = [&] { return decode_rows(tensor, 0, 200, values).error().message(); };
  EXPECT_EQ(message(), "up_proj: F8_E4M3_B128 needs 1 planes, not 0");
  tensor.planes = {bytes_of(scales).first(15)};
  EXPECT_EQ(message(), "up_proj: 'weight_scale_inv' is too small for 4 numbers");
  tensor.planes = {bytes_of(scales)};
  EXPECT_TRUE(decode_rows(tensor, 0, 200, values));
}

}  // namespace
}  // namespace trireme

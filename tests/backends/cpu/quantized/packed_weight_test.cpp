#include "backends/cpu/quantized/packed_weight.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "tests/backends/cpu/quantized/fixture.h"

namespace trireme::cpu::quantized {
namespace {

class PackedWeightTest : public testing::TestWithParam<const Format*> {};
INSTANTIATE_TEST_SUITE_P(Formats, PackedWeightTest, testing::ValuesIn(tested_formats()),
                         [](const auto& drawn) { return drawn.param->name; });

TEST_P(PackedWeightTest, KeepsEveryPublishedValue) {
  const Golden golden = load_golden(*GetParam());
  ASSERT_GT(golden.rows, 0);
  HostWeight weight{{{golden.rows, golden.columns}, GetParam()}, golden.packed};
  const auto packed = pack(weight);
  ASSERT_NE(packed, nullptr);
  std::vector<float> row(size_t(golden.columns));
  for (int64_t n = 0; n < golden.rows; ++n) {
    packed->decode_row(n, row);
    for (size_t k = 0; k < row.size(); ++k)
      ASSERT_EQ(row[k], golden.values[size_t(n * golden.columns) + k]) << "row " << n << ", column " << k;
  }
}

TEST_P(PackedWeightTest, KeepsRowsInPlaceWhateverTheShape) {
  std::mt19937 random(7);
  const int64_t block = GetParam()->block_elements;
  for (const int64_t rows : {1, 15, 16, 17, 83})
    for (const int64_t blocks : {1, 2, 3, 5}) {
      HostWeight weight = draw_weight(*GetParam(), rows, blocks * block, random);
      const auto all = pack(weight);
      std::vector<float> row(size_t(blocks * block)), alone(row.size());
      const auto row_bytes = size_t(weight.desc.format->row_bytes(blocks * block));
      for (int64_t n = 0; n < rows; ++n) {
        const auto* begin = weight.data.data() + size_t(n) * row_bytes;
        const HostWeight single{{{1, blocks * block}, weight.desc.format}, {begin, begin + row_bytes}};
        all->decode_row(n, row);
        pack(single)->decode_row(0, alone);
        ASSERT_EQ(row, alone) << "row " << n << " of " << rows << ", " << blocks << " blocks";
      }
    }
}

// So that a model's file and its packed copy are never in memory together.
TEST_P(PackedWeightTest, ReleasesItsSourcePartByPart) {
  std::mt19937 random(11);
  const HostWeight weight = draw_weight(*GetParam(), 2050, std::lcm(GetParam()->block_elements, 1024), random);
  std::vector<std::span<const std::byte>> parts;
  HostTensor tensor = weight.tensor();
  tensor.release = [&](std::span<const std::byte> part) { parts.push_back(part); };
  WeightArena arena;
  const auto serial = [](int64_t count, FunctionRef<void(int64_t)> body) {
    for (int64_t i = 0; i < count; ++i) body(i);
  };
  ASSERT_TRUE(PackedWeight::pack(tensor, arena, serial));
  EXPECT_GT(parts.size(), 1u);
  const std::byte* next = weight.data.data();
  for (const auto part : parts) {
    EXPECT_EQ(part.data(), next);
    next += part.size();
  }
  EXPECT_EQ(next, weight.data.data() + weight.data.size());
}

TEST_P(PackedWeightTest, RefusesWhatDoesNotFitTheFormat) {
  const Format& format = *GetParam();
  HostWeight weight{{{4, format.block_elements * 2}, &format}, {}};
  weight.data.resize(size_t(weight.desc.bytes()) - 1);
  const auto serial = [](int64_t count, FunctionRef<void(int64_t)> body) {
    for (int64_t i = 0; i < count; ++i) body(i);
  };
  WeightArena arena;
  const auto result = PackedWeight::pack(weight.tensor(), arena, serial);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(can_pack({{4, format.block_elements + 1}, &format}).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(can_pack({{4, 0}, &format}).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(can_pack({{format.block_elements}, &format}).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(can_pack({{int64_t(1) << 40, format.block_elements}, &format}).error().code(), ErrorCode::kUnsupported);
}

TEST(PackedWeight, TakesHardlyMoreBytesThanTheFileWithACodecOfItsOwn) {
  for (const CodecRecord& record : kCodecRecords) {
    if (record.general()) continue;
    const TensorDesc desc{{1024, 2048}, find_format(record.format)};
    EXPECT_LE(double(packed_bytes(desc)), 1.055 * double(desc.bytes())) << record.format;
    EXPECT_GE(packed_bytes(desc), uint64_t(desc.bytes())) << record.format;
  }
}

// Bits of an element in memory, its share of scales included.
TEST(PackedWeight, TakesTheFewestBytesThatHoldTheFormat) {
  const std::map<std::string, double> bits = {{"TQ1_0", 2.25},
                                              {"I2_S", 2.25},
                                              {"Q1_0", 2.25},
                                              {"AUTOBITLINEAR_F32", 2.25},
                                              {"AUTOBITLINEAR_BF16", 2.25},
                                              {"BITLINEAR_F32", 2.25},
                                              {"BITLINEAR_BF16", 2.25},
                                              {"IQ1_S", 5},
                                              {"IQ1_M", 6},
                                              {"IQ2_S", 6},
                                              {"PARETOQ_TERNARY", 2.25},
                                              {"PARETOQ_1BIT", 2.25},
                                              {"IQ2_XXS", 5},
                                              {"IQ2_XS", 6},
                                              {"NVFP4", 6},
                                              {"IQ3_XXS", 5},
                                              {"IQ3_S", 5},
                                              {"PARETOQ_2BIT", 5},
                                              {"MXFP4_PLANES", 5}};
  size_t counted = 0;
  for (const Format* format : builtin_formats()) {
    const auto codec = find_codec(*format);
    EXPECT_EQ(codec.has_value(), has_integer_codes(*format)) << format->name;
    if (!codec || !codec_record(codec->codec).general() || format == &formats::q8_act()) continue;
    ++counted;
    ASSERT_TRUE(bits.contains(format->name)) << format->name;
    EXPECT_EQ(double(packed_bytes({{64, 1024}, format})) * 8 / (64 * 1024), bits.at(format->name)) << format->name;
  }
  EXPECT_GE(counted, bits.size());
}

// A copy is another format, whatever it is called: its record alone says what it holds.
TEST(PackedWeight, TrustsNoFormatByItsName) {
  const Format copy = *find_format("Q4_0");
  EXPECT_TRUE(codec_record(find_codec(copy)->codec).general());
  EXPECT_EQ(find_codec(*find_format("Q4_0"))->codec, Codec::kQ4_0);
}

TEST(PackedWeight, NamesAFormatWithoutAKernel) {
  const auto status = can_pack({{4, 64}, &formats::f16()});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().what(), "F16");
}

}  // namespace
}  // namespace trireme::cpu::quantized

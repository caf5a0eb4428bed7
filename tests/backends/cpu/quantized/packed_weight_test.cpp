#include "backends/cpu/quantized/packed_weight.h"

#include <gtest/gtest.h>

#include "tests/backends/cpu/quantized/fixture.h"

namespace trireme::cpu::quantized {
namespace {

class PackedWeightTest : public testing::TestWithParam<Codec> {};
INSTANTIATE_TEST_SUITE_P(Codecs, PackedWeightTest, testing::ValuesIn(all_codecs()),
                         [](const auto& drawn) { return codec_name(drawn.param); });

TEST_P(PackedWeightTest, KeepsEveryPublishedValue) {
  const Golden golden = load_golden(codec_name(GetParam()));
  ASSERT_GT(golden.rows, 0);
  HostWeight weight{{{golden.rows, golden.columns}, &format_of(GetParam())}, golden.packed};
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
  const int64_t block = format_of(GetParam()).block_elements;
  for (const int64_t rows : {1, 15, 16, 17, 83})
    for (const int64_t blocks : {1, 2, 3, 5}) {
      HostWeight weight = draw_weight(GetParam(), rows, blocks * block, random);
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

TEST_P(PackedWeightTest, TakesHardlyMoreBytesThanTheFile) {
  const TensorDesc desc{{1024, 2048}, &format_of(GetParam())};
  EXPECT_LE(double(packed_bytes(desc)), 1.055 * double(desc.bytes()));
  EXPECT_GE(packed_bytes(desc), uint64_t(desc.bytes()));
}

// So that a model's file and its packed copy are never in memory together.
TEST_P(PackedWeightTest, ReleasesItsSourcePartByPart) {
  std::mt19937 random(11);
  const HostWeight weight = draw_weight(GetParam(), 2050, 1024, random);
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
  const Format& format = format_of(GetParam());
  HostWeight weight{{{4, format.block_elements * 2}, &format},
                    std::vector<std::byte>(size_t(format.block_bytes * 8) - 1)};
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

TEST(PackedWeight, NamesAFormatWithoutAKernel) {
  const auto status = can_pack({{4, 64}, &formats::f16()});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().what(), "F16");
}

}  // namespace
}  // namespace trireme::cpu::quantized

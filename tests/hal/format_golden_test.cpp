// Every GGUF format decodes to the very bits of the official implementation.
#include <algorithm>
#include <bit>
#include <filesystem>

#include "hal/format_decoder.h"
#include "tests/hal/tensor_file.h"

namespace trireme {
namespace {

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(TRIREME_TEST_DATA "/formats"))
    names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

void expect_same_bits(std::span<const float> values, std::span<const float> expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(values[i]), std::bit_cast<uint32_t>(expected[i]))
        << "element " << i << ": " << values[i] << " instead of " << expected[i];
}

struct Golden {
  explicit Golden(const std::string& name)
      : file("formats/" + name + ".safetensors"),
        packed(file.read("packed")),
        expected(file.read<float>("values")),
        rows(file.shape("values")[0]),
        columns(file.shape("values")[1]) {
    const auto& metadata = file.header().at("__metadata__");
    format = find_gguf_format(uint32_t(std::stoul(metadata.at("type_id").get<std::string>())));
    if (!format) throw std::runtime_error(name + " is not known");
    block_elements = std::stol(metadata.at("block").get<std::string>());
    block_bytes = std::stol(metadata.at("bytes").get<std::string>());
    tensor.desc = {Shape{rows, columns}, format};
    tensor.data = packed;
    tensor.name = name;
  }
  TensorFile file;
  std::vector<std::byte> packed;
  std::vector<float> expected;
  int64_t rows;
  int64_t columns;
  int64_t block_elements;
  int64_t block_bytes;
  const Format* format = nullptr;
  HostTensor tensor;
};

class FormatGolden : public testing::TestWithParam<std::string> {};

TEST(FormatGoldenFiles, AreAllThere) { EXPECT_EQ(golden_names().size(), 26u); }

TEST_P(FormatGolden, NameAndGeometryMatch) {
  const Golden golden(GetParam());
  EXPECT_EQ(golden.format->name, GetParam());
  EXPECT_EQ(find_format(GetParam()), golden.format);
  EXPECT_EQ(golden.format->block_elements, golden.block_elements);
  EXPECT_EQ(golden.format->block_bytes, golden.block_bytes);
  EXPECT_EQ(golden.format->tensor_bytes(golden.rows, golden.columns), int64_t(golden.packed.size()));
}

TEST_P(FormatGolden, TensorDecodesBitExactly) {
  const Golden golden(GetParam());
  std::vector<float> values(golden.expected.size());
  const Status status = decode_rows(golden.tensor, 0, golden.rows, values);
  ASSERT_TRUE(status) << status.error().message();
  expect_same_bits(values, golden.expected);
}

TEST_P(FormatGolden, RowsDecodeAlone) {
  const Golden golden(GetParam());
  std::vector<float> row(size_t(golden.columns));
  for (int64_t r = golden.rows - 1; r >= 0; --r) {
    const std::span expected = std::span(golden.expected).subspan(size_t(r * golden.columns), row.size());
    ASSERT_TRUE(decode_rows(golden.tensor, r, 1, row));
    expect_same_bits(row, expected);
    const size_t bytes = size_t(golden.format->row_bytes(golden.columns));
    const Status alone = decode_row(*golden.format, std::span(golden.packed).subspan(size_t(r) * bytes, bytes), row);
    ASSERT_EQ(alone.has_value(), golden.format->rows_stand_alone());
    if (alone) expect_same_bits(row, expected);
  }
}

// A row of every whole number of blocks, so that the last span of a row is cut anywhere.
TEST_P(FormatGolden, ShortRowsAreTheBeginningsOfLongOnes) {
  const Golden golden(GetParam());
  if (!golden.format->rows_stand_alone()) return;  // I2_S: its rows need the tensor's scale
  const int64_t step = std::max<int64_t>(golden.block_elements, 32);
  for (int64_t columns = step; columns <= golden.columns; columns += step) {
    std::vector<float> values(static_cast<size_t>(columns));
    const size_t bytes = size_t(golden.format->row_bytes(columns));
    ASSERT_TRUE(decode_row(*golden.format, std::span(golden.packed).first(bytes), values));
    expect_same_bits(values, std::span(golden.expected).first(values.size()));
  }
}

// scale * code + minimum gives the decoded values back, with codes inside the promised bounds.
TEST_P(FormatGolden, IntegersAgreeWithValues) {
  const Golden golden(GetParam());
  const auto integer = integer_codes(*golden.format);
  if (!integer) {
    EXPECT_TRUE(golden.format->plain) << "every packed GGUF format has integer codes";
    return;
  }
  const size_t elements = golden.expected.size();
  const size_t groups = elements / size_t(integer->group);
  std::vector<int8_t> codes(elements);
  std::vector<float> scales(groups);
  std::vector<float> minima(groups);
  const Status status = decode_integer_rows(golden.tensor, 0, golden.rows, codes, scales, minima);
  ASSERT_TRUE(status) << status.error().message();
  std::vector<float> values(elements);
  for (size_t i = 0; i < elements; ++i) {
    ASSERT_GE(codes[i], integer->lowest);
    ASSERT_LE(codes[i], integer->highest);
    const size_t group = i / size_t(integer->group);
    values[i] = scales[group] * float(codes[i]);
    if (integer->has_minimum) values[i] += minima[group];
  }
  expect_same_bits(values, golden.expected);
}

// An f16 times a whole number gives the scales and minima back, to the sign of zero.
TEST_P(FormatGolden, FactorsInTwoLevelsAreTheFactors) {
  const Golden golden(GetParam());
  const auto integer = integer_codes(*golden.format);
  const bool expected = GetParam().ends_with("_K") || GetParam() == "IQ4_XS";
  EXPECT_EQ(integer && factor_levels(*golden.format, Factor::kScale), expected);
  if (!expected) return;
  const size_t elements = golden.expected.size(), groups = elements / size_t(integer->group);
  std::vector<int8_t> codes(elements);
  std::vector<float> scales(groups), minima(groups);
  ASSERT_TRUE(decode_integer_rows(golden.tensor, 0, golden.rows, codes, scales, minima));
  for (const Factor factor : {Factor::kScale, Factor::kMinimum}) {
    const auto levels = factor_levels(*golden.format, factor);
    EXPECT_EQ(levels.has_value(), factor == Factor::kScale || integer->has_minimum);
    if (!levels) continue;
    std::vector<uint16_t> halves(elements / size_t(levels->columns));
    std::vector<uint8_t> wholes(groups);
    ASSERT_TRUE(decode_factor_levels(golden.tensor, 0, golden.rows, factor, halves, wholes));
    std::vector<float> products;
    for (size_t i = 0; i < groups; ++i) {
      const float whole = float(wholes[i]) + float(levels->lowest);
      products.push_back(f16_to_f32(halves[i * size_t(integer->group) / size_t(levels->columns)]) *
                         (levels->negative ? -whole : whole));
    }
    expect_same_bits(products, factor == Factor::kScale ? scales : minima);
    EXPECT_FALSE(decode_factor_levels(golden.tensor, 0, golden.rows, factor, halves, std::span(wholes).first(1)));
  }
}

INSTANTIATE_TEST_SUITE_P(All, FormatGolden, testing::ValuesIn(golden_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace trireme

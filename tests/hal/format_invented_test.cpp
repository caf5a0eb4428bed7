// Formats that a user invents at run time, and the rules that a record must keep.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <random>

#include "hal/format_decoder.h"

namespace trireme {
namespace {

BitField field(int width, int64_t bit_offset, std::vector<Digit> digits, int shift = 0) {
  BitField result;
  result.width = width;
  result.bit_offset = bit_offset;
  result.digits = std::move(digits);
  result.shift = shift;
  return result;
}

Number number(NumberType type, Place place, int64_t rows, int64_t columns, BitField part) {
  Number result;
  result.type = type;
  result.place = place;
  result.group_rows = rows;
  result.group_columns = columns;
  result.fields = {std::move(part)};
  return result;
}

void write_bits(std::vector<std::byte>& bytes, int64_t address, int width, uint32_t value) {
  for (int i = 0; i < width; ++i, ++address)
    if ((value >> i) & 1u) bytes[size_t(address / 8)] |= std::byte(1u << (address % 8));
}

// Four-bit codes with a row head of one bf16 scale, groups of 16 with a 3-bit shift, and sections.
Format invented() {
  Format format;
  format.name = "INVENTED";
  format.block_elements = 48;
  format.block_bytes = 26;
  format.sections = {2, 24};
  format.row_head_bytes = 2;
  format.codes.fields = {field(4, 0, {{1, 0, 4}})};
  format.codes.section = 1;
  format.scale = {number(NumberType::kBF16, Place::kRowHead, 1, 0, field(16, 0, {}))};
  format.zero = number(NumberType::kUnsigned, Place::kBlock, 1, 16, field(3, 1, {{1, 0, 3}}));
  return format;
}

TEST(InventedFormat, DecodesFromItsRecordAlone) {
  const Format format = invented();
  ASSERT_TRUE(verify(format));
  std::mt19937 random(1);
  const size_t columns = 48 * 11;
  std::vector<std::byte> row(size_t(format.row_bytes(int64_t(columns))));
  const uint16_t scale = f32_to_bf16(-0.375f);
  std::memcpy(row.data(), &scale, 2);
  std::vector<float> expected(columns);
  std::vector<uint32_t> zeros(columns / 16);
  for (size_t group = 0; group < zeros.size(); ++group) {
    zeros[group] = random() % 8;
    write_bits(row, int64_t(16 + group / 3 * 16 + 1 + group % 3 * 3), 3, zeros[group]);
  }
  for (size_t i = 0; i < columns; ++i) {
    const uint32_t code = random() % 16;
    write_bits(row, int64_t(16 + 11 * 16 + i * 4), 4, code);
    expected[i] = -0.375f * (float(code) - float(zeros[i / 16]));
  }
  std::vector<float> values(columns);
  const Status status = decode_row(format, row, values);
  ASSERT_TRUE(status) << status.error().message();
  EXPECT_EQ(values, expected);
  ASSERT_TRUE(integer_codes(format));
  EXPECT_EQ(integer_codes(format)->lowest, -7);
  EXPECT_EQ(integer_codes(format)->highest, 15);
}

// Groups of 32, in blocks of 48 that are decoded five at a time.
TEST(InventedFormat, HasAScaleForGroupsThatCrossWhatIsDecodedTogether) {
  const Format format = invented();
  const size_t columns = 48 * 12;
  std::mt19937 random(3);
  std::vector<std::byte> row(size_t(format.row_bytes(int64_t(columns))));
  for (std::byte& byte : row) byte = std::byte(random());
  const uint16_t scale = f32_to_bf16(-0.375f);
  std::memcpy(row.data(), &scale, 2);
  std::vector<float> values(columns), scales(columns / 32);
  std::vector<int8_t> codes(columns);
  ASSERT_TRUE(decode_row(format, row, values));
  HostTensor tensor;
  tensor.desc = {Shape{1, int64_t(columns)}, &format};
  tensor.data = row;
  const Status status = decode_integer_rows(tensor, 0, 1, codes, scales, {});
  ASSERT_TRUE(status) << status.error().message();
  for (size_t i = 0; i < columns; ++i) EXPECT_EQ(float(codes[i]) * scales[i / 32], values[i]) << i;
}

// Group quantisation of published checkpoints: zero points packed in their own tensor, scales column group by column
// group, four-bit floats from a table.
TEST(InventedFormat, ReadsScalesAndZeroPointsOfOtherTensors) {
  Format format;
  format.name = "GROUPED";
  format.block_elements = 8;
  format.block_bytes = 4;
  format.planes = {"scales", "zeros"};
  format.codes.fields = {field(4, 0, {{1, 0, 4}})};
  for (int i = 0; i < 16; ++i) format.codes.table.push_back(float(i * i) / 8);
  format.scale = {number(NumberType::kF32, Place::kPlane, 1, 64, field(32, 0, {{1, 0, 32}}))};
  format.scale[0].columns_outermost = true;
  format.zero = number(NumberType::kUnsigned, Place::kPlane, 2, 64, field(4, 0, {{1, 0, 4}}));
  format.zero->index = 1;
  ASSERT_TRUE(verify(format)) << verify(format).error().message();
  EXPECT_FALSE(has_integer_codes(format)) << "its table has fractions";
  EXPECT_FALSE(format.rows_stand_alone());

  const int64_t rows = 6;
  const int64_t columns = 200;  // the last group is cut
  std::mt19937 random(2);
  std::vector<std::byte> data(size_t(rows * columns / 2));
  std::vector<float> scales(size_t(4 * rows));
  std::vector<std::byte> zeros(6);
  for (auto& byte : data) byte = std::byte(random());
  for (auto& byte : zeros) byte = std::byte(random());
  std::iota(scales.begin(), scales.end(), 1.0f);
  HostTensor tensor;
  tensor.desc = {Shape{rows, columns}, &format};
  tensor.data = data;
  tensor.planes = {std::as_bytes(std::span(scales)), zeros};
  std::vector<float> values(size_t(rows * columns));
  const Status status = decode_rows(tensor, 0, rows, values);
  ASSERT_TRUE(status) << status.error().message();
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      const auto nibble = [](const std::vector<std::byte>& bytes, int64_t i) {
        return int(bytes[size_t(i / 2)] >> (i % 2 * 4)) & 15;
      };
      const int code = nibble(data, row * columns + column);
      const int zero = nibble(zeros, row / 2 * 4 + column / 64);
      ASSERT_EQ(values[size_t(row * columns + column)],
                (float(code * code) / 8 - float(zero)) * scales[size_t(column / 64 * rows + row)])
          << row << ", " << column;
    }
}

// A random permutation of a block's bits: codes of any width, split over two fields, at any mixed-radix address.
TEST(InventedFormat, EveryAffineLayoutIsFollowed) {
  std::mt19937 random(3);
  for (int trial = 0; trial < 300; ++trial) {
    const int low = 1 + int(random() % 12);
    const int high = int(random() % 6);
    const int64_t inner = 1 + int64_t(random() % 20);
    const int64_t outer = 1 + int64_t(random() % 20);
    const bool outer_first = random() % 2;
    const int64_t gap = int64_t(random() % 3);
    const auto address = [&](int width) {
      const int64_t cell = width + gap;
      return std::vector<Digit>{{inner, 0, outer_first ? cell : inner * cell},
                                {1, inner, outer_first ? outer * cell : cell}};
    };
    const int64_t elements = inner * outer;
    const int64_t high_at = 5 + elements * (low + gap);
    Format format;
    format.name = "RANDOM";
    format.block_elements = elements;
    format.block_bytes = (high_at + elements * (high + gap) + 7) / 8;
    format.codes.fields = {field(low, 5, address(low))};
    if (high > 0) format.codes.fields.push_back(field(high, high_at, address(high), low));
    format.codes.offset = int(random() % 9) - 4;
    ASSERT_TRUE(verify(format)) << verify(format).error().message();

    const int64_t blocks = 1 + int64_t(random() % 5);
    std::vector<std::byte> row(size_t(format.row_bytes(blocks * elements)));
    std::vector<float> expected;
    for (int64_t block = 0; block < blocks; ++block)
      for (int64_t e = 0; e < elements; ++e) {
        const uint32_t code = uint32_t(random()) & ((1u << (low + high)) - 1);
        const int64_t cell = outer_first ? e / inner + e % inner * outer : e;
        const int64_t base = block * format.block_bytes * 8;
        write_bits(row, base + 5 + cell * (low + gap), low, code & ((1u << low) - 1));
        if (high > 0) write_bits(row, base + high_at + cell * (high + gap), high, code >> low);
        expected.push_back(float(int(code) + format.codes.offset));
      }
    std::vector<float> values(expected.size());
    ASSERT_TRUE(decode_row(format, row, values));
    ASSERT_EQ(values, expected) << "trial " << trial;
  }
}

TEST(Format, ActivationRowsDecode) {
  const Format& format = formats::q8_act();
  EXPECT_EQ(format.row_bytes(96), 96 + 3 * 4 + 3 * 4);
  std::vector<std::byte> row(size_t(format.row_bytes(96)));
  const std::vector<float> scales = {0.5f, 0.0f, 3.0f};
  for (int i = 0; i < 96; ++i) row[size_t(i)] = std::byte(i - 50);
  std::memcpy(row.data() + 96, scales.data(), 12);
  std::vector<float> values(96);
  ASSERT_TRUE(decode_row(format, row, values));
  for (int i = 0; i < 96; ++i) EXPECT_EQ(values[size_t(i)], float(i - 50) * scales[size_t(i / 32)]);
}

TEST(Format, PlainIntegersHaveNoFloatValues) {
  std::vector<std::byte> row(12);
  std::vector<float> values(3);
  EXPECT_EQ(decode_row(formats::i32(), row, values).error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(decode_row(formats::f32(), row, values));
}

TEST(Format, SizesMustMatch) {
  std::vector<std::byte> row(36);
  std::vector<float> values(64);
  const Format& format = *find_format("Q4_0");
  EXPECT_TRUE(decode_row(format, row, values));
  EXPECT_EQ(decode_row(format, std::span(row).first(35), values).error().message(),
            "row: its 35 bytes do not match Q4_0[1, 64]");
  EXPECT_EQ(decode_row(format, row, std::span(values).first(63)).error().code(), ErrorCode::kInvalidArgument);
  HostTensor tensor;
  tensor.desc = {Shape{1, 64}, &format};
  tensor.data = row;
  EXPECT_TRUE(decode_rows(tensor, 0, 1, values));
  EXPECT_FALSE(decode_rows(tensor, 1, 1, values));
  EXPECT_FALSE(decode_rows(tensor, -1, 1, values));
  EXPECT_FALSE(decode_rows(tensor, 0, 1, std::span(values).first(32)));
  EXPECT_TRUE(decode_rows(tensor, 1, 0, {}));
  std::vector<int8_t> codes(64);
  std::vector<float> scales(2);
  EXPECT_TRUE(decode_integer_rows(tensor, 0, 1, codes, scales, {}));
  EXPECT_FALSE(decode_integer_rows(tensor, 0, 1, codes, std::span(scales).first(1), {}));
  EXPECT_FALSE(decode_integer_rows(tensor, 0, 1, std::span(codes).first(32), scales, {}));
  tensor.desc.format = nullptr;
  EXPECT_EQ(decode_rows(tensor, 0, 1, values).error().code(), ErrorCode::kInvalidArgument);
}

TEST(Format, BuiltInRecordsVerifyAndAreDistinct) {
  const auto all = builtin_formats();
  for (size_t i = 0; i < all.size(); ++i) {
    const Status status = verify(*all[i]);
    EXPECT_TRUE(status) << status.error().message();
    EXPECT_EQ(find_format(all[i]->name), all[i]);
    if (all[i]->gguf_type) {
      EXPECT_EQ(find_gguf_format(*all[i]->gguf_type), all[i]);
    }
  }
  EXPECT_EQ(find_format("Q4_k"), nullptr);
  EXPECT_EQ(find_gguf_format(9999), nullptr);
}

TEST(Format, IntegerKernelsLearnGroupsAndBounds) {
  const auto expect = [](const char* name, int64_t group, bool minimum, int lowest, int highest) {
    const auto integer = integer_codes(*find_format(name));
    ASSERT_TRUE(integer) << name;
    EXPECT_EQ(integer->group, group) << name;
    EXPECT_EQ(integer->has_minimum, minimum) << name;
    EXPECT_EQ(integer->lowest, lowest) << name;
    EXPECT_EQ(integer->highest, highest) << name;
  };
  expect("Q4_0", 32, false, -8, 7);
  expect("Q4_1", 32, true, 0, 15);
  expect("Q5_0", 32, false, -16, 15);
  expect("Q8_0", 32, false, -128, 127);
  expect("Q2_K", 16, true, 0, 3);
  expect("Q3_K", 16, false, -4, 3);
  expect("Q4_K", 32, true, 0, 15);
  expect("Q5_K", 32, true, 0, 31);
  expect("Q6_K", 16, false, -32, 31);
  expect("IQ4_NL", 32, false, -127, 113);
  expect("MXFP4", 32, false, -12, 12);
  expect("NVFP4", 16, false, -12, 12);
  expect("TQ1_0", 32, false, -1, 1);
  expect("I2_S", 32, false, -1, 2);
  expect("IQ2_XS", 16, false, -43, 43);
  expect("IQ1_M", 16, false, -9, 9);
  expect("AUTOBITLINEAR_F32", 32, false, -1, 2);
  for (const char* name : {"F32", "F16", "BF16", "I32", "I8", "F8_E4M3", "F8_E4M3_B128"})
    EXPECT_FALSE(has_integer_codes(*find_format(name))) << name;
}

// Of the eight bits of such a scale the first is ignored, but the two that OCP calls "not a number" are told apart.
TEST(Nvfp4, DecodesEveryScale) {
  const FormatDecoder decoder = *find_decoder(*find_format("NVFP4"));
  for (int bits = 0; bits < 256; ++bits) {
    std::vector<std::byte> block(36, std::byte{0x11});  // codes of 1
    for (int i = 0; i < 4; ++i) block[size_t(i)] = std::byte(bits);
    std::vector<float> values(64);
    ASSERT_TRUE(decoder.decode_row(block, values));
    const int exponent = (bits >> 3) & 15;
    const float mantissa = float(bits & 7) / 8;
    float scale = exponent == 0 ? std::ldexp(mantissa, -6) : std::ldexp(1 + mantissa, exponent - 7);
    if (bits == 0x7f) scale = 0;
    EXPECT_THAT(values, ::testing::Each(scale / 2)) << bits;
  }
}

struct Break {
  const char* why;  // the end of the error
  std::function<void(Format&)> change;
};

TEST(VerifyFormat, NamesWhatIsWrong) {
  const std::vector<Break> breaks = {
      {"a block must have 1 to 1024 elements", [](Format& f) { f.block_elements = 0; }},
      {"a block must have 1 to 1024 elements", [](Format& f) { f.block_elements = 1025; }},
      {"a block must have 1 to 1024 elements", [](Format& f) { f.block_rows = 1024; }},
      {"the bytes of a block, row head or tensor tail are out of range", [](Format& f) { f.block_bytes = 0; }},
      {"the bytes of a block, row head or tensor tail are out of range", [](Format& f) { f.row_head_bytes = -1; }},
      {"the bytes of a block, row head or tensor tail are out of range",
       [](Format& f) { f.tensor_tail_bytes = 1 << 21; }},
      {"a section's bytes are out of range",
       [](Format& f) {
         f.sections = {26, 0};
       }},
      {"the sections do not add up to a block",
       [](Format& f) {
         f.sections = {2, 23};
       }},
      {"it has too many planes", [](Format& f) { f.planes.assign(9, "p"); }},
      {"its codes are in a section that does not exist", [](Format& f) { f.codes.section = 2; }},
      {"a block is not a whole number of code vectors", [](Format& f) { f.codes.vector = 5; }},
      {"code vectors need a table", [](Format& f) { f.codes.vector = 2; }},
      {"its table has 15 values, not 16", [](Format& f) { f.codes.table.assign(15, 0.0f); }},
      {"a table needs unsigned codes of at most 16 bits",
       [](Format& f) { f.codes.table.assign(16, 0.0f), f.codes.type = NumberType::kSigned; }},
      {"the codes' multiplier or offset is out of range", [](Format& f) { f.codes.multiplier = 1 << 25; }},
      {"its code has no fields, or too many", [](Format& f) { f.codes.fields.clear(); }},
      {"its code reads outside of its bytes", [](Format& f) { f.codes.fields[0].bit_offset = 1; }},
      {"its code reads outside of its bytes", [](Format& f) { f.codes.fields[0].digits[0].bit_stride = -4; }},
      {"its code has a field that is not within 32 bits", [](Format& f) { f.codes.fields[0].shift = 29; }},
      {"its code has a field with a bad offset or too many digits",
       [](Format& f) { f.codes.fields[0].bit_offset = -1; }},
      {"its code has a digit out of range", [](Format& f) { f.codes.fields[0].digits[0].divisor = 0; }},
      {"its code has a field for entries that do not exist", [](Format& f) { f.codes.fields[0].first = 49; }},
      {"its code has base digits that are not in whole bytes",
       [](Format& f) {
         f.codes.fields[0].radix = {3, 1, 5};
       }},
      {"its code has the wrong number of bits for its type", [](Format& f) { f.codes.type = NumberType::kF16; }},
      {"a block is not a whole number of sign groups", [](Format& f) { f.signs.group = 5; }},
      {"its signs have the wrong number of bits",
       [](Format& f) {
         f.signs = {8, true, {field(8, 0, {})}};
       }},
      {"its scale has too many factors", [](Format& f) { f.scale.resize(9, f.scale[0]); }},
      {"its scale has a bad group", [](Format& f) { f.scale[0].group_columns = -1; }},
      {"its scale lies in a row but is shared by several", [](Format& f) { f.scale[0].group_rows = 0; }},
      {"its scale is in a row head that has no bytes", [](Format& f) { f.row_head_bytes = 0; }},
      {"its scale is in a tensor tail that has no bytes", [](Format& f) { f.scale[0].place = Place::kTensorTail; }},
      {"its scale is in a plane that does not exist", [](Format& f) { f.scale[0].place = Place::kPlane; }},
      {"its minimum reads outside of its bytes",
       [](Format& f) { f.minimum = {*f.zero}, f.minimum[0].fields[0].bit_offset = 8; }},
      {"its zero point is in a section that does not exist", [](Format& f) { f.zero->index = 2; }},
      {"its zero point has groups that do not divide a block", [](Format& f) { f.zero->group_columns = 32; }},
  };
  for (const Break& one : breaks) {
    Format format = invented();
    ASSERT_TRUE(verify(format));
    one.change(format);
    const Status status = verify(format);
    ASSERT_FALSE(status) << one.why;
    EXPECT_EQ(status.error().message(), std::string("format INVENTED: ") + one.why);
    std::vector<std::byte> row(1000);
    std::vector<float> values(48);
    EXPECT_FALSE(decode_row(format, row, values)) << one.why;
  }
}

// Hostile records: whatever verifies reads only its own bytes, so bytes around them never show in the values.
TEST(VerifyFormat, WhatPassesReadsOnlyItsOwnBytes) {
  std::mt19937_64 random(4);
  const auto odd_number = [&]() -> int64_t {
    const int64_t small = int64_t(random() % 40);
    switch (random() % 8) {
      case 0: return -small;
      case 1: return int64_t(1) << (random() % 63);
      default: return small;
    }
  };
  const auto mutate_field = [&](BitField& part) {
    switch (random() % 6) {
      case 0: part.width = int(odd_number()); break;
      case 1: part.bit_offset = odd_number(); break;
      case 2: part.first = odd_number(); break;
      case 3: part.count = odd_number(); break;
      case 4: part.radix = {int(random() % 5), odd_number(), odd_number()}; break;
      default:
        part.digits.resize(random() % 4);
        for (Digit& digit : part.digits) digit = {odd_number(), odd_number(), odd_number()};
    }
  };
  const auto mutate_number = [&](Number& one) {
    switch (random() % 5) {
      case 0: one.place = Place(random() % 4); break;
      case 1: one.group_columns = odd_number(); break;
      case 2: one.group_rows = odd_number(); break;
      case 3: one.type = NumberType(random() % 8); break;
      default:
        if (!one.fields.empty()) mutate_field(one.fields[random() % one.fields.size()]);
    }
  };
  const auto mutate = [&](Format& format) {
    switch (random() % 9) {
      case 0: format.block_elements = odd_number(); break;
      case 1: format.block_bytes = odd_number() % 4096; break;
      case 2: format.sections = {odd_number(), odd_number()}; break;
      case 3: format.block_rows = odd_number(); break;
      case 4: format.signs = {odd_number(), random() % 2 == 0, format.codes.fields}; break;
      case 5: format.planes = {"plane"}; break;
      case 6:
        if (!format.codes.fields.empty()) mutate_field(format.codes.fields[random() % format.codes.fields.size()]);
        break;
      default:
        if (!format.scale.empty()) mutate_number(format.scale[random() % format.scale.size()]);
    }
  };

  const auto all = builtin_formats();
  int passed = 0;
  for (int trial = 0; trial < 6000; ++trial) {
    Format format = trial % 4 == 0 ? invented() : *all[random() % all.size()];
    format.plain.reset();
    for (uint64_t i = 0; i <= random() % 3; ++i) mutate(format);
    if (!verify(format)) continue;
    const int64_t rows = format.block_rows * int64_t(1 + random() % 2);
    const int64_t columns = format.block_elements * int64_t(1 + random() % 4);
    const size_t bytes = size_t(format.tensor_bytes(rows, columns));
    const size_t plane_bytes = random() % 64;
    std::vector<float> results[2];
    for (const int around : {0, 1}) {
      std::vector<std::byte> memory(bytes + 4096, around ? std::byte{0xff} : std::byte{0});
      std::vector<std::byte> plane(plane_bytes + 4096, around ? std::byte{0xff} : std::byte{0});
      for (size_t i = 0; i < bytes; ++i) memory[2048 + i] = std::byte(i * 37);
      for (size_t i = 0; i < plane_bytes; ++i) plane[2048 + i] = std::byte(i * 73);
      HostTensor tensor;
      tensor.desc = {Shape{rows, columns}, &format};
      tensor.data = std::span(memory).subspan(2048, bytes);
      tensor.planes.assign(format.planes.size(), std::span(plane).subspan(2048, plane_bytes));
      results[around].resize(size_t(rows * columns));
      if (!decode_rows(tensor, 0, rows, results[around])) results[around].clear();
    }
    if (!results[0].empty()) ++passed;
    ASSERT_EQ(results[0].size(), results[1].size());
    ASSERT_EQ(std::memcmp(results[0].data(), results[1].data(), results[0].size() * sizeof(float)), 0)
        << "trial " << trial;
  }
  EXPECT_GT(passed, 500);
}

}  // namespace
}  // namespace trireme

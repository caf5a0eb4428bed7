#include "hal/format_records.h"

namespace trireme {
namespace {

NumberType number_type(DType dtype) {
  switch (dtype) {
    case DType::kF32: return NumberType::kF32;
    case DType::kF16: return NumberType::kF16;
    case DType::kBF16: return NumberType::kBF16;
    case DType::kF8E4M3: return NumberType::kF8E4M3;
    case DType::kI32:
    case DType::kI16:
    case DType::kI8: return NumberType::kSigned;
    case DType::kU8: break;
  }
  return NumberType::kUnsigned;
}

// Doubled e2m1, and the levels of IQ4_NL. Sources: OCP Microscaling Formats v1.0; github.com/ggml-org/ggml.
const std::vector<float> kDoubledE2M1 = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
const std::vector<float> kIq4Levels = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

Codes codes(std::vector<BitField> fields, int offset = 0) {
  Codes result;
  result.fields = std::move(fields);
  result.offset = offset;
  return result;
}
Codes signed_codes(BitField field) {
  Codes result = codes({std::move(field)});
  result.type = NumberType::kSigned;
  return result;
}
Codes table_codes(std::vector<BitField> fields, std::vector<float> table) {
  Codes result = codes(std::move(fields));
  result.table = std::move(table);
  return result;
}

// Low nibbles hold the first half of every `group` elements, high nibbles the second.
BitField nibbles(int64_t byte_offset, int64_t group) {
  const int64_t half = group / 2;
  return bits(4, byte_offset * 8, {{group, 0, half * 8}, {half, 2, 4}, {1, half, 8}});
}
// Four two-bit planes over every 32 bytes.
BitField pairs(int64_t byte_offset, int shift = 0) {
  return bits(2, byte_offset * 8, {{128, 0, 256}, {32, 4, 2}, {1, 32, 8}}, shift);
}
// Eight one-bit planes over 32 bytes.
BitField single_bits(int64_t byte_offset, int shift) {
  return bits(1, byte_offset * 8, {{32, 8, 1}, {1, 32, 8}}, shift);
}

// The 6-bit scales and minima of Q4_K and Q5_K in 12 bytes from byte 4: the low four bits of the last four numbers
// follow those of the first four, their high two bits fill the first eight bytes.
Number packed_scale() {
  return block_number(NumberType::kUnsigned, 32,
                      {bits(4, 32, {{4, 2, 64}, {1, 4, 8}}), bits(2, 36, {{4, 2, 2}, {1, 4, 8}}, 4)});
}
Number packed_minimum() {
  return block_number(NumberType::kUnsigned, 32,
                      {bits(4, 64, {{4, 2, 36}, {1, 4, 8}}), bits(2, 68, {{4, 2, 2}, {1, 4, 8}}, 4)}, -1.0f);
}

Format ternary_digits() {
  BitField first = bits(8, 0, {{1, 32, 8}});
  first.count = 160;
  first.radix = {3, 32, 5};
  BitField second = bits(8, 256, {{1, 16, 8}});
  second.first = 160;
  second.count = 80;
  second.radix = {3, 16, 5};
  BitField third = bits(8, 384, {{1, 4, 8}});
  third.first = 240;
  third.count = 16;
  third.radix = {3, 4, 4};
  return block_format("TQ1_0", 34, 256, 54, codes({first, second, third}, -1), {block_f16(52)});
}

// 128 codes in 32 bytes, the first 32 elements highest; one scale after the whole tensor.
// Source: github.com/microsoft/BitNet, the x86 layout.
Format i2_s() {
  Number scale = block_number(NumberType::kF32, 0, {bits(32, 0, {})});
  scale.place = Place::kTensorTail;
  scale.group_rows = 0;
  Format format = block_format("I2_S", 36, 128, 32, codes({bits(2, 6, {{32, 4, -2}, {1, 32, 8}})}, -1), {scale});
  format.tensor_tail_bytes = 32;
  return format;
}

}  // namespace

BitField bits(int width, int64_t bit_offset, std::vector<Digit> digits, int shift) {
  BitField field;
  field.width = width;
  field.bit_offset = bit_offset;
  field.digits = std::move(digits);
  field.shift = shift;
  return field;
}

Number block_number(NumberType type, int64_t group, std::vector<BitField> fields, float multiplier, float offset) {
  Number number;
  number.type = type;
  number.group_columns = group;
  number.fields = std::move(fields);
  number.multiplier = multiplier;
  number.offset = offset;
  return number;
}

Number block_f16(int64_t byte_offset) { return block_number(NumberType::kF16, 0, {bits(16, byte_offset * 8, {})}); }

Format block_format(std::string name, uint32_t gguf_type, int64_t elements, int64_t bytes, Codes codes,
                    std::vector<Number> scale, std::vector<Number> minimum) {
  Format format;
  format.name = std::move(name);
  format.gguf_type = gguf_type;
  format.block_elements = elements;
  format.block_bytes = bytes;
  format.codes = std::move(codes);
  format.scale = std::move(scale);
  format.minimum = std::move(minimum);
  return format;
}

Format plain_format(std::string name, std::optional<uint32_t> gguf_type, DType dtype) {
  Format format;
  format.name = std::move(name);
  format.gguf_type = gguf_type;
  format.block_bytes = dtype_size(dtype);
  format.plain = dtype;
  format.codes = codes({bits(8 * dtype_size(dtype), 0, {})});
  format.codes.type = number_type(dtype);
  return format;
}

// Source: the block structures of github.com/ggml-org/ggml, and gguf-py's decoding of them.
std::vector<Format> gguf_block_records() {
  using enum NumberType;
  const Number d = block_f16(0);
  const Number nibble_scale = block_number(kUnsigned, 16, {bits(4, 0, {{1, 0, 8}})});
  const Number nibble_minimum = block_number(kUnsigned, 16, {bits(4, 4, {{1, 0, 8}})}, -1.0f);
  const Number q3_scale = block_number(
      kUnsigned, 16, {bits(4, 768, {{8, 2, 4}, {1, 8, 8}}), bits(2, 832, {{4, 4, 2}, {1, 4, 8}}, 4)}, 1.0f, -32.0f);
  const Number q6_scale = block_number(kSigned, 16, {bits(8, 192 * 8, {{1, 0, 8}})});
  const Number iq4_scale =
      block_number(kUnsigned, 32, {bits(4, 32, {{1, 0, 4}}), bits(2, 16, {{1, 0, 2}}, 4)}, 1.0f, -32.0f);
  const BitField q6_low = bits(4, 0, {{128, 2, 512}, {64, 2, 4}, {1, 64, 8}});
  Codes sign_codes = codes({bits(1, 16, {{1, 0, 1}})}, -1);
  sign_codes.multiplier = 2;

  return {
      block_format("Q4_0", 2, 32, 18, codes({nibbles(2, 32)}, -8), {d}),
      block_format("Q4_1", 3, 32, 20, codes({nibbles(4, 32)}), {d}, {block_f16(2)}),
      block_format("Q5_0", 6, 32, 22, codes({nibbles(6, 32), bits(1, 16, {{1, 0, 1}}, 4)}, -16), {d}),
      block_format("Q5_1", 7, 32, 24, codes({nibbles(8, 32), bits(1, 32, {{1, 0, 1}}, 4)}), {d}, {block_f16(2)}),
      block_format("Q8_0", 8, 32, 34, signed_codes(bits(8, 16, {{1, 0, 8}})), {d}),
      block_format("Q2_K", 10, 256, 84, codes({pairs(16)}), {block_f16(80), nibble_scale},
                   {block_f16(82), nibble_minimum}),
      block_format("Q3_K", 11, 256, 110, codes({pairs(32), single_bits(0, 2)}, -4), {block_f16(108), q3_scale}),
      block_format("Q4_K", 12, 256, 144, codes({nibbles(16, 64)}), {d, packed_scale()},
                   {block_f16(2), packed_minimum()}),
      block_format("Q5_K", 13, 256, 176, codes({nibbles(48, 64), single_bits(16, 4)}), {d, packed_scale()},
                   {block_f16(2), packed_minimum()}),
      block_format("Q6_K", 14, 256, 210, codes({q6_low, pairs(128, 4)}, -32), {block_f16(208), q6_scale}),
      block_format("IQ4_NL", 20, 32, 18, table_codes({nibbles(2, 32)}, kIq4Levels), {d}),
      block_format("IQ4_XS", 23, 256, 136, table_codes({nibbles(8, 32)}, kIq4Levels), {d, iq4_scale}),
      ternary_digits(),
      block_format("TQ2_0", 35, 256, 66, codes({pairs(0)}, -1), {block_f16(64)}),
      i2_s(),
      block_format("MXFP4", 39, 32, 17, table_codes({nibbles(1, 32)}, kDoubledE2M1),
                   {block_number(kE8M0, 0, {bits(8, 0, {})}, 0.5f)}),
      block_format("NVFP4", 40, 64, 36, table_codes({nibbles(4, 16)}, kDoubledE2M1),
                   {block_number(kUE4M3, 16, {bits(8, 0, {{1, 0, 8}})}, 0.5f)}),
      block_format("Q1_0", 41, 128, 18, sign_codes, {d}),
  };
}

std::vector<Format> checkpoint_records() {
  using enum NumberType;
  std::vector<Format> records;
  const auto plane_number = [](NumberType type, int64_t width, int64_t rows, int64_t columns) {
    Number number = block_number(type, columns, {bits(int(width), 0, {{1, 0, width}})});
    number.place = Place::kPlane;
    number.group_rows = rows;
    return number;
  };
  const auto add = [&](std::string name, int64_t elements, int64_t bytes, Codes element_codes, std::string plane,
                       Number scale) -> Format& {
    Format& format = records.emplace_back();
    format.name = std::move(name);
    format.block_elements = elements;
    format.block_bytes = bytes;
    format.codes = std::move(element_codes);
    format.planes = {std::move(plane)};
    format.scale = {std::move(scale)};
    return format;
  };

  // Packed BitNet weights: byte row r holds the output rows r, r + n, r + 2n, r + 3n of n byte rows. The class
  // `autobitlinear` multiplies by the scale, `bitlinear` divides. Source: github.com/huggingface/transformers.
  for (const bool divides : {false, true})
    for (const bool half : {false, true}) {
      Number scale = half ? plane_number(kBF16, 16, 0, 0) : plane_number(kF32, 32, 0, 0);
      scale.reciprocal = divides;
      Format& format = add(std::string(divides ? "BITLINEAR" : "AUTOBITLINEAR") + (half ? "_BF16" : "_F32"), 1, 1,
                           codes({bits(2, 0, {{1, 4, 2}})}, -1), "weight_scale", scale);
      format.block_rows = 4;
      format.rows_strided = true;
    }

  // Source: DeepSeek-V3 (arXiv 2412.19437); the stored "inverse" is multiplied.
  Codes e4m3 = codes({bits(8, 0, {})});
  e4m3.type = kF8E4M3;
  add("F8_E4M3_B128", 1, 1, e4m3, "weight_scale_inv", plane_number(kF32, 32, 128, 128));

  // gpt-oss: the low nibble of a byte is the even element. Source: github.com/openai/gpt-oss.
  add("MXFP4_PLANES", 32, 16, table_codes({bits(4, 0, {{1, 0, 4}})}, kDoubledE2M1), "scales",
      plane_number(kE8M0, 8, 1, 32))
      .scale[0]
      .multiplier = 0.5f;

  // ParetoQ: one alpha a row, and levels of alpha * {-2/3, 0, 2/3}, {-3/4 .. 3/4} or {-1, 1} (arXiv 2502.02631),
  // as integers: lowest code first, packed from the lowest bit of a byte up.
  const auto add_paretoq = [&](std::string name, int width, int multiplier, int offset, float factor) {
    Codes levels = codes({bits(width, 0, {{1, 0, width}})}, offset);
    levels.multiplier = multiplier;
    add(std::move(name), 8 / width, 1, levels, "alpha", plane_number(kF32, 32, 1, 0)).scale[0].multiplier = factor;
  };
  add_paretoq("PARETOQ_TERNARY", 2, 1, -1, 2.0f / 3.0f);
  add_paretoq("PARETOQ_2BIT", 2, 2, -3, 0.25f);
  add_paretoq("PARETOQ_1BIT", 1, 2, -1, 1.0f);
  return records;
}

}  // namespace trireme

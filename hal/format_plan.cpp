#include "hal/format_plan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace trireme {
namespace {

// `numbers[i]` is the entry of its block that the i-th entry of a row's block reads.
BitRuns make_runs(const std::vector<BitField>& fields, const std::vector<int64_t>& numbers, int64_t blocks,
                  int64_t block_bytes) {
  BitRuns runs;
  for (const BitField& field : fields) {
    BitRun run;
    for (int64_t block = 0; block < blocks; ++block) {
      for (size_t i = 0; i < numbers.size(); ++i) {
        const int64_t n = numbers[i] - field.first;
        if (n < 0 || (field.count != 0 && n >= field.count)) continue;
        const int64_t entry = block * int64_t(numbers.size()) + int64_t(i);
        const int64_t address = block * block_bytes * 8 + bit_address(field, n);
        const uint32_t power = radix_power(field, n);
        const bool follows = run.count > 0 && entry == run.first + run.count && power == run.radix_power;
        if (follows && run.count == 1) run.bit_stride = address - run.bit_offset;
        if (follows && address == run.bit_offset + run.count * run.bit_stride) {
          ++run.count;
          continue;
        }
        if (run.count > 0) runs.push_back(run);
        run = {entry, 1, address, 0, field.width, field.shift, uint32_t(field.radix.radix), power};
      }
    }
    if (run.count > 0) runs.push_back(run);
  }
  return runs;
}

// The entries that the `row`-th row of a block reads, where one entry serves `group` elements.
std::vector<int64_t> entries_of_row(const Format& format, int64_t row, int64_t group) {
  const int64_t columns = std::min(group, format.block_elements);
  std::vector<int64_t> entries;
  for (int64_t column = 0; column < format.block_elements; column += columns)
    entries.push_back((row * format.block_elements + column) / group);
  return entries;
}

RowPlan make_row_plan(const DecodePlan& plan, int64_t row) {
  const Format& format = plan.format;
  const int64_t blocks = plan.span / format.block_elements;
  const auto runs = [&](const std::vector<BitField>& fields, int64_t group, int64_t section) {
    return make_runs(fields, entries_of_row(format, row, group), blocks, plan.sections[size_t(section)]);
  };
  const auto number_runs = [&](const Number& number) {
    const int64_t all = format.block_rows * format.block_elements;
    if (number.place != Place::kBlock) return BitRuns{};
    return runs(number.fields, number.group_columns == 0 ? all : number.group_columns, number.index);
  };
  RowPlan result;
  result.codes = runs(format.codes.fields, format.codes.vector, format.codes.section);
  if (format.signs.group != 0) result.signs = runs(format.signs.fields, format.signs.group, format.codes.section);
  for (const Number& number : format.scale) result.scale.push_back(number_runs(number));
  for (const Number& number : format.minimum) result.minimum.push_back(number_runs(number));
  if (format.zero) result.zero = number_runs(*format.zero);
  return result;
}

bool is_small_float(NumberType type) {
  return type == NumberType::kF8E4M3 || type == NumberType::kUE4M3 || type == NumberType::kE8M0;
}

}  // namespace

int64_t bit_address(const BitField& field, int64_t n) {
  int64_t address = field.bit_offset;
  for (const Digit& digit : field.digits) {
    const int64_t quotient = n / digit.divisor;
    address += (digit.modulus == 0 ? quotient : quotient % digit.modulus) * digit.bit_stride;
  }
  return address;
}

uint32_t radix_power(const BitField& field, int64_t n) {
  uint32_t power = 1;
  if (field.radix.radix == 0) return power;
  const int64_t quotient = n / field.radix.divisor;
  for (int64_t digit = field.radix.modulus == 0 ? quotient : quotient % field.radix.modulus; digit > 0; --digit)
    power = power * uint32_t(field.radix.radix) % 256;
  return power;
}

int field_bits(const std::vector<BitField>& fields) {
  int bits = 0;
  for (const BitField& field : fields) {
    int width = field.width;
    if (field.radix.radix != 0)
      for (width = 1; (1 << width) < field.radix.radix;) ++width;
    bits = std::max(bits, field.shift + width);
  }
  return bits;
}

// 0x7f is zero; 0xff, whose bit 7 is ignored only for the rest, is the number that e4m3 leaves out.
float ue4m3_to_f32(uint8_t bits) {
  if (bits == 0x7f) return 0;
  return bits == 0xff ? 480.0f : f8e4m3_to_f32(bits & 0x7f);
}

float float_from_bits(NumberType type, uint32_t bits, int width) {
  switch (type) {
    case NumberType::kUnsigned: return float(bits);
    case NumberType::kSigned: return float(int32_t(bits << (32 - width)) >> (32 - width));
    case NumberType::kF32: return std::bit_cast<float>(bits);
    case NumberType::kF16: return f16_to_f32(uint16_t(bits));
    case NumberType::kBF16: return bf16_to_f32(uint16_t(bits));
    case NumberType::kF8E4M3: return f8e4m3_to_f32(uint8_t(bits));
    case NumberType::kUE4M3: return ue4m3_to_f32(uint8_t(bits));
    case NumberType::kE8M0: break;
  }
  return float(std::ldexp(1.0, int(bits) - 127));
}

bool field_fits(const BitField& field, int64_t count, int64_t region_bits) {
  if (count <= 0) return true;
  int64_t lowest = field.bit_offset;
  int64_t highest = field.bit_offset;
  for (const Digit& digit : field.digits) {
    int64_t most = (count - 1) / digit.divisor;
    if (digit.modulus != 0) most = std::min(most, digit.modulus - 1);
    int64_t reach = 0;
    int64_t& bound = digit.bit_stride < 0 ? lowest : highest;
    if (__builtin_mul_overflow(most, digit.bit_stride, &reach)) return false;
    if (__builtin_add_overflow(bound, reach, &bound)) return false;
  }
  return lowest >= 0 && highest <= region_bits - field.width;
}

int64_t columns_per_number(const Format& format, const Number& number) {
  if (number.place != Place::kBlock) return number.group_columns;
  return number.group_columns == 0 ? format.block_elements : std::min(number.group_columns, format.block_elements);
}

DecodePlan make_decode_plan(const Format& format) {
  DecodePlan plan;
  plan.format = format;
  plan.sections = format.sections.empty() ? std::vector<int64_t>{format.block_bytes} : format.sections;
  plan.span = format.block_elements * std::max<int64_t>(1, kSpanElements / format.block_elements);
  plan.code_bits = field_bits(format.codes.fields);
  plan.integer = integer_codes(format);
  if (is_small_float(format.codes.type))
    for (uint32_t i = 0; i < 256; ++i) plan.float_values.push_back(float_from_bits(format.codes.type, i, 8));
  plan.granule = plan.integer ? std::gcd(plan.span, plan.integer->group) : plan.span;
  for (const auto* numbers : {&format.scale, &format.minimum})
    for (const Number& number : *numbers) plan.granule = std::gcd(plan.granule, columns_per_number(format, number));
  for (int64_t row = 0; row < format.block_rows; ++row) plan.rows.push_back(make_row_plan(plan, row));
  return plan;
}

}  // namespace trireme

#include "backends/cpu/quantized/codec.h"

#include <algorithm>
#include <bitset>
#include <numeric>
#include <vector>

#include "hal/format_plan.h"

namespace trireme::cpu::quantized {
namespace {

// What is taken away from codes; none where those are too many to be counted here.
std::vector<double> zero_points(const Format& format) {
  if (!format.zero) return {0.0};
  const Number& zero = *format.zero;
  const int width = field_bits(zero.fields);
  std::vector<double> values;
  if (width > 8 || zero.type != NumberType::kUnsigned) return values;
  for (int code = 0; code < 1 << width; ++code) values.push_back(code * double(zero.multiplier) + double(zero.offset));
  return values;
}

// Codes with their signs, before zero points; none where they cannot be counted here.
std::vector<double> signed_codes(const Format& format) {
  const Codes& codes = format.codes;
  std::vector<double> values(codes.table.begin(), codes.table.end());
  if (codes.table.empty()) {
    const int width = field_bits(codes.fields);
    if (width > 8 || codes.type != NumberType::kUnsigned) return values;
    for (int code = 0; code < 1 << width; ++code) values.push_back(double(code) * codes.multiplier + codes.offset);
  }
  if (format.signs.group == 0) return values;
  const size_t count = values.size();
  for (size_t i = 0; i < count; ++i) values.push_back(-values[i]);
  return values;
}

// Whole numbers that the format's codes can stand for, in rising order: more rather than fewer.
std::vector<int> code_values(const Format& format, const IntegerCodes& integer) {
  const std::vector<double> codes = signed_codes(format), zeros = zero_points(format);
  std::bitset<256> used;  // by value + 128
  for (const double code : codes)
    for (const double zero : zeros)
      if (const double value = code - zero; integer.lowest <= value && value <= integer.highest)
        used.set(size_t(value + 128));
  std::vector<int> values;
  for (int value = integer.lowest; value <= integer.highest; ++value)
    if (used.none() || used.test(size_t(value + 128))) values.push_back(value);
  return values;
}

// Columns that surely share a scale; 0: all of a row.
int64_t columns_per_scale(const Format& format) {
  int64_t columns = 0;
  for (const Number& number : format.scale) columns = std::gcd(columns, columns_per_number(format, number));
  return columns;
}

std::optional<FormatCodec> find_general_codec(const Format& format) {
  if (!verify(format)) return std::nullopt;
  const auto integer = integer_codes(format);
  if (!integer) return std::nullopt;
  const std::vector<int> values = code_values(format, *integer);
  const auto holds = [&](const CodecRecord& record) {
    if (!record.general() || integer->group % record.group != 0) return false;
    if (integer->has_minimum && !record.has_minimum) return false;
    if (record.scale == ScaleKind::kBlockF32 && columns_per_scale(format) % record.block != 0) return false;
    const int spread = values.back() - values.front(), codes = 1 << record.bits;
    if (record.table == CodeTable::kConsecutive) return spread < codes;
    return record.bits == 8 || (values.size() <= size_t(codes) && spread <= kMaxSpread);
  };
  const auto* found = std::find_if(std::begin(kCodecRecords), std::end(kCodecRecords), holds);
  FormatCodec codec{Codec(found - kCodecRecords)};
  if (found->table == CodeTable::kConsecutive)
    std::iota(codec.values.begin(), codec.values.begin() + (1 << found->bits), int8_t(values[0]));
  if (found->table == CodeTable::kOwn) std::copy(values.begin(), values.end(), codec.values.begin());
  return codec;
}

}  // namespace

std::optional<FormatCodec> find_codec(const Format& format) {
  for (int i = 0; i < kCodecs; ++i)
    if (kCodecRecords[i].format == format.name && find_format(format.name) == &format) return FormatCodec{Codec(i)};
  return find_general_codec(format);
}

}  // namespace trireme::cpu::quantized

#include "compiler/templates/format_reader.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "hal/format_plan.h"

namespace trireme::compiler {

using kernel::Op;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

namespace {

constexpr uint32_t kEveryByte = 0x01010101;
constexpr int kTableBits = 8;  // of numbers that are looked up

bool as_stored(const Number& number) {
  return number.multiplier == 1.0f && number.offset == 0.0f && !number.reciprocal &&
         (number.type == NumberType::kF16 || number.type == NumberType::kBF16 || number.type == NumberType::kF32);
}

bool has_table(const Number& number) { return !as_stored(number) && field_bits(number.fields) <= kTableBits; }

float table_value(const Number& number, uint32_t bits) {
  return number_from_bits(number, bits, field_bits(number.fields));
}

// The smallest that the number can be beside zero.
double least_magnitude(const Number& number) {
  if (number.type == NumberType::kF16) return 0x1p-24;
  double least = HUGE_VAL;
  for (uint32_t bits = 0; bits < 1u << field_bits(number.fields); ++bits)
    if (const float value = table_value(number, bits); value != 0) least = std::min(least, double(std::abs(value)));
  return least;
}

std::optional<std::string> why_unreadable(const std::vector<Number>& factors) {
  double least = 1;
  for (const Number& factor : factors) {
    if (!as_stored(factor) && !has_table(factor)) return "a factor is computed in f64";
    if (factors.size() == 1) continue;
    if (as_stored(factor) && factor.type != NumberType::kF16) return "a product of factors may be subnormal";
    least *= least_magnitude(factor);
    if (least < 0x1p-126) return "a product of factors may be subnormal";
  }
  return std::nullopt;
}

// Each byte of a plus the byte of b at its place.
Term add_bytes(Term a, Term b) {
  kernel::Builder& builder = *a.builder;
  const Term low = builder.u32(0x7f7f7f7f), high = builder.u32(0x80808080);
  return ((a & low) + (b & low)) ^ ((a ^ b) & high);
}

Term add_to_bytes(Term a, int64_t number) {
  const uint32_t byte = uint32_t(number) & 0xffu;
  return byte == 0 ? a : add_bytes(a, a.builder->u32(byte * kEveryByte));
}

Term multiply_bytes(Term a, int64_t number) {
  const uint32_t byte = uint32_t(number) & 0xffu;
  if (byte == 1) return a;
  constexpr uint32_t kEven = 0x00ff00ff;
  return (((a & kEven) * byte) & kEven) | (((((a >> 8u) & kEven) * byte) & kEven) << 8u);
}

}  // namespace

std::optional<std::string> why_unreadable(const Format& format) {
  if (!format.rows_stand_alone()) return "its rows do not stand alone";
  if (!integer_codes(format)) return "it has no integer codes";
  for (const float value : format.codes.table)
    if (value < -128 || value > 127) return "its table leaves int8";
  if (auto why = why_unreadable(format.scale)) return why;
  return why_unreadable(format.minimum);
}

FormatTables format_tables(const Format& format) {
  FormatTables tables;
  const std::vector<float>& codebook = format.codes.table;
  tables.words.resize((codebook.size() + 3) / 4);
  for (size_t i = 0; i < codebook.size(); ++i)
    tables.words[i / 4] |= uint32_t(uint8_t(int8_t(codebook[i]))) << (i % 4 * 8);
  const auto add = [&](const std::vector<Number>& factors, std::vector<uint32_t>& places) {
    for (const Number& factor : factors) {
      places.push_back(uint32_t(tables.words.size()));
      if (!has_table(factor)) continue;
      for (uint32_t bits = 0; bits < 1u << field_bits(factor.fields); ++bits)
        tables.words.push_back(std::bit_cast<uint32_t>(table_value(factor, bits)));
    }
  };
  add(format.scale, tables.scale);
  add(format.minimum, tables.minimum);
  return tables;
}

FormatReader::FormatReader(kernel::Builder& b, const Format& format, const FormatTables& tables, const Source& source)
    : b_(b), format_(format), tables_(tables), source_(source) {
  const Term row_bits =
      source.row_blocks * uint32_t(format.block_bytes * 8) + b.u32(uint32_t(format.row_head_bytes * 8));
  row_start_ = source.row * row_bits;
}

Term FormatReader::once(Op op, Term a, uint32_t b) {
  const auto key = std::tuple(op, a.id, uint64_t(b));
  if (const auto found = terms_.find(key); found != terms_.end()) return found->second;
  return terms_.emplace(key, b_.apply(op, a.type(), {a, b_.u32(b)})).first->second;
}

Term FormatReader::sum(Term a, Term b) {
  const auto key = std::tuple(Op::kAdd, a.id, uint64_t(b.id) | uint64_t{1} << 63);
  if (const auto found = terms_.find(key); found != terms_.end()) return found->second;
  return terms_.emplace(key, a + b).first->second;
}

Term FormatReader::word(uint32_t buffer, Term index) {
  const auto key = std::tuple(Op::kLoad, index.id, uint64_t(buffer));
  if (const auto found = terms_.find(key); found != terms_.end()) return found->second;
  return terms_.emplace(key, b_.load(buffer, index, kernel::kU32)).first->second;
}

ColumnIndex FormatReader::quotient(const ColumnIndex& index, int64_t divisor) {
  if (divisor == 1) return index;
  if (!index.variable) return {{}, 1, index.constant / divisor};
  if (index.scale % divisor == 0) return {index.variable, index.scale / divisor, index.constant / divisor};
  if (divisor % index.scale == 0) return {once(Op::kDivide, *index.variable, uint32_t(divisor / index.scale)), 1, 0};
  return {once(Op::kDivide, term(index), uint32_t(divisor)), 1, 0};
}

ColumnIndex FormatReader::remainder(const ColumnIndex& index, int64_t divisor) {
  if (!index.variable || index.scale % divisor == 0) return {{}, 1, index.constant % divisor};
  if (divisor % index.scale == 0)
    return {once(Op::kRemainder, *index.variable, uint32_t(divisor / index.scale)), index.scale, index.constant};
  return {once(Op::kRemainder, term(index), uint32_t(divisor)), 1, 0};
}

Term FormatReader::term(const ColumnIndex& index) {
  if (!index.variable) return b_.u32(uint32_t(index.constant));
  const Term scaled = index.scale == 1 ? *index.variable : once(Op::kMultiply, *index.variable, uint32_t(index.scale));
  return index.constant == 0 ? scaled : once(Op::kAdd, scaled, uint32_t(index.constant));
}

void FormatReader::advance(BitAddress& address, const ColumnIndex& index, int64_t stride) {
  address.constant += index.constant * stride;
  if (!index.variable || stride == 0) return;
  const int64_t step = index.scale * stride;
  address.dynamic =
      sum(address.dynamic, step == 1 ? *index.variable : once(Op::kMultiply, *index.variable, uint32_t(step)));
  address.alignment = std::gcd(address.alignment, step);
}

FormatReader::BitAddress FormatReader::row_start() const {
  const int64_t alignment = std::gcd(int64_t{32}, std::gcd(format_.row_head_bytes, format_.block_bytes) * 8);
  return {row_start_, 0, alignment};
}

// Entry `group` columns wide of the block that has the column.
FormatReader::Entry FormatReader::entry_of(const ColumnIndex& column, int64_t section, int64_t group) {
  BitAddress base = row_start();
  base.constant = format_.row_head_bytes * 8;
  int64_t section_bits = format_.block_bytes * 8, before = 0;
  if (!format_.sections.empty()) {
    section_bits = format_.sections[size_t(section)] * 8;
    for (int64_t i = 0; i < section; ++i) before += format_.sections[size_t(i)] * 8;
  }
  advance(base, {source_.row_blocks, 1, 0}, before);
  advance(base, quotient(column, format_.block_elements), section_bits);
  return {base, quotient(remainder(column, format_.block_elements), group)};
}

FormatReader::BitAddress FormatReader::address_of(const BitField& field, const BitAddress& base,
                                                  const ColumnIndex& number) {
  BitAddress address = base;
  address.constant += field.bit_offset;
  bool falls = false;
  for (const Digit& digit : field.digits) {
    ColumnIndex places = quotient(number, digit.divisor);
    if (digit.modulus != 0) places = remainder(places, digit.modulus);
    advance(address, places, digit.bit_stride);
    falls = falls || digit.bit_stride < 0;
  }
  if (!falls) return address;
  // Only the whole is surely no less than zero.
  address.dynamic = once(Op::kAdd, address.dynamic, uint32_t(address.constant));
  address.alignment = std::gcd(address.alignment, address.constant);
  address.constant = 0;
  return address;
}

Term FormatReader::word_at(const BitAddress& address, int64_t index) {
  const Term first = once(Op::kShiftRight, address.dynamic, 5);
  const auto aligned = [&](int64_t at) {
    return word(source_.stored, at == 0 ? first : once(Op::kAdd, first, uint32_t(at)));
  };
  if (address.alignment == 32) return aligned(index);
  const Term shift = once(Op::kAnd, address.dynamic, 31);
  const Term low = aligned(index), high = aligned(index + 1);
  return (low >> shift) | ((high << 1u) << (b_.u32(31) - shift));
}

Term FormatReader::bits_at(const BitAddress& address, int width) {
  const int64_t index = address.constant >> 5;
  const auto shift = uint32_t(address.constant & 31);
  Term bits = word_at(address, index);
  if (shift != 0) bits = bits >> shift;
  if (int(shift) + width > 32) bits = bits | (word_at(address, index + 1) << (32 - shift));
  return width == 32 ? bits : bits & ((1u << width) - 1);
}

// The same for a number that has no neighbours: of one word where it surely lies in one.
Term FormatReader::bits_alone(const BitAddress& address, int width) {
  if (address.alignment == 32 || width > std::gcd(address.alignment, address.constant)) return bits_at(address, width);
  const Term place = once(Op::kAdd, address.dynamic, uint32_t(address.constant));
  const Term bits = word(source_.stored, once(Op::kShiftRight, place, 5)) >> once(Op::kAnd, place, 31);
  return bits & ((1u << width) - 1);
}

Term FormatReader::digit_of(const RadixDigit& radix, Term byte, const ColumnIndex& number) {
  BitField field;
  field.radix = radix;
  const auto power_of = [&](int64_t digit) { return b_.u32(radix_power(field, digit * radix.divisor)); };
  const ColumnIndex digit = remainder(quotient(number, radix.divisor), radix.modulus);
  Term power = power_of(digit.variable ? 0 : digit.constant);
  for (int64_t i = 1; digit.variable && i < radix.modulus; ++i)
    power = select(term(digit) == uint32_t(i), power_of(i), power);
  return (((byte * power) & 0xffu) * uint32_t(radix.radix)) >> 8u;
}

Term FormatReader::field_of(const BitField& field, const Entry& entry, bool alone) {
  ColumnIndex number = entry.number;
  std::optional<Term> inside;
  if (field.first != 0 || field.count != 0) {
    const uint32_t count = field.count == 0 ? uint32_t(kMaxBlockElements) : uint32_t(field.count);
    if (!number.variable) {
      number.constant -= field.first;
      if (number.constant < 0 || number.constant >= count) return b_.u32(0);
    } else {
      const Term after = once(Op::kSubtract, term(number), uint32_t(field.first));
      inside = after < count;
      number = {select(*inside, after, b_.u32(0)), 1, 0};
    }
  }
  const BitAddress address = address_of(field, entry.base, number);
  Term bits = alone || inside ? bits_alone(address, field.width) : bits_at(address, field.width);
  if (field.radix.radix != 0) bits = digit_of(field.radix, bits, number);
  if (inside) bits = select(*inside, bits, b_.u32(0));
  return field.shift == 0 ? bits : bits << uint32_t(field.shift);
}

Term FormatReader::entry_bits(const std::vector<BitField>& fields, const Entry& entry, bool alone) {
  Term bits = field_of(fields[0], entry, alone);
  for (size_t i = 1; i < fields.size(); ++i) bits = bits | field_of(fields[i], entry, alone);
  return bits;
}

// Of fields eight bits apart, none of which crosses such a border: one word, wherever it begins.
std::optional<Term> FormatReader::side_by_side(const BitField& field, const std::vector<Entry>& entries) {
  if (field.radix.radix != 0 || field.first != 0 || field.count != 0) return std::nullopt;
  BitAddress first = address_of(field, entries[0].base, entries[0].number);
  const auto right = uint32_t(first.constant & 7);
  if (int(right) + field.width > 8 || field.shift + field.width > 8) return std::nullopt;
  for (size_t i = 1; i < entries.size(); ++i) {
    const BitAddress other = address_of(field, entries[i].base, entries[i].number);
    if (other.dynamic.id != first.dynamic.id || other.constant != first.constant + int64_t(8 * i)) return std::nullopt;
  }
  first.constant -= right;
  Term bits = bits_at(first, 32);
  if (right != 0) bits = bits >> right;
  if (field.width != 8) bits = bits & (((1u << field.width) - 1) * kEveryByte);
  return field.shift == 0 ? bits : bits << uint32_t(field.shift);
}

// Of codes of at most a byte, a byte each.
Term FormatReader::four_bits(const ColumnIndex& first) {
  const Codes& codes = format_.codes;
  std::vector<Entry> entries;
  for (int64_t i = 0; i < 4; ++i)
    entries.push_back(entry_of({first.variable, first.scale, first.constant + i}, codes.section, 1));
  Term all = b_.u32(0);
  for (const BitField& field : codes.fields) {
    if (const auto together = side_by_side(field, entries)) {
      all = all | *together;
      continue;
    }
    for (uint32_t i = 0; i < 4; ++i) {
      const Term bits = field_of(field, entries[i], false) & 0xffu;
      all = all | (i == 0 ? bits : bits << (8 * i));
    }
  }
  return all;
}

Term FormatReader::four_of_codebook(const ColumnIndex& first) {
  const Codes& codes = format_.codes;
  if (codes.vector % 4 == 0) {
    const Term entry = entry_bits(codes.fields, entry_of(first, codes.section, codes.vector), false);
    const ColumnIndex within = quotient(remainder(remainder(first, format_.block_elements), codes.vector), 4);
    return word(source_.tables, entry * uint32_t(codes.vector / 4) + term(within));
  }
  Term all = b_.u32(0);
  for (uint32_t i = 0; i < 4; ++i) {
    const ColumnIndex column = {first.variable, first.scale, first.constant + i};
    const Term entry = entry_bits(codes.fields, entry_of(column, codes.section, codes.vector), false);
    const Term place =
        entry * uint32_t(codes.vector) + term(remainder(remainder(column, format_.block_elements), codes.vector));
    const Term code = (word(source_.tables, place >> 2u) >> ((place & 3u) << 3u)) & 0xffu;
    all = all | (i == 0 ? code : code << (8 * i));
  }
  return all;
}

Term FormatReader::negated(Term codes, const ColumnIndex& first) {
  const Signs& signs = format_.signs;
  Term minus = b_.u32(0);  // one in each byte that is negated
  for (uint32_t i = 0; i < 4; ++i) {
    const ColumnIndex column = {first.variable, first.scale, first.constant + i};
    Term bits = entry_bits(signs.fields, entry_of(column, format_.codes.section, signs.group), false);
    if (signs.even) {
      Term parity = bits;
      for (const uint32_t half : {16u, 8u, 4u, 2u, 1u}) parity = parity ^ (parity >> half);
      bits = bits | ((parity & 1u) << uint32_t(signs.group - 1));
    }
    const Term own = (bits >> term(remainder(remainder(column, format_.block_elements), signs.group))) & 1u;
    minus = minus | (i == 0 ? own : own << (8 * i));
  }
  return add_bytes(codes ^ (minus * 0xffu), minus);
}

Term FormatReader::less_zero(Term codes, const ColumnIndex& first) {
  const Number& zero = *format_.zero;
  const auto sign = zero.type == NumberType::kSigned ? int64_t{1} << (field_bits(zero.fields) - 1) : 0;
  Term all = b_.u32(0);
  for (uint32_t i = 0; i < 4; ++i) {
    const Term bits = number_bits(zero, {first.variable, first.scale, first.constant + i});
    const Term value = (sign == 0 ? bits : bits ^ b_.u32(uint32_t(sign))) & 0xffu;
    all = all | (i == 0 ? value : value << (8 * i));
  }
  const auto multiplier = int64_t(zero.multiplier);
  return add_to_bytes(add_bytes(codes, multiply_bytes(all, -multiplier)), sign * multiplier - int64_t(zero.offset));
}

// All of it modulo 256, as the results fit into int8.
Term FormatReader::four_codes(const ColumnIndex& first, int lowest) {
  const Codes& codes = format_.codes;
  Term four = codes.table.empty() ? four_bits(first) : four_of_codebook(first);
  if (codes.table.empty()) {
    const int bits = field_bits(codes.fields);
    const int64_t sign = codes.type == NumberType::kSigned ? int64_t{1} << (bits - 1) : 0;
    if (const uint32_t flipped = uint32_t(sign) & 0xffu; flipped != 0) four = four ^ b_.u32(flipped * kEveryByte);
    const bool last = format_.signs.group == 0;
    four = add_to_bytes(multiply_bytes(four, codes.multiplier),
                        codes.offset - sign * codes.multiplier - (last ? lowest : 0));
    if (last) lowest = 0;
  }
  if (format_.signs.group != 0) four = negated(four, first);
  if (format_.zero) four = less_zero(four, first);
  return add_to_bytes(four, -lowest);
}

Term FormatReader::number_bits(const Number& number, const ColumnIndex& column) {
  if (number.place == Place::kRowHead) {
    const ColumnIndex group = number.group_columns == 0 ? ColumnIndex{} : quotient(column, number.group_columns);
    return entry_bits(number.fields, {row_start(), group}, true);
  }
  return entry_bits(number.fields, entry_of(column, number.index, columns_per_number(format_, number)), true);
}

Term FormatReader::value_bits(const Number& number, uint32_t table, const ColumnIndex& column) {
  const Term bits = number_bits(number, column);
  if (has_table(number)) return word(source_.tables, bits + b_.u32(table));
  if (number.type == NumberType::kF16) return bitcast(half_to_float(bits), Scalar::kU32);
  return number.type == NumberType::kBF16 ? bits << 16u : bits;
}

Term FormatReader::factor(Factor factor, const ColumnIndex& column) {
  const bool is_scale = factor == Factor::kScale;
  const std::vector<Number>& numbers = is_scale ? format_.scale : format_.minimum;
  const std::vector<uint32_t>& places = is_scale ? tables_.scale : tables_.minimum;
  if (numbers.empty()) return b_.u32(std::bit_cast<uint32_t>(is_scale ? 1.0f : 0.0f));
  Term product = value_bits(numbers[0], places[0], column);
  for (size_t i = 1; i < numbers.size(); ++i)
    product = bitcast(bitcast(product, Scalar::kF32) * bitcast(value_bits(numbers[i], places[i], column), Scalar::kF32),
                      Scalar::kU32);
  return product;
}

}  // namespace trireme::compiler

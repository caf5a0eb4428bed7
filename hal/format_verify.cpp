#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "hal/format_plan.h"

namespace trireme {
namespace {

constexpr int64_t kMaxBytes = 1 << 20;     // of a block, head or tail
constexpr int64_t kMaxFactor = 1 << 24;    // of divisors, moduli and strides
constexpr int64_t kMaxOffset = 1LL << 40;  // of a bit address's constant part
constexpr size_t kMaxParts = 8;            // of fields, digits, factors, planes

bool within(int64_t value, int64_t lowest, int64_t highest) { return lowest <= value && value <= highest; }

// Bits that a number type must be given; 0: any from 1 to 32.
int type_bits(NumberType type) {
  switch (type) {
    case NumberType::kUnsigned:
    case NumberType::kSigned: return 0;
    case NumberType::kF32: return 32;
    case NumberType::kF16:
    case NumberType::kBF16: return 16;
    case NumberType::kF8E4M3:
    case NumberType::kUE4M3:
    case NumberType::kE8M0: return 8;
  }
  return -1;
}

bool is_integer_type(NumberType type) { return type == NumberType::kUnsigned || type == NumberType::kSigned; }

struct Verifier {
  const Format& format;

  tl::unexpected<Error> wrong(std::string why) const {
    return fail(ErrorCode::kInvalidArgument, "format " + format.name, std::move(why));
  }

  // `entries`: how many there are in the region, or -1 where that is known only with the tensor.
  Status field(const BitField& part, const std::string& of, int64_t entries, int64_t region_bits) const {
    if (!within(part.width, 1, 32) || !within(part.shift, 0, 32 - part.width))
      return wrong(of + " has a field that is not within 32 bits");
    if (!within(part.bit_offset, 0, kMaxOffset) || part.digits.size() > kMaxParts)
      return wrong(of + " has a field with a bad offset or too many digits");
    for (const Digit& digit : part.digits)
      if (!within(digit.divisor, 1, kMaxFactor) || !within(digit.modulus, 0, kMaxFactor) ||
          !within(digit.bit_stride, -kMaxFactor, kMaxFactor))
        return wrong(of + " has a digit out of range");
    if (part.first < 0 || part.count < 0 || (entries < 0 && (part.first != 0 || part.count != 0)) ||
        (entries >= 0 && (part.first > entries || part.count > entries - part.first)))
      return wrong(of + " has a field for entries that do not exist");
    TRIREME_TRY(radix(part, of));
    if (entries >= 0 && !field_fits(part, part.count == 0 ? entries - part.first : part.count, region_bits))
      return wrong(of + " reads outside of its bytes");
    return {};
  }

  Status radix(const BitField& part, const std::string& of) const {
    if (part.radix.radix == 0) return {};
    const auto aligned = [](const Digit& digit) { return digit.bit_stride % 8 == 0; };
    if (!within(part.radix.radix, 2, 16) || !within(part.radix.divisor, 1, kMaxFactor) ||
        !within(part.radix.modulus, 1, 8) || part.width != 8 || part.bit_offset % 8 != 0 ||
        !std::all_of(part.digits.begin(), part.digits.end(), aligned))
      return wrong(of + " has base digits that are not in whole bytes");
    return {};
  }

  Status fields(const std::vector<BitField>& parts, NumberType type, const std::string& of, int64_t entries,
                int64_t region_bits) const {
    if (parts.empty() || parts.size() > kMaxParts) return wrong(of + " has no fields, or too many");
    for (const BitField& part : parts) TRIREME_TRY(field(part, of, entries, region_bits));
    const int bits = type_bits(type);
    if (bits < 0 || (bits != 0 && field_bits(parts) != bits))
      return wrong(of + " has the wrong number of bits for its type");
    return {};
  }

  Status layout() const {
    if (!within(format.block_elements, 1, kMaxBlockElements) || !within(format.block_rows, 1, kMaxBlockElements) ||
        format.block_elements * format.block_rows > kMaxBlockElements)
      return wrong("a block must have 1 to " + std::to_string(kMaxBlockElements) + " elements");
    if (!within(format.block_bytes, 1, kMaxBytes) || !within(format.row_head_bytes, 0, kMaxBytes) ||
        !within(format.tensor_tail_bytes, 0, kMaxBytes))
      return wrong("the bytes of a block, row head or tensor tail are out of range");
    int64_t bytes = 0;
    for (const int64_t section : format.sections) {
      if (!within(section, 1, format.block_bytes)) return wrong("a section's bytes are out of range");
      bytes += section;
    }
    if (format.sections.size() > kMaxSections || (!format.sections.empty() && bytes != format.block_bytes))
      return wrong("the sections do not add up to a block");
    if (format.planes.size() > kMaxParts) return wrong("it has too many planes");
    return {};
  }

  int64_t section_bits(int64_t section) const {
    return 8 * (format.sections.empty() ? format.block_bytes : format.sections[size_t(section)]);
  }
  bool has_section(int64_t section) const {
    return within(section, 0, format.sections.empty() ? 0 : int64_t(format.sections.size()) - 1);
  }

  Status codes() const {
    const Codes& codes = format.codes;
    const int64_t elements = format.block_elements * format.block_rows;
    if (!has_section(codes.section)) return wrong("its codes are in a section that does not exist");
    if (codes.vector < 1 || format.block_elements % codes.vector != 0)
      return wrong("a block is not a whole number of code vectors");
    TRIREME_TRY(fields(codes.fields, codes.type, "its code", elements / codes.vector, section_bits(codes.section)));
    if (codes.vector > 1 && codes.table.empty()) return wrong("code vectors need a table");
    if (!codes.table.empty()) {
      const int bits = field_bits(codes.fields);
      if (codes.type != NumberType::kUnsigned || bits > 16)
        return wrong("a table needs unsigned codes of at most 16 bits");
      if (int64_t(codes.table.size()) != codes.vector << bits)
        return wrong("its table has " + std::to_string(codes.table.size()) + " values, not " +
                     std::to_string(codes.vector << bits));
    } else if (!within(codes.multiplier, -kMaxFactor, kMaxFactor) || !within(codes.offset, -kMaxFactor, kMaxFactor)) {
      return wrong("the codes' multiplier or offset is out of range");
    }
    return signs();
  }

  Status signs() const {
    const Signs& signs = format.signs;
    if (signs.group == 0) return {};
    if (!within(signs.group, 1, 32) || format.block_elements % signs.group != 0 || (signs.even && signs.group == 1))
      return wrong("a block is not a whole number of sign groups");
    TRIREME_TRY(fields(signs.fields, NumberType::kUnsigned, "its signs",
                       format.block_elements * format.block_rows / signs.group, section_bits(format.codes.section)));
    if (field_bits(signs.fields) != signs.group - int(signs.even))
      return wrong("its signs have the wrong number of bits");
    return {};
  }

  Status number(const Number& number, const std::string& of) const {
    if (!within(number.group_rows, 0, kMaxFactor) || !within(number.group_columns, 0, kMaxFactor))
      return wrong(of + " has a bad group");
    if ((number.place == Place::kBlock || number.place == Place::kRowHead) && number.group_rows != 1)
      return wrong(of + " lies in a row but is shared by several");
    switch (number.place) {
      case Place::kBlock: return block_number(number, of);
      case Place::kPlane:
        if (!within(number.index, 0, int64_t(format.planes.size()) - 1))
          return wrong(of + " is in a plane that does not exist");
        return fields(number.fields, number.type, of, -1, 0);
      case Place::kRowHead:
        if (format.row_head_bytes == 0) return wrong(of + " is in a row head that has no bytes");
        return fields(number.fields, number.type, of, -1, 0);
      case Place::kTensorTail:
        if (format.tensor_tail_bytes == 0) return wrong(of + " is in a tensor tail that has no bytes");
        return fields(number.fields, number.type, of, -1, 0);
    }
    return wrong(of + " is nowhere");
  }

  Status block_number(const Number& number, const std::string& of) const {
    if (!has_section(number.index)) return wrong(of + " is in a section that does not exist");
    const int64_t elements = format.block_elements * format.block_rows;
    const int64_t group = number.group_columns == 0 ? elements : number.group_columns;
    if (elements % group != 0 || (format.block_elements % group != 0 && group % format.block_elements != 0))
      return wrong(of + " has groups that do not divide a block");
    return fields(number.fields, number.type, of, elements / group, section_bits(number.index));
  }

  Status numbers(const std::vector<Number>& factors, const std::string& of) const {
    if (factors.size() > kMaxParts) return wrong(of + " has too many factors");
    for (const Number& factor : factors) TRIREME_TRY(number(factor, of));
    return {};
  }
};

struct Bounds {
  double lowest;
  double highest;
};

Bounds bounds_of_bits(const std::vector<BitField>& fields, NumberType type) {
  const int bits = field_bits(fields);
  if (type == NumberType::kSigned) return {-std::ldexp(1.0, bits - 1), std::ldexp(1.0, bits - 1) - 1};
  const bool digits = std::all_of(fields.begin(), fields.end(), [&](const BitField& field) {
    return field.radix.radix == fields[0].radix.radix && field.radix.radix != 0 && field.shift == 0;
  });
  return {0, digits ? double(fields[0].radix.radix - 1) : std::ldexp(1.0, bits) - 1};
}

Bounds affine(Bounds bounds, double multiplier, double offset) {
  const double one = bounds.lowest * multiplier + offset;
  const double other = bounds.highest * multiplier + offset;
  return {std::min(one, other), std::max(one, other)};
}

std::optional<Bounds> code_bounds(const Format& format) {
  const Codes& codes = format.codes;
  Bounds bounds{};
  if (codes.table.empty()) {
    if (!is_integer_type(codes.type)) return std::nullopt;
    bounds = affine(bounds_of_bits(codes.fields, codes.type), codes.multiplier, codes.offset);
  } else {
    for (const float value : codes.table)
      if (std::floor(value) != value) return std::nullopt;
    const auto [low, high] = std::minmax_element(codes.table.begin(), codes.table.end());
    bounds = {*low, *high};
  }
  if (format.signs.group != 0) {
    const double most = std::max(std::abs(bounds.lowest), std::abs(bounds.highest));
    bounds = {-most, most};
  }
  if (format.zero) {
    const Number& zero = *format.zero;
    if (!is_integer_type(zero.type) || zero.reciprocal || std::floor(zero.multiplier) != zero.multiplier ||
        std::floor(zero.offset) != zero.offset)
      return std::nullopt;
    const Bounds shift = affine(bounds_of_bits(zero.fields, zero.type), zero.multiplier, zero.offset);
    bounds = {bounds.lowest - shift.highest, bounds.highest - shift.lowest};
  }
  return bounds;
}

}  // namespace

Status verify(const Format& format) {
  const Verifier verifier{format};
  TRIREME_TRY(verifier.layout());
  TRIREME_TRY(verifier.codes());
  TRIREME_TRY(verifier.numbers(format.scale, "its scale"));
  TRIREME_TRY(verifier.numbers(format.minimum, "its minimum"));
  if (format.zero) TRIREME_TRY(verifier.number(*format.zero, "its zero point"));
  return {};
}

std::optional<IntegerCodes> integer_codes(const Format& format) {
  if (format.plain) return std::nullopt;
  const std::optional<Bounds> bounds = code_bounds(format);
  if (!bounds || bounds->lowest < -128 || bounds->highest > 127) return std::nullopt;
  int64_t group = 32;
  for (const auto* numbers : {&format.scale, &format.minimum})
    for (const Number& number : *numbers) group = std::gcd(group, columns_per_number(format, number));
  if (group < 16) return std::nullopt;
  return IntegerCodes{group, !format.minimum.empty(), int(bounds->lowest), int(bounds->highest)};
}

std::optional<FactorLevels> factor_levels(const Format& format, Factor factor) {
  const auto codes = integer_codes(format);
  const std::vector<Number>& numbers = factor == Factor::kScale ? format.scale : format.minimum;
  if (!codes || numbers.size() != 2) return std::nullopt;
  const Number &block = numbers[0], &group = numbers[1];
  if (block.place != Place::kBlock || group.place != Place::kBlock || block.reciprocal || group.reciprocal)
    return std::nullopt;
  if (block.type != NumberType::kF16 || block.multiplier != 1.0f || block.offset != 0.0f) return std::nullopt;
  const int width = field_bits(group.fields);
  if (!is_integer_type(group.type) || width > 8 || columns_per_number(format, group) != codes->group)
    return std::nullopt;
  const bool is_signed = group.type == NumberType::kSigned, negative = group.multiplier == -1.0f;
  constexpr float kMostOffset = 128;
  if (!(std::abs(group.offset) <= kMostOffset) || std::floor(group.offset) != group.offset) return std::nullopt;
  // Of a negated number, zero would have another sign if anything were added.
  if (negative ? is_signed || group.offset != 0.0f : group.multiplier != 1.0f) return std::nullopt;
  return FactorLevels{columns_per_number(format, block), int(group.offset) - (is_signed ? 1 << (width - 1) : 0),
                      negative};
}

}  // namespace trireme
